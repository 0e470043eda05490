/** The colours of the map. Those of classes come from the service (`/v1/style`), so that reports and console agree. */

export const LEVELS = ["high", "warning", "attention"] as const;
export const STATUSES = ["operating", "suspended", "closed", "dismantled"] as const;
export const GI_BINS = ["3", "2", "1", "-1", "-2", "-3"] as const;

type Colors = Record<string, string>;

export const LEVEL_COLORS: Colors = { high: "#b2182b", warning: "#ef8a62", attention: "#fddbc7" };
/** Rings and borders of the same levels, dark enough on a light ground. */
export const LEVEL_EDGES: Colors = { high: "#7d0f1d", warning: "#b8481a", attention: "#b98257" };
export const STATUS_COLORS: Colors = {
  operating: "#1b7837",
  suspended: "#b8860b",
  closed: "#762a83",
  dismantled: "#878787",
};
export const GI_COLORS: Colors = {
  "3": "#b2182b",
  "2": "#ef8a62",
  "1": "#fddbc7",
  "-1": "#d1e5f0",
  "-2": "#67a9cf",
  "-3": "#2166ac",
};

export const COLORS = {
  land: "#f7f9fa",
  around: "#dde5ec",
  county: "#1f3f63",
  town: "#4d6c8d",
  community: "#7f95ab",
  unit_grid: "#93a6b7",
  water: "#a9cfe5",
  waterLine: "#4b8fb8",
  zone: "#8a4b08",
  zoneFill: "#e7c98a",
  text: "#14283c",
  halo: "#ffffff",
  otherSite: "#5d7185",
  case: "#123f73",
  overdue: "#c2101c",
  closedCase: "#6d7782",
  stay: "#0b5d8f",
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
  sketch: "#c75b00",
  affectedSite: "#e08a00",
  openCase: "#6a2c91",
};

interface Entry {
  color: string;
}
export type StyleDocument = Record<string, Record<string, Entry> | undefined>;

function adopt(colors: Colors, legend: Record<string, Entry> | undefined): void {
  for (const name of Object.keys(colors)) {
    const color = legend?.[name]?.color;
    if (color) colors[name] = color;
  }
}

/** Take the colours that the service names; what it does not name stays as it is here. */
export function adoptStyle(document: StyleDocument): void {
  adopt(LEVEL_COLORS, document.alert_levels);
  adopt(STATUS_COLORS, document.site_statuses);
  adopt(GI_COLORS, document.gi_bins);
  COLORS.track = document.track?.track?.color ?? COLORS.track;
  COLORS.gap = document.track?.gap?.color ?? COLORS.gap;
}
