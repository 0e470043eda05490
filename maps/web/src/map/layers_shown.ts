/** Which groups of layers are switched on, and what the hot spots are of: kept in the address. */
import type { Map as MapView } from "maplibre-gl";
import type { HotField } from "../address/address";
import { address, put } from "../address/router";
import { layerGroups } from "./layer_groups";
import { filterSource } from "./sources";

const AT_START: readonly string[] = layerGroups()
  .filter((each) => each.shown)
  .map((each) => each.id);

/** Names of the groups that are switched on. */
export function layersShown(): readonly string[] {
  return address.get().layers ?? AT_START;
}

/** Switch a group on or off. */
export function showGroup(id: string, shown: boolean, how: "push" | "replace" = "push"): void {
  const now = layersShown();
  if (now.includes(id) === shown) return;
  const next = layerGroups()
    .map((each) => each.id)
    .filter((each) => (each === id ? shown : now.includes(each)));
  put({ layers: next.join() === AT_START.join() ? null : next }, how);
}

export function chooseHotField(hotField: HotField): void {
  put({ hotField });
}

/** Bring the map's layers to what is switched on; layers that are not there yet are passed over. */
export function applyLayers(map: MapView): void {
  const shown = layersShown();
  const cells = shown.includes("hot_spots") || shown.includes("emerging_hot_spots");
  for (const group of layerGroups())
    for (const layer of group.layers)
      if (map.getLayer(layer))
        map.setLayoutProperty(
          layer,
          "visibility",
          shown.includes(group.id) && !hides(layer, cells) ? "visible" : "none",
        );
}

/** The rings around alerts would cover the cells of hot spots: beside those an alert is its point only. */
function hides(layer: string, cells: boolean): boolean {
  return cells && layer === "alerts-halo";
}

/** Follow the address. */
export function followLayers(map: MapView): void {
  let field: HotField = "visits";
  let shown = "";
  const follow = (): void => {
    if (shown !== layersShown().join()) applyLayers(map);
    shown = layersShown().join();
    const { hotField } = address.get();
    if (hotField !== field)
      for (const id of ["hot_spots", "emerging_hot_spots"]) filterSource(map, id, { field: hotField });
    field = hotField;
  };
  follow();
  address.subscribe(follow);
}
