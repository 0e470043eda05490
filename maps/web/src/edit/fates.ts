/** What becomes of the areas that a draft names: they end, they get another outline, or they move to another parent. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { Operation } from "../core/edit_types";
import { contains, insidePoint } from "../geometry/inside";
import { operandIds } from "./steps";

export type Fate = "ends" | "changes" | "moves";

const FATES: Record<Operation["op"], Fate> = {
  split: "ends",
  merge: "ends",
  undo: "ends",
  move_vertex: "changes",
  move_edge: "changes",
  insert_vertex: "changes",
  delete_vertex: "changes",
  reshape: "changes",
  transfer: "moves",
  reparent: "moves",
};

export function fateOf({ op }: Operation): Fate {
  return FATES[op];
}

/** The same areas, each with its fate among its properties. */
export function withFates<P extends object>(
  areas: readonly Feature<Geometry, P>[],
  operations: readonly Operation[],
): Feature<Geometry, P & { fate: Fate }>[] {
  const fates = new Map(operations.flatMap((each) => operandIds(each).map((id) => [id, fateOf(each)] as const)));
  return areas.map((each) => ({
    ...each,
    properties: { ...each.properties, fate: fates.get(Number(each.id)) ?? "ends" },
  }));
}

/** What begins, with the fate of the area on whose land its middle lies. */
export function inheritedFates(
  begun: FeatureCollection,
  areas: readonly Feature<Geometry, { fate: Fate }>[],
): FeatureCollection {
  const fate = (geometry: Geometry): Fate => {
    const middle = insidePoint(geometry);
    return areas.find((each) => middle !== null && contains(each.geometry, middle))?.properties.fate ?? "ends";
  };
  return {
    ...begun,
    features: begun.features.map((each) => ({
      ...each,
      properties: { ...each.properties, fate: fate(each.geometry) },
    })),
  };
}
