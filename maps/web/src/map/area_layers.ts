/** Areas: fills that can be clicked, borders by rank, labels from the label points of the tiles. */
import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import { wallScale } from "../core/wall";
import { colors } from "./palette";

export const AREA_KINDS = ["county", "town", "community", "unit_grid"] as const;
export const FONT = ["Noto Sans"];
/** "Bold" in the name also makes the desk's Chinese font bold. */
const BOLD_FONT = ["Noto Sans Bold"];

interface Border {
  kind: (typeof AREA_KINDS)[number];
  color: string;
  width: ExpressionSpecification;
  opacity: ExpressionSpecification | number;
}

function byZoom(...stops: [number, number][]): ExpressionSpecification {
  return ["interpolate", ["linear"], ["zoom"], ...stops.flat()] as ExpressionSpecification;
}

const borders = (): Border[] => [
  {
    kind: "unit_grid",
    color: colors().unit_grid,
    width: byZoom([12, 0.5], [16, 1.4]),
    opacity: byZoom([12, 0.45], [14.5, 1]),
  },
  {
    kind: "community",
    color: colors().community,
    width: byZoom([11, 0.6], [15, 1.8]),
    opacity: byZoom([11, 0.5], [12.5, 1]),
  },
  {
    kind: "town",
    color: colors().town,
    width: byZoom([8, 0.5], [12, 1.6], [16, 2.6]),
    opacity: byZoom([8, 0.55], [10, 1]),
  },
  { kind: "county", color: colors().county, width: byZoom([7, 1.2], [11, 2.4], [16, 3.6]), opacity: 1 },
];

function border({ kind, color, width, opacity }: Border): LayerSpecification {
  return {
    id: `${kind}-line`,
    type: "line",
    source: kind,
    "source-layer": "areas",
    layout: { "line-join": "round" },
    paint: { "line-color": color, "line-width": width, "line-opacity": opacity },
  };
}

/** Transparent, but there: a click asks them which areas hold the place. */
function touchable(kind: string): LayerSpecification {
  return {
    id: `${kind}-fill`,
    type: "fill",
    source: kind,
    "source-layer": "areas",
    paint: { "fill-color": "#000000", "fill-opacity": 0 },
  };
}

function label(
  kind: string,
  field: ExpressionSpecification,
  size: ExpressionSpecification,
  zooms: [number, number],
  color: string,
  spacing = 0,
  font = FONT,
): LayerSpecification {
  return {
    id: `${kind}-label`,
    type: "symbol",
    source: kind,
    "source-layer": "areas_labels",
    minzoom: zooms[0],
    maxzoom: zooms[1],
    layout: {
      "text-field": field,
      "text-font": font,
      "text-size": size,
      "text-letter-spacing": spacing,
      "text-max-width": 9,
      "text-padding": 3,
    },
    paint: { "text-color": color, "text-halo-color": colors().halo, "text-halo-width": 1.8 },
  };
}

/** Sizes of type by zoom, larger on a wall. */
function type(...stops: [number, number][]): ExpressionSpecification {
  return byZoom(...stops.map(([zoom, px]): [number, number] => [zoom, px * wallScale()]));
}

const NAME: ExpressionSpecification = ["get", "name"];

export const groundLayers = (): LayerSpecification[] => [
  {
    id: "land",
    type: "fill",
    source: "county",
    "source-layer": "areas",
    paint: { "fill-color": colors().land, "fill-antialias": false },
  },
  {
    id: "water-fill",
    type: "fill",
    source: "water",
    "source-layer": "areas",
    paint: { "fill-color": colors().water, "fill-opacity": 0.85, "fill-outline-color": colors().waterLine },
  },
  {
    id: "functional_zone-fill",
    type: "fill",
    source: "functional_zone",
    "source-layer": "areas",
    paint: { "fill-color": colors().zoneFill, "fill-opacity": 0.35 },
  },
  {
    id: "functional_zone-line",
    type: "line",
    source: "functional_zone",
    "source-layer": "areas",
    paint: { "line-color": colors().zone, "line-width": 1.4, "line-dasharray": [3, 2] },
  },
];

export const borderLayers = (): LayerSpecification[] => [...AREA_KINDS.map(touchable), ...borders().map(border)];

export const labelLayers = (): LayerSpecification[] => [
  label("unit_grid", ["get", "code"], type([14.5, 10], [17, 13]), [14.5, 24], colors().unitText),
  label("functional_zone", NAME, type([10, 11], [15, 13]), [10.5, 24], colors().zone),
  label("water", NAME, type([10, 11], [15, 13]), [10, 24], colors().waterText, 0.08),
  label("community", NAME, type([12, 11], [16, 14]), [12, 16.5], colors().communityText),
  label("town", NAME, type([8.4, 10.5], [9.5, 11.5], [13, 15]), [8.4, 14.5], colors().townText, 0, BOLD_FONT),
  label("county", NAME, type([7, 13], [10, 18], [12, 20]), [6, 12], colors().countyText, 0.1, BOLD_FONT),
];
