/** A ring around the place that a panel is about. */
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { colors } from "./palette";
import { addThemed } from "./themed_layers";

const markLayers = (): LayerSpecification[] => [
  {
    id: "mark",
    type: "circle",
    source: "mark",
    paint: {
      "circle-radius": 22,
      "circle-color": colors().chosen,
      "circle-opacity": 0.12,
      "circle-stroke-color": colors().text,
      "circle-stroke-width": 2.5,
    },
  },
];

export function addMark(map: MapView): void {
  map.addSource("mark", { type: "geojson", data: { type: "FeatureCollection", features: [] } });
  addThemed(map, markLayers);
}

/** Ring a place; `null` takes the ring away. */
export function setMark(map: MapView, point: readonly [number, number] | null): void {
  map.getSource<GeoJSONSource>("mark")?.setData({
    type: "FeatureCollection",
    features: point ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [...point] } }] : [],
  });
}
