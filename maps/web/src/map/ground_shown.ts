/** Which ground is drawn by this page: the collections of the service, or a file in the schema of Protomaps. */
import type { GroundSource } from "./ground_layers";
import { baseChosen, offeredChosen } from "./offered_maps";

const ROADS: GroundSource = {
  roads: { source: "base-roads", layer: "roads" },
  water: { source: "base-waterways", layer: "waterways" },
  buildings: { source: "base-buildings", layer: "buildings" },
  areas: false,
};
const FILE: GroundSource = {
  roads: { source: "base", layer: "roads" },
  water: { source: "base", layer: "water" },
  buildings: { source: "base", layer: "buildings" },
  areas: true,
};

/** Where the ground that is drawn here comes from; null: nothing, or a picture. */
export function groundShown(): GroundSource | null {
  if (baseChosen() === "roads") return ROADS;
  return offeredChosen()?.kind === "vector" ? FILE : null;
}
