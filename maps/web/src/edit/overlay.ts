/** What an edit draws on the map: the selected grids, the result that a draft would have, the place of a clash. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { FONT } from "../map/area_layers";
import { COLORS } from "../map/palette";

const SOURCES = ["edit-selected", "edit-result", "edit-clash"] as const;
type SourceId = (typeof SOURCES)[number];

const LAYERS: LayerSpecification[] = [
  { id: "edit-selected-fill", type: "fill", source: "edit-selected", paint: { "fill-color": COLORS.selected, "fill-opacity": 0.16 } },
  { id: "edit-selected-line", type: "line", source: "edit-selected", paint: { "line-color": COLORS.selected, "line-width": 3 } },
  { id: "edit-result-fill", type: "fill", source: "edit-result", paint: { "fill-color": COLORS.result, "fill-opacity": 0.18 } },
  { id: "edit-result-line", type: "line", source: "edit-result", paint: { "line-color": COLORS.result, "line-width": 3 } },
  {
    id: "edit-result-label",
    type: "symbol",
    source: "edit-result",
    layout: { "text-field": ["get", "code"], "text-font": FONT, "text-size": 13, "text-allow-overlap": true },
    paint: { "text-color": COLORS.result, "text-halo-color": "#ffffff", "text-halo-width": 2 },
  },
  { id: "edit-clash-fill", type: "fill", source: "edit-clash", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": COLORS.clash, "fill-opacity": 0.35 } },
  { id: "edit-clash-line", type: "line", source: "edit-clash", filter: ["!=", ["geometry-type"], "Point"], paint: { "line-color": COLORS.clash, "line-width": 4 } },
  {
    id: "edit-clash-point",
    type: "circle",
    source: "edit-clash",
    filter: ["==", ["geometry-type"], "Point"],
    paint: { "circle-radius": 9, "circle-color": COLORS.clash, "circle-opacity": 0.5, "circle-stroke-color": COLORS.clash, "circle-stroke-width": 3 },
  },
];

/** Shapes run under the labels. */
const UNDER = "unit_grid-label";
const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

export class Overlay {
  readonly #map: MapView;

  constructor(map: MapView) {
    this.#map = map;
    for (const id of SOURCES) map.addSource(id, { type: "geojson", data: NOTHING });
    for (const layer of LAYERS) map.addLayer(layer, layer.type === "fill" || layer.type === "line" ? UNDER : undefined);
  }

  selected(features: Feature[]): void {
    this.#set("edit-selected", { type: "FeatureCollection", features });
  }

  result(result: FeatureCollection | undefined): void {
    this.#set("edit-result", result ?? NOTHING);
  }

  clash(geometry: Geometry | null): void {
    const features: Feature[] = geometry ? [{ type: "Feature", properties: {}, geometry }] : [];
    this.#set("edit-clash", { type: "FeatureCollection", features });
  }

  remove(): void {
    for (const layer of LAYERS) if (this.#map.getLayer(layer.id)) this.#map.removeLayer(layer.id);
    for (const id of SOURCES) if (this.#map.getSource(id)) this.#map.removeSource(id);
  }

  #set(id: SourceId, data: FeatureCollection): void {
    this.#map.getSource<GeoJSONSource>(id)?.setData(data);
  }
}
