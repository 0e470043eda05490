/** A ring around the place that a panel is about, and the places that it lists. */
import type { FeatureCollection, MultiPolygon, Point } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { colors } from "./palette";
import { addThemed } from "./themed_layers";

/** A place that a panel lists: a silence, an encounter, a breach, or the fence that was broken. */
export interface ListedPlace {
  kind: "silence" | "encounter" | "breach" | "fence";
  geometry: Point | MultiPolygon;
}

const nothing: FeatureCollection = { type: "FeatureCollection", features: [] };

const markLayers = (): LayerSpecification[] => [
  {
    id: "listed-fence",
    type: "line",
    source: "listed-places",
    filter: ["==", ["get", "kind"], "fence"],
    paint: { "line-color": colors().chosen, "line-width": 2.5, "line-dasharray": [3, 2] },
  },
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
  {
    id: "listed-places",
    type: "circle",
    source: "listed-places",
    filter: ["!=", ["get", "kind"], "fence"],
    paint: {
      "circle-radius": 6,
      "circle-color": ["match", ["get", "kind"], "silence", colors().silence, colors().encounter],
      "circle-opacity": 0.55,
      "circle-stroke-color": colors().text,
      "circle-stroke-width": 1.5,
    },
  },
];

export function addMark(map: MapView): void {
  map.addSource("mark", { type: "geojson", data: nothing });
  map.addSource("listed-places", { type: "geojson", data: nothing });
  addThemed(map, markLayers);
}

/** Ring a place and draw those that are listed with it; `null` takes the ring away. */
export function setMark(
  map: MapView,
  point: readonly [number, number] | null,
  listed: readonly ListedPlace[] = [],
): void {
  map.getSource<GeoJSONSource>("mark")?.setData({
    type: "FeatureCollection",
    features: point ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [...point] } }] : [],
  });
  map.getSource<GeoJSONSource>("listed-places")?.setData({
    type: "FeatureCollection",
    features: listed.map(({ kind, geometry }) => ({ type: "Feature", properties: { kind }, geometry })),
  });
}
