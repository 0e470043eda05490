/** Sites, hot spots, and what is seen after login: alerts, cases, stays. */
import type { ExpressionSpecification, LayerSpecification, Map as MapView } from "maplibre-gl";
import { shade } from "../core/theme";
import { wallScale } from "../core/wall";
import { colors, HOT_COLORS, LEVEL_COLORS, levelEdges, PATTERN_COLORS, STATUS_COLORS } from "./palette";

function match(
  property: ExpressionSpecification,
  colors: Record<string, string>,
  other: string,
): ExpressionSpecification {
  return ["match", property, ...Object.entries(colors).flat(), other] as unknown as ExpressionSpecification;
}

const status = (): ExpressionSpecification => match(["get", "status"], STATUS_COLORS, colors().otherSite);
const level = (): ExpressionSpecification => match(["get", "level"], LEVEL_COLORS, colors().otherSite);
const levelEdge = (): ExpressionSpecification => match(["get", "level"], levelEdges(), colors().otherSite);
const hotLevel = (): ExpressionSpecification => match(["to-string", ["get", "level"]], HOT_COLORS, "#ffffff");
const pattern = (): ExpressionSpecification => match(["get", "pattern"], PATTERN_COLORS, "#ffffff");

function radius(...stops: [number, number][]): ExpressionSpecification {
  const larger = stops.map(([zoom, px]) => [zoom, px * wallScale()]);
  return ["interpolate", ["linear"], ["zoom"], ...larger.flat()] as ExpressionSpecification;
}

/** Operating sites are many and expected: from afar they stay in the background. */
function quiet(operating: number, other: number): ExpressionSpecification {
  return ["match", ["get", "status"], "operating", operating, other];
}

export const hotSpotLayers = (): LayerSpecification[] => [
  {
    id: "hot_spots-fill",
    type: "fill",
    source: "hot_spots",
    "source-layer": "hot_spots",
    filter: ["all", ["has", "level"], ["!=", ["get", "level"], 0]],
    paint: { "fill-color": hotLevel(), "fill-opacity": 0.62, "fill-outline-color": colors().casing },
  },
  {
    id: "emerging_hot_spots-fill",
    type: "fill",
    source: "emerging_hot_spots",
    "source-layer": "emerging_hot_spots",
    filter: ["!=", ["get", "pattern"], "no_pattern"],
    paint: { "fill-color": pattern(), "fill-opacity": 0.7, "fill-outline-color": colors().casing },
  },
];

export const siteLayers = (): LayerSpecification[] => [
  {
    id: "other_sites-point",
    type: "circle",
    source: "other_sites",
    "source-layer": "sites",
    paint: {
      "circle-radius": radius([12, 1.6], [15, 3.6], [17, 5]),
      "circle-color": colors().pointCasing,
      "circle-stroke-color": status(),
      "circle-stroke-width": radius([12, 1], [16, 2]),
    },
  },
  {
    id: "hazard_sites-point",
    type: "circle",
    source: "hazard_sites",
    "source-layer": "sites",
    layout: { "circle-sort-key": ["match", ["get", "status"], "operating", 0, "dismantled", 1, "suspended", 2, 3] },
    paint: {
      "circle-radius": [
        "interpolate",
        ["linear"],
        ["zoom"],
        7,
        quiet(1.1, 2.2),
        10,
        quiet(2, 3.6),
        13,
        quiet(4.5, 5.8),
        16,
        8,
      ],
      "circle-color": status(),
      "circle-opacity": ["interpolate", ["linear"], ["zoom"], 9, quiet(0.55, 1), 12, 1],
      "circle-stroke-color": colors().pointCasing,
      "circle-stroke-width": ["interpolate", ["linear"], ["zoom"], 8, quiet(0, 0.7), 11, quiet(0.4, 1), 13, 1.6],
    },
  },
];

export const workLayers = (): LayerSpecification[] => [
  {
    id: "stays-point",
    type: "circle",
    source: "stays",
    "source-layer": "stays",
    paint: {
      "circle-radius": radius([12, 2], [16, 5]),
      "circle-color": colors().stay,
      "circle-opacity": 0.45,
      "circle-stroke-color": colors().stay,
      "circle-stroke-width": 0.8,
    },
  },
  {
    id: "silences-point",
    type: "circle",
    source: "silences",
    "source-layer": "silences",
    paint: {
      "circle-radius": radius([9, 3], [16, 8]),
      "circle-color": colors().silence,
      "circle-opacity": ["interpolate", ["linear"], ["get", "weight"], 0, 0.05, 1, 0.5],
      "circle-stroke-color": colors().silence,
      "circle-stroke-width": 1.6,
    },
  },
  {
    id: "encounters-point",
    type: "circle",
    source: "encounters",
    "source-layer": "encounters",
    paint: {
      "circle-radius": radius([9, 3], [16, 7]),
      "circle-color": colors().encounter,
      "circle-opacity": 0.5,
      "circle-stroke-color": colors().encounter,
      "circle-stroke-width": 1.6,
    },
  },
  {
    id: "alerts-halo",
    type: "circle",
    source: "alerts",
    "source-layer": "alerts",
    paint: {
      "circle-radius": radius([7, 9], [12, 14], [16, 20]),
      "circle-color": level(),
      "circle-opacity": ["match", ["get", "level"], "high", 0.24, "warning", 0.18, 0.1],
      "circle-stroke-color": levelEdge(),
      "circle-stroke-width": ["match", ["get", "level"], "high", 2.4, "warning", 1.6, 1],
    },
  },
  {
    id: "alerts-point",
    type: "circle",
    source: "alerts",
    "source-layer": "alerts",
    paint: {
      "circle-radius": radius([7, 4], [12, 6], [16, 8]),
      "circle-color": level(),
      "circle-stroke-color": levelEdge(),
      "circle-stroke-width": 1.4,
    },
  },
  {
    id: "cases-point",
    type: "symbol",
    source: "cases",
    "source-layer": "cases",
    layout: {
      "icon-image": [
        "case",
        ["boolean", ["get", "overdue"], false],
        "case-overdue",
        ["==", ["get", "state"], "closed"],
        "case-closed",
        "case-open",
      ],
      "icon-size": radius([7, 0.55], [12, 0.8], [16, 1]),
      "icon-offset": [15, -15],
      "icon-allow-overlap": true,
      "icon-ignore-placement": true,
    },
  },
];

/** Layers whose features answer a click, the topmost first. */
export const CLICKABLE = [
  "cases-point",
  "alerts-point",
  "stays-point",
  "silences-point",
  "encounters-point",
  "hazard_sites-point",
  "other_sites-point",
] as const;

const caseImages = (): [string, string][] => [
  ["case-open", colors().case],
  ["case-overdue", colors().overdue],
  ["case-closed", colors().closedCase],
];
const IMAGE_PX = 48;

function diamond(color: string): ImageData | null {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = IMAGE_PX;
  const pen = canvas.getContext("2d");
  if (!pen) return null;
  pen.translate(IMAGE_PX / 2, IMAGE_PX / 2);
  pen.rotate(Math.PI / 4);
  pen.fillStyle = colors().casing;
  pen.fillRect(-14, -14, 28, 28);
  pen.fillStyle = color;
  pen.fillRect(-11, -11, 22, 22);
  return pen.getImageData(0, 0, IMAGE_PX, IMAGE_PX);
}

/** A diamond for each state of a case, drawn here in the colours of the theme: no picture is fetched. */
export function addCaseImages(map: MapView): void {
  const draw = (): void => {
    for (const [name, color] of caseImages()) {
      const image = diamond(color);
      if (!image) continue;
      if (map.hasImage(name)) map.updateImage(name, image);
      else map.addImage(name, image, { pixelRatio: 2 });
    }
  };
  draw();
  shade.subscribe(draw);
}
