/** Merging unit grids of one community. */
import type { Operation } from "../core/edit_types";
import type { Unit } from "./units";

export function merge(units: readonly Unit[]): Operation {
  return { op: "merge", area_ids: units.map((each) => Number(each.id)) };
}

export type MergeBar = "too_few" | "other_parent";

/** Why these cannot be merged, as far as the browser knows; whether they are neighbours is the server's to say. */
export function mergeBar(units: readonly Unit[]): MergeBar | null {
  if (units.length < 2) return "too_few";
  return new Set(units.map((each) => each.properties.parent_id)).size > 1 ? "other_parent" : null;
}
