/** Drawing the boundary between two unit grids anew, of one community or of two. */
import type { Position } from "geojson";
import type { Operation } from "../core/edit_types";
import type { Unit } from "./units";

export function reshape(units: readonly Unit[], line: readonly Position[]): Operation {
  return {
    op: "reshape",
    area_ids: units.map((each) => Number(each.id)),
    line: { type: "LineString", coordinates: line.map((each) => [each[0] ?? 0, each[1] ?? 0]) },
  };
}

/** Why these have no common boundary to draw, as far as the browser knows. */
export function reshapeBar(units: readonly Unit[]): "not_two" | null {
  return units.length === 2 ? null : "not_two";
}
