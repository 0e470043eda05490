/** How buildings, roads and water are drawn, from the service's own collections or from a file in the schema of Protomaps. */
import type { ExpressionSpecification, LayerSpecification } from "maplibre-gl";
import { language } from "../texts/language";
import { FONT } from "./area_layers";
import type { Swatch } from "./layer_groups";
import { colors } from "./palette";

/** Where a layer's features come from; `water` of a file has areas and lines, the collection has lines. */
export interface GroundSource {
  roads: { source: string; layer: string };
  water: { source: string; layer: string };
  buildings: { source: string; layer: string };
  areas: boolean;
}

const EVERY = ["motorway", "trunk", "primary", "secondary", "tertiary"] as const;
type Rank = (typeof EVERY)[number] | "other";

/** Widths in pixels at zooms 6, 10, 13 and 17, and the zoom from which a kind is drawn. */
const WIDTHS: Record<Rank, { from: number; px: [number, number, number, number] }> = {
  motorway: { from: 5, px: [1, 2.4, 5, 20] },
  trunk: { from: 6, px: [0.7, 1.8, 4.4, 18] },
  primary: { from: 7, px: [0.5, 1.6, 4, 17] },
  secondary: { from: 8, px: [0.3, 1.2, 3.2, 15] },
  tertiary: { from: 10, px: [0.2, 0.6, 2.2, 12] },
  other: { from: 11, px: [0, 0.3, 1.2, 8] },
};

/** Files say the kind in `kind_detail` (`motorway_link` too), the collection in `kind`. */
const DETAIL: ExpressionSpecification = ["coalesce", ["get", "kind_detail"], ["get", "kind"]];

function ofRank(rank: Rank): ExpressionSpecification {
  const known = EVERY.flatMap((each) => [each, `${each}_link`]);
  return rank === "other"
    ? ["!", ["in", DETAIL, ["literal", known]]]
    : ["in", DETAIL, ["literal", [rank, `${rank}_link`]]];
}

function width(rank: Rank, more: number): ExpressionSpecification {
  const [six, ten, thirteen, seventeen] = WIDTHS[rank].px;
  const stops = [6, six, 10, ten, 13, thirteen, 17, seventeen];
  return [
    "interpolate",
    ["exponential", 1.4],
    ["zoom"],
    ...stops.map((value, i) => (i % 2 ? value + more : value)),
  ] as ExpressionSpecification;
}

function color(rank: Rank): string {
  const { motorway, mainRoad, wideRoad, road } = colors();
  const known: Partial<Record<Rank, string>> = {
    motorway,
    trunk: mainRoad,
    primary: mainRoad,
    secondary: wideRoad,
  };
  return known[rank] ?? road;
}

const RANKS = (Object.keys(WIDTHS) as Rank[]).reverse();

/** The name in the language of the page; one that there is not in the other. */
function name(): ExpressionSpecification {
  const zh: ExpressionSpecification = ["coalesce", ["get", "name:zh-Hans"], ["get", "name:zh"], ["get", "name"]];
  return language.get() === "zh"
    ? ["coalesce", zh, ["get", "name:en"], ""]
    : ["coalesce", ["get", "name:en"], ["get", "name_en"], ["get", "name"], ""];
}

function waterLayers({ water, areas }: GroundSource): LayerSpecification[] {
  const of = { source: water.source, "source-layer": water.layer };
  const lines: LayerSpecification = {
    ...of,
    id: "base-water-line",
    type: "line",
    filter: ["==", ["geometry-type"], "LineString"],
    paint: {
      "line-color": colors().waterLine,
      "line-opacity": 0.7,
      "line-width": [
        "interpolate",
        ["exponential", 1.5],
        ["zoom"],
        8,
        ["match", DETAIL, "river", 1.2, "canal", 0.6, 0.2],
        12,
        ["match", DETAIL, "river", 3, "canal", 1.6, 0.6],
        16,
        ["match", DETAIL, "river", 30, "canal", 14, 4],
      ],
    },
  };
  if (!areas) return [lines];
  const fill: LayerSpecification = {
    ...of,
    id: "base-water",
    type: "fill",
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: { "fill-color": colors().water },
  };
  return [fill, lines];
}

/** Outlines of buildings, from the zoom at which one can be told from another. */
function buildingLayer({ buildings }: GroundSource): LayerSpecification {
  return {
    id: "base-building",
    type: "fill",
    source: buildings.source,
    "source-layer": buildings.layer,
    minzoom: 13,
    filter: ["==", ["geometry-type"], "Polygon"],
    paint: {
      "fill-color": colors().building,
      "fill-outline-color": colors().buildingEdge,
      "fill-opacity": ["interpolate", ["linear"], ["zoom"], 13, 0.4, 15, 0.9],
    },
  };
}

/** The legend of the ground, from the greatest road down. */
export function groundLegend(): Swatch[] {
  const { motorway, mainRoad, wideRoad, road, roadEdge, waterLine, building, buildingEdge } = colors();
  return [
    { mark: "road", color: motorway, edge: roadEdge, text: "road_kind.motorway" },
    { mark: "road", color: mainRoad, edge: roadEdge, text: "ground.main_road" },
    { mark: "road", color: wideRoad, edge: roadEdge, text: "road_kind.secondary" },
    { mark: "road", color: road, edge: roadEdge, text: "ground.other_road" },
    { mark: "line", color: waterLine, text: "ground.waterway" },
    { mark: "fill", color: building, edge: buildingEdge, text: "ground.building" },
  ];
}

/** Water and buildings, then roads from the least to the greatest: every edge below every road, so that crossings are open. */
export function groundOf(of: GroundSource): LayerSpecification[] {
  const road = (rank: Rank, part: "edge" | "road"): LayerSpecification => ({
    id: `base-${part}-${rank}`,
    type: "line",
    source: of.roads.source,
    "source-layer": of.roads.layer,
    minzoom: WIDTHS[rank].from + (part === "edge" ? 1 : 0),
    filter: ofRank(rank),
    layout: { "line-cap": part === "edge" ? "butt" : "round", "line-join": "round" },
    paint: {
      "line-color": part === "edge" ? colors().roadEdge : color(rank),
      "line-width": width(rank, part === "edge" ? 1.4 : 0),
    },
  });
  const edges = RANKS.map((rank) => road(rank, "edge"));
  return [...waterLayers(of), buildingLayer(of), ...edges, ...RANKS.map((rank) => road(rank, "road"))];
}

/** Names along roads and rivers. */
export function namesOf({ roads, water }: GroundSource): LayerSpecification[] {
  const along = (
    id: string,
    of: { source: string; layer: string },
    from: number,
    text: string,
  ): LayerSpecification => ({
    id,
    type: "symbol",
    source: of.source,
    "source-layer": of.layer,
    minzoom: from,
    layout: {
      "symbol-placement": "line",
      "symbol-spacing": 360,
      "text-field": name(),
      "text-font": FONT,
      "text-size": ["interpolate", ["linear"], ["zoom"], 11, 10, 16, 13],
      "text-max-angle": 32,
      "text-padding": 6,
    },
    paint: { "text-color": text, "text-halo-color": colors().halo, "text-halo-width": 1.5 },
  });
  return [
    along("base-water-name", water, 11, colors().waterText),
    { ...along("base-road-name", roads, 11, colors().roadText), filter: ["!", ofRank("other")] } as LayerSpecification,
    { ...along("base-lane-name", roads, 15, colors().roadText), filter: ofRank("other") } as LayerSpecification,
  ];
}
