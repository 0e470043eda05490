/** Snapping while something is drawn: to grids, roads, waterways and guide layers, each by its own switch, and tracing along their lines. Source coordinates only; a mark says what was found. */
import type { Feature, Geometry, Position } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import { allItems, isAbort, itemsPath } from "../core/api";
import { complain } from "../core/notices";
import { Value } from "../core/value";
import { linesOf, snapOn, type Box, type Pixel, type Snap, type Target } from "../geometry/snap";
import { Network } from "../geometry/trace";
import { FONT } from "../map/area_layers";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { UNIT_ZOOM, type Unit, type Units } from "./units";

export const SNAP_LAYERS = ["grids", "roads", "waterways", "guides"] as const;
export type SnapLayer = (typeof SNAP_LAYERS)[number];
/** What is snapped to, and whether lines follow roads between two clicks. */
export type Switches = Record<SnapLayer | "trace", boolean>;

const ON: Switches = { grids: true, roads: true, waterways: true, guides: true, trace: false };
const STORED = "wangge.snapping";
const GROUND = ["roads", "waterways"] as const;
const MOST = 5000;
const REACH_PX = 12;
const SOURCE = "edit-snap";

interface GroundProperties {
  name: string | null;
  name_en: string | null;
  ref?: string | null;
}

const markLayers = (): LayerSpecification[] => [
  {
    id: "edit-snap-mark",
    type: "circle",
    source: SOURCE,
    paint: {
      "circle-radius": ["match", ["get", "on"], "corner", 8, 6],
      "circle-color": colors().chosen,
      "circle-opacity": ["match", ["get", "on"], "corner", 0.55, 0.1],
      "circle-stroke-color": colors().chosen,
      "circle-stroke-width": 2.5,
    },
  },
  {
    id: "edit-snap-label",
    type: "symbol",
    source: SOURCE,
    layout: {
      "text-field": ["get", "label"],
      "text-font": FONT,
      "text-size": 12,
      "text-anchor": "bottom-left",
      "text-offset": [0.8, -0.6],
      "text-allow-overlap": true,
    },
    paint: { "text-color": colors().text, "text-halo-color": colors().halo, "text-halo-width": 2 },
  },
];

export class Snapping {
  readonly switches = new Value<Switches>(kept());
  /** Layers of the ground of which the view holds more than were loaded. */
  readonly truncated = new Value<readonly SnapLayer[]>([]);
  readonly #map: MapView;
  readonly #units: Units;
  readonly #guides: () => readonly Target[];
  #ground: Record<(typeof GROUND)[number], Target[]> = { roads: [], waterways: [] };
  #network: Network | null = null;
  #running: AbortController | null = null;
  #active = false;
  #alt = false;

  constructor(map: MapView, units: Units, guides: () => readonly Target[]) {
    this.#map = map;
    this.#units = units;
    this.#guides = guides;
  }

  /** Something is being drawn: load what there is to snap to in the view, and follow the view. */
  begin(): void {
    if (this.#active) return;
    this.#active = true;
    this.#map.addSource(SOURCE, { type: "geojson", data: { type: "FeatureCollection", features: [] } });
    addThemed(this.#map, markLayers);
    this.#map.on("moveend", this.#load);
    window.addEventListener("pointermove", this.#pointed, true);
    this.#load();
  }

  end(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#running?.abort();
    this.#map.off("moveend", this.#load);
    window.removeEventListener("pointermove", this.#pointed, true);
    removeThemed(this.#map, markLayers);
    if (this.#map.getSource(SOURCE)) this.#map.removeSource(SOURCE);
  }

  /** Alt as the pointer tells it: keys go to whatever has the focus. */
  readonly #pointed = ({ altKey }: PointerEvent): void => {
    this.#alt = altKey;
  };

  set(name: keyof Switches, on: boolean): void {
    this.switches.set({ ...this.switches.get(), [name]: on });
    try {
      localStorage.setItem(STORED, JSON.stringify(this.switches.get()));
    } catch {
      // storage may be closed: the switches hold for this page
    }
    this.#network = null;
    if (this.#active) this.#load();
  }

  /** The place to which a pointer snaps, which is marked; none while Alt is held. `without`: grids that move themselves. */
  at(pointer: Pixel, without: ReadonlySet<Unit> = new Set()): Position | undefined {
    const found = this.#alt
      ? undefined
      : snapOn(
          pointer,
          this.#targets(without),
          (lon, lat) => this.#map.project([lon, lat]),
          REACH_PX,
          this.#window(pointer),
        );
    this.mark(found);
    return found?.at;
  }

  /** The corners of a road or waterway between two places, when lines follow them; null: straight on. */
  way(from: Position, to: Position): Position[] | null {
    this.#network ??= new Network(
      this.#lines().flatMap(({ geometry }) => linesOf(geometry).filter((each) => each.length > 1)),
    );
    return this.#network.between(from, to);
  }

  mark(snap: Snap | undefined): void {
    const features: Feature[] = snap
      ? [
          {
            type: "Feature",
            properties: { on: snap.on, layer: snap.layer, label: labelOf(snap) },
            geometry: { type: "Point", coordinates: snap.at },
          },
        ]
      : [];
    this.#map.getSource<GeoJSONSource>(SOURCE)?.setData({ type: "FeatureCollection", features });
  }

  /** Lines that can be followed: roads, waterways and guide layers that are switched on. */
  #lines(): Target[] {
    const on = this.switches.get();
    return [...GROUND.flatMap((layer) => (on[layer] ? this.#ground[layer] : [])), ...(on.guides ? this.#guides() : [])];
  }

  #targets(without: ReadonlySet<Unit>): Target[] {
    const grids = this.switches.get().grids ? this.#units.all().filter((each) => !without.has(each)) : [];
    const named = grids.map(({ geometry, properties }): Target => {
      return { geometry, layer: "grids", name: properties.code.slice(-3) };
    });
    return [...named, ...this.#lines()];
  }

  /** The degrees that lie within reach of the pointer, however the map is turned. */
  #window({ x, y }: Pixel): Box {
    const corners = [-REACH_PX, REACH_PX].flatMap((dx) =>
      [-REACH_PX, REACH_PX].map((dy) => this.#map.unproject([x + dx, y + dy])),
    );
    const [lons, lats] = [corners.map((each) => each.lng), corners.map((each) => each.lat)];
    return [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)];
  }

  readonly #load = (): void => {
    this.#running?.abort();
    if (this.#map.getZoom() < UNIT_ZOOM) return;
    const running = new AbortController();
    this.#running = running;
    const bbox = this.#map
      .getBounds()
      .toArray()
      .flat()
      .map((each) => each.toFixed(6))
      .join(",");
    const wanted = GROUND.filter((layer) => this.switches.get()[layer]);
    Promise.all(wanted.map((layer) => readGround(layer, bbox, running.signal)))
      .then((found) => {
        for (const [i, layer] of wanted.entries()) this.#ground[layer] = found[i] ?? [];
        this.#network = null;
        this.truncated.set(wanted.filter((layer) => this.#ground[layer].length >= MOST));
      })
      .catch((error: unknown) => {
        if (!isAbort(error)) complain(error);
      });
  };
}

async function readGround(layer: (typeof GROUND)[number], bbox: string, signal: AbortSignal): Promise<Target[]> {
  const found = await allItems<GroundProperties>(itemsPath(layer, { bbox, limit: 1000 }), MOST, signal);
  return found.map(({ geometry, properties: { name, name_en, ref } }): Target => {
    const own = language.get() === "zh" ? (name ?? name_en) : (name_en ?? name);
    return { geometry: geometry as Geometry, layer, name: own ?? ref ?? "" };
  });
}

/** A layer by its name, and what was found there by its own. */
function labelOf({ layer, name }: Snap): string {
  const word = t(`edit.snap_one.${layer as SnapLayer}`);
  return name ? `${word} ${name}` : word;
}

function kept(): Switches {
  try {
    return { ...ON, ...(JSON.parse(localStorage.getItem(STORED) ?? "{}") as Partial<Switches>) };
  } catch {
    return ON;
  }
}
