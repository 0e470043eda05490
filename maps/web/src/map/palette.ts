/** The colours of the map, light and dark. Those of classes come from the service (`/v1/style`), so that reports and console agree. */
import { shade, type Shade } from "../core/theme";

export const LEVELS = ["high", "warning", "attention"] as const;
export const STATUSES = ["operating", "suspended", "closed", "dismantled"] as const;
export const HOT_LEVELS = ["99", "95", "90", "-90", "-95", "-99"] as const;

type Colors = Record<string, string>;

export const LEVEL_COLORS: Colors = { high: "#b2182b", warning: "#ef8a62", attention: "#fddbc7" };
/** Rings and borders of the same levels, seen on the ground of the map. */
const LEVEL_EDGES: Record<Shade, Colors> = {
  light: { high: "#7d0f1d", warning: "#b8481a", attention: "#b98257" },
  dark: { high: "#ff8d94", warning: "#ffb08f", attention: "#ffe6d8" },
};
export const STATUS_COLORS: Colors = {
  operating: "#1b7837",
  suspended: "#b8860b",
  closed: "#762a83",
  dismantled: "#878787",
};
export const HOT_COLORS: Colors = {
  "99": "#b2182b",
  "95": "#ef8a62",
  "90": "#fddbc7",
  "-90": "#d1e5f0",
  "-95": "#67a9cf",
  "-99": "#2166ac",
};
/** Patterns of hot spots over time, those that need a look first; the others are paler. */
export const HOT_PATTERNS = [
  "new_hot",
  "consecutive_hot",
  "intensifying_hot",
  "sporadic_hot",
  "oscillating_hot",
  "persistent_hot",
  "diminishing_hot",
  "historical_hot",
] as const;
export const PATTERN_COLORS: Colors = {
  new_hot: "#d7301f",
  consecutive_hot: "#ef6548",
  intensifying_hot: "#7f0000",
  persistent_hot: "#c2857a",
  diminishing_hot: "#e3c4bb",
  sporadic_hot: "#fdbb84",
  oscillating_hot: "#fdd49e",
  historical_hot: "#b5a7a0",
  new_cold: "#3690c0",
  consecutive_cold: "#74a9cf",
  intensifying_cold: "#023858",
  persistent_cold: "#7f9db8",
  diminishing_cold: "#c3d2de",
  sporadic_cold: "#a6bddb",
  oscillating_cold: "#d0d1e6",
  historical_cold: "#9fa8ad",
};

const LIGHT = {
  land: "#f7f9fa",
  around: "#dde5ec",
  county: "#1f3f63",
  town: "#4d6c8d",
  community: "#7f95ab",
  unit_grid: "#93a6b7",
  water: "#a9cfe5",
  waterLine: "#4b8fb8",
  motorway: "#f2a65a",
  mainRoad: "#fbdc8f",
  wideRoad: "#fff3cd",
  road: "#ffffff",
  roadEdge: "#aeb9c3",
  roadText: "#4a5561",
  building: "#e3dfd9",
  buildingEdge: "#b9b2a7",
  zone: "#8a4b08",
  zoneFill: "#e7c98a",
  text: "#14283c",
  countyText: "#0f2c4d",
  townText: "#1c3855",
  communityText: "#2f4962",
  unitText: "#3c4f61",
  waterText: "#1c628d",
  halo: "#ffffff",
  /** Around points and lines, so that they stand out from the ground. */
  casing: "#ffffff",
  /** Around points whose colours are the same in both themes. */
  pointCasing: "#ffffff",
  otherSite: "#5d7185",
  case: "#123f73",
  overdue: "#c2101c",
  closedCase: "#6d7782",
  stay: "#0b5d8f",
  silence: "#6b3fa0",
  encounter: "#a34a00",
  track: "#08519c",
  gap: "#cb181d",
  chosen: "#ffb800",
  selected: "#0b67c2",
  clash: "#d0021b",
  result: "#0a7f3f",
  voided: "#a3352b",
  reshapedFrom: "#7a5a2e",
  reshaped: "#1f5fa8",
  moved: "#00727f",
  guide: "#8a1f8f",
  sketch: "#c75b00",
  affectedSite: "#e08a00",
  openCase: "#6a2c91",
};

export type MapColors = typeof LIGHT;

const DARK: MapColors = {
  land: "#1b242e",
  around: "#10161d",
  county: "#9fbcdc",
  town: "#7391b1",
  community: "#56708c",
  unit_grid: "#4d6377",
  water: "#1d4560",
  waterLine: "#3d7ba2",
  motorway: "#a8692b",
  mainRoad: "#7d6a3c",
  wideRoad: "#55564a",
  road: "#3f4e5d",
  roadEdge: "#10161d",
  roadText: "#aab7c4",
  building: "#2a333d",
  buildingEdge: "#465462",
  zone: "#e0ad62",
  zoneFill: "#5c4522",
  text: "#f2f6fa",
  countyText: "#dfeaf6",
  townText: "#c3d5e8",
  communityText: "#a9bfd5",
  unitText: "#9fb2c4",
  waterText: "#8cc4e6",
  halo: "#141b23",
  casing: "#10161d",
  pointCasing: "#dbe4ec",
  otherSite: "#93a7ba",
  case: "#78b4f5",
  overdue: "#ff6b70",
  closedCase: "#8a97a4",
  stay: "#5db4e6",
  silence: "#b99af0",
  encounter: "#f0a35e",
  track: "#6cb2ff",
  gap: "#ff7a72",
  chosen: "#ffc93d",
  selected: "#5aa9ff",
  clash: "#ff5a66",
  result: "#4fcb86",
  voided: "#f08a7e",
  reshapedFrom: "#d3ab6e",
  reshaped: "#7db4f2",
  moved: "#4fc6d2",
  guide: "#e58bea",
  sketch: "#ff9d4d",
  affectedSite: "#ffb84d",
  openCase: "#c593ea",
};

const COLORS_OF: Record<Shade, MapColors> = { light: LIGHT, dark: DARK };

/** The colours of the map as it is shown now. */
export function colors(): MapColors {
  return COLORS_OF[shade.get()];
}

export function levelEdges(): Colors {
  return LEVEL_EDGES[shade.get()];
}

/** The badge of a level: its colour and its border. */
export function levelColors(level: string): { fill: string; edge: string } {
  return { fill: LEVEL_COLORS[level] ?? "#8895a1", edge: levelEdges()[level] ?? "#55616d" };
}

interface Entry {
  color: string;
}
export type StyleDocument = Record<string, Record<string, Entry> | undefined>;

function adopt(known: Colors, legend: Record<string, Entry> | undefined): void {
  for (const name of Object.keys(known)) {
    const color = legend?.[name]?.color;
    if (color) known[name] = color;
  }
}

/** Take the colours that the service names; what it does not name stays as it is here. */
export function adoptStyle(document: StyleDocument): void {
  adopt(LEVEL_COLORS, document.alert_levels);
  adopt(STATUS_COLORS, document.site_statuses);
  adopt(HOT_COLORS, document.hot_levels);
  adopt(PATTERN_COLORS, document.patterns);
  LIGHT.track = document.track?.track?.color ?? LIGHT.track;
  LIGHT.gap = document.track?.gap?.color ?? LIGHT.gap;
}
