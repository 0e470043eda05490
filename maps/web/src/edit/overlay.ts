/** What an edit draws on the map: the chosen grids, what a draft ends and begins, sites and cases concerned, a drawing, the place of a clash. */
import type { Feature, FeatureCollection, Geometry } from "geojson";
import type {
  ExpressionSpecification,
  FilterSpecification,
  GeoJSONSource,
  LayerSpecification,
  Map as MapView,
} from "maplibre-gl";
import { FONT } from "../map/area_layers";
import { onSide } from "../geometry/clip";
import { insidePoint } from "../geometry/inside";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";

const SOURCES = [
  "edit-hover",
  "edit-selected",
  "edit-void",
  "edit-result",
  "edit-label",
  "edit-concerned",
  "edit-sketch",
  "edit-clash",
  "edit-swipe",
] as const;
type SourceId = (typeof SOURCES)[number];

const NO_POINTS: FilterSpecification = ["!=", ["geometry-type"], "Point"];

/** Areas as they are now, and as they would be; what moves stays where it is. */
const before = (): ExpressionSpecification => [
  "match",
  ["get", "fate"],
  "changes",
  colors().reshapedFrom,
  "moves",
  colors().moved,
  colors().voided,
];
const after = (): ExpressionSpecification => [
  "match",
  ["get", "fate"],
  "changes",
  colors().reshaped,
  "moves",
  colors().moved,
  colors().result,
];

const overlayLayers = (): LayerSpecification[] => [
  {
    id: "edit-hover-line",
    type: "line",
    source: "edit-hover",
    paint: { "line-color": colors().selected, "line-width": 2, "line-dasharray": [3, 2] },
  },
  {
    id: "edit-selected-fill",
    type: "fill",
    source: "edit-selected",
    paint: { "fill-color": colors().selected, "fill-opacity": 0.16 },
  },
  {
    id: "edit-selected-line",
    type: "line",
    source: "edit-selected",
    paint: { "line-color": colors().selected, "line-width": 3 },
  },
  {
    id: "edit-result-fill",
    type: "fill",
    source: "edit-result",
    paint: { "fill-color": after(), "fill-opacity": 0.2 },
  },
  {
    id: "edit-void-line",
    type: "line",
    source: "edit-void",
    paint: { "line-color": before(), "line-width": 5, "line-opacity": 0.55 },
  },
  { id: "edit-result-line", type: "line", source: "edit-result", paint: { "line-color": after(), "line-width": 2.5 } },
  {
    id: "edit-result-label",
    type: "symbol",
    source: "edit-label",
    layout: {
      "text-field": ["get", "code"],
      "text-font": FONT,
      "text-size": 13,
      "text-max-width": 30,
      "symbol-sort-key": ["length", ["get", "code"]],
    },
    paint: { "text-color": after(), "text-halo-color": colors().halo, "text-halo-width": 2 },
  },
  {
    id: "edit-concerned-point",
    type: "circle",
    source: "edit-concerned",
    paint: {
      "circle-radius": ["match", ["get", "what"], "case", 8, 5.5],
      "circle-color": ["match", ["get", "what"], "case", colors().openCase, colors().affectedSite],
      "circle-stroke-color": colors().casing,
      "circle-stroke-width": 2,
    },
  },
  {
    id: "edit-sketch-fill",
    type: "fill",
    source: "edit-sketch",
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": colors().sketch, "fill-opacity": 0.08 },
  },
  {
    id: "edit-sketch-line",
    type: "line",
    source: "edit-sketch",
    filter: NO_POINTS,
    paint: { "line-color": colors().sketch, "line-width": 2.5, "line-dasharray": [2, 1.5] },
  },
  {
    id: "edit-clash-fill",
    type: "fill",
    source: "edit-clash",
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": colors().clash, "fill-opacity": 0.35 },
  },
  {
    id: "edit-clash-line",
    type: "line",
    source: "edit-clash",
    filter: NO_POINTS,
    paint: { "line-color": colors().clash, "line-width": 4 },
  },
  {
    id: "edit-clash-point",
    type: "circle",
    source: "edit-clash",
    filter: ["==", ["geometry-type"], "Point"],
    paint: {
      "circle-radius": 9,
      "circle-color": colors().clash,
      "circle-opacity": 0.5,
      "circle-stroke-color": colors().clash,
      "circle-stroke-width": 3,
    },
  },
];

const swipeLayers = (): LayerSpecification[] => [
  {
    id: "edit-swipe-line",
    type: "line",
    source: "edit-swipe",
    paint: { "line-color": colors().text, "line-width": 3 },
  },
];

/** Shapes run under the labels. */
const UNDER = "unit_grid-label";
const NOTHING: FeatureCollection = { type: "FeatureCollection", features: [] };

function single(geometry: Geometry | null): FeatureCollection {
  return geometry ? { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry }] } : NOTHING;
}

/** One label a grid: a polygon that lies in several tiles would have one in each. */
function labelOf({ geometry, properties, id }: Feature): Feature[] {
  const at = insidePoint(geometry);
  return at
    ? [{ type: "Feature", ...(id !== undefined && { id }), properties, geometry: { type: "Point", coordinates: at } }]
    : [];
}

export class Overlay {
  readonly #map: MapView;
  #ended = new Set<string>();
  #side: "both" | "before" | "after" = "both";
  #result: FeatureCollection = NOTHING;
  #voided: Feature[] = [];
  /** West of it the map shows what is, east of it what would be; null: both everywhere. */
  #swipe: number | null = null;

  constructor(map: MapView) {
    this.#map = map;
    for (const id of SOURCES) map.addSource(id, { type: "geojson", data: NOTHING });
    addThemed(map, swipeLayers);
    addThemed(map, overlayLayers, ({ type }) => (type === "fill" || type === "line" ? UNDER : undefined));
  }

  selected(features: Feature[]): void {
    this.#set("edit-selected", { type: "FeatureCollection", features });
  }

  /** The grid under the pointer, or in focus in the list. */
  hover(feature: Feature | null): void {
    this.#set("edit-hover", { type: "FeatureCollection", features: feature ? [feature] : [] });
  }

  result(result: FeatureCollection | undefined): void {
    this.#result = result ?? NOTHING;
    this.#draw();
  }

  /** Show what is west of a meridian, and what would be east of it; null: one over the other. */
  swipe(lon: number | null): void {
    this.#swipe = lon;
    const line = (at: number): Geometry => ({
      type: "LineString",
      coordinates: [
        [at, -85],
        [at, 85],
      ],
    });
    this.#set("edit-swipe", single(lon === null ? null : line(lon)));
    this.#draw();
  }

  #draw(): void {
    const lon = this.#swipe;
    const begun = this.#result.features;
    const [shown, ended] =
      lon === null ? [begun, this.#voided] : [onSide(begun, lon, "east"), onSide(this.#voided, lon, "west")];
    const labels =
      lon === null
        ? begun.flatMap(labelOf)
        : [...onSide(this.#voided.flatMap(labelOf), lon, "west"), ...onSide(begun.flatMap(labelOf), lon, "east")];
    this.#set("edit-result", { type: "FeatureCollection", features: shown });
    this.#set("edit-void", { type: "FeatureCollection", features: ended });
    this.#set("edit-label", { type: "FeatureCollection", features: labels });
    this.#hideLabels();
  }

  /** What of a change is shown: as it is, as it would be, or one over the other. */
  side(side: "both" | "before" | "after"): void {
    const set = (ids: readonly string[], shown: boolean): void => {
      for (const id of ids)
        if (this.#map.getLayer(id)) this.#map.setLayoutProperty(id, "visibility", shown ? "visible" : "none");
    };
    set(["edit-result-fill", "edit-result-line", "edit-result-label"], side !== "before");
    set(["edit-void-line"], side !== "after");
    this.#side = side;
    this.#hideLabels();
  }

  /** Grids that end, or have another label already, have none of the map's own. */
  #hideLabels(): void {
    if (!this.#map.getLayer(UNDER)) return;
    const codes = this.#side === "before" ? [] : [...this.#ended];
    this.#map.setFilter(UNDER, codes.length ? ["!", ["in", ["get", "code"], ["literal", codes]]] : null);
  }

  /** Areas that would end. */
  voided(features: Feature[]): void {
    this.#ended = new Set(features.map((each) => String(each.properties?.code ?? "")));
    this.#voided = features;
    this.#draw();
  }

  /** Sites and open cases concerned: points with `what`. */
  concerned(features: Feature[]): void {
    this.#set("edit-concerned", { type: "FeatureCollection", features });
  }

  /** A drawing that is not (yet) part of the draft. */
  sketch(features: Feature[]): void {
    this.#set("edit-sketch", { type: "FeatureCollection", features });
  }

  clash(geometry: Geometry | null): void {
    this.#set("edit-clash", single(geometry));
  }

  /** Take the preview of a draft away. */
  clearPreview(): void {
    this.result(undefined);
    this.voided([]);
    this.concerned([]);
  }

  remove(): void {
    this.#ended.clear();
    this.#hideLabels();
    removeThemed(this.#map, overlayLayers);
    removeThemed(this.#map, swipeLayers);
    for (const id of SOURCES) if (this.#map.getSource(id)) this.#map.removeSource(id);
  }

  #set(id: SourceId, data: FeatureCollection): void {
    this.#map.getSource<GeoJSONSource>(id)?.setData(data);
  }
}
