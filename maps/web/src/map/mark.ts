/** A ring around the place that a panel is about. */
import type { Map as MapView } from "maplibre-gl";
import { COLORS } from "./palette";

export function addMark(map: MapView): void {
  map.addSource("mark", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  map.addLayer({
    id: "mark",
    type: "circle",
    source: "mark",
    paint: {
      "circle-radius": 22,
      "circle-color": COLORS.chosen,
      "circle-opacity": 0.12,
      "circle-stroke-color": COLORS.text,
      "circle-stroke-width": 2.5,
    },
  });
}
