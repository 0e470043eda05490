/** Giving a community to another town, or a town to another county, with all that is in it. */
import type { Operation } from "../core/edit_types";

export const MOVABLE = ["community", "town"] as const;
export type Movable = (typeof MOVABLE)[number];

export function reparent(areaId: number, parentId: number): Operation {
  return { op: "reparent", area_id: areaId, parent_id: parentId };
}

/** Whether whoever manages an area of this kind may give areas to another parent; null: the whole city. */
export function mayReparent(kind: Movable, scope: string | null): boolean {
  return scope === null || scope === "city" || (kind === "community" && scope === "county");
}

/** The kind of area that holds areas of this kind. */
export function parentKind(kind: Movable): "town" | "county" {
  return kind === "community" ? "town" : "county";
}
