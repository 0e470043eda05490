/** Splitting one unit grid by a line. */
import type { Position } from "geojson";
import type { Operation } from "../core/edit_types";

export function split(areaId: number, line: readonly Position[]): Operation {
  return {
    op: "split",
    area_id: areaId,
    line: { type: "LineString", coordinates: line.map((each) => [each[0] ?? 0, each[1] ?? 0]) },
  };
}

/** How many different places a line has: one place is no line. */
export function distinct(line: readonly Position[]): number {
  return new Set(line.map((each) => `${each[0]},${each[1]}`)).size;
}
