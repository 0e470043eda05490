/** What the layer switcher shows: groups of map layers with their legend. */
import type { MessageKey } from "../texts/messages";
import {
  colors,
  HOT_COLORS,
  HOT_LEVELS,
  HOT_PATTERNS,
  LEVEL_COLORS,
  LEVELS,
  PATTERN_COLORS,
  STATUS_COLORS,
  STATUSES,
} from "./palette";

export type Mark = "line" | "fill" | "dot" | "ring" | "ringdot" | "diamond" | "dash" | "road";

export interface Swatch {
  mark: Mark;
  color: string;
  /** Around the colour, where it is not its own. */
  edge?: string;
  text: MessageKey;
}

export interface LayerGroup {
  id: string;
  title: MessageKey;
  layers: string[];
  swatches: Swatch[];
  login: boolean;
  shown: boolean;
  /** Zoom from which it is drawn, when that is not at once. */
  from?: number;
}

function area(kind: string, color: string, from?: number): LayerGroup {
  return {
    id: kind,
    title: `kind.${kind}` as MessageKey,
    layers: [`${kind}-line`, `${kind}-label`, `${kind}-fill`],
    swatches: [{ mark: "line", color, text: `kind.${kind}` as MessageKey }],
    login: false,
    shown: true,
    ...(from !== undefined && { from }),
  };
}

export const layerGroups = (): LayerGroup[] => [
  {
    id: "alerts",
    title: "layer.alerts",
    layers: ["alerts-halo", "alerts-point"],
    swatches: LEVELS.map((level) => ({
      mark: "ringdot",
      color: LEVEL_COLORS[level] ?? "#fff",
      text: `level.${level}` as MessageKey,
    })),
    login: true,
    shown: true,
  },
  {
    id: "cases",
    title: "layer.cases",
    layers: ["cases-point"],
    swatches: [
      { mark: "diamond", color: colors().case, text: "legend.case_open" },
      { mark: "diamond", color: colors().overdue, text: "legend.case_overdue" },
      { mark: "diamond", color: colors().closedCase, text: "legend.case_closed" },
    ],
    login: true,
    shown: true,
  },
  {
    id: "stays",
    title: "layer.stays",
    layers: ["stays-point"],
    swatches: [{ mark: "dot", color: colors().stay, text: "layer.stays" }],
    login: true,
    shown: false,
    from: 12,
  },
  {
    id: "silences",
    title: "layer.silences",
    layers: ["silences-point"],
    swatches: [{ mark: "ring", color: colors().silence, text: "layer.silences" }],
    login: true,
    shown: false,
    from: 9,
  },
  {
    id: "encounters",
    title: "layer.encounters",
    layers: ["encounters-point"],
    swatches: [{ mark: "ringdot", color: colors().encounter, text: "layer.encounters" }],
    login: true,
    shown: false,
    from: 9,
  },
  {
    id: "hazard_sites",
    title: "layer.hazard_sites",
    layers: ["hazard_sites-point"],
    swatches: STATUSES.map((status) => ({
      mark: "dot",
      color: STATUS_COLORS[status] ?? "#fff",
      text: `status.${status}` as MessageKey,
    })),
    login: false,
    shown: true,
  },
  {
    id: "other_sites",
    title: "layer.other_sites",
    layers: ["other_sites-point"],
    swatches: [{ mark: "ring", color: colors().otherSite, text: "layer.other_sites" }],
    login: false,
    shown: true,
    from: 12,
  },
  {
    id: "hot_spots",
    title: "layer.hot_spots",
    layers: ["hot_spots-fill"],
    swatches: HOT_LEVELS.map((level) => ({
      mark: "fill",
      color: HOT_COLORS[level] ?? "#fff",
      text: `hot_level.${level}` as MessageKey,
    })),
    login: false,
    shown: false,
  },
  {
    id: "emerging_hot_spots",
    title: "layer.emerging_hot_spots",
    layers: ["emerging_hot_spots-fill"],
    swatches: [
      ...HOT_PATTERNS.map(
        (each): Swatch => ({
          mark: "fill",
          color: PATTERN_COLORS[each] ?? "#fff",
          text: `pattern_about.${each}`,
        }),
      ),
      { mark: "fill", color: PATTERN_COLORS.new_cold ?? "#fff", text: "legend.cold_patterns" },
    ],
    login: false,
    shown: false,
  },
  area("county", colors().county),
  area("town", colors().town, 8),
  area("community", colors().community, 11),
  area("unit_grid", colors().unit_grid, 12),
  {
    id: "functional_zone",
    title: "kind.functional_zone",
    layers: ["functional_zone-fill", "functional_zone-line", "functional_zone-label"],
    swatches: [{ mark: "dash", color: colors().zone, text: "kind.functional_zone" }],
    login: false,
    shown: true,
  },
  {
    id: "water",
    title: "kind.water",
    layers: ["water-fill", "water-label"],
    swatches: [{ mark: "fill", color: colors().water, text: "kind.water" }],
    login: false,
    shown: true,
  },
];
