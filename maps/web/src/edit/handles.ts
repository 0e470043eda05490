/** Handles on the corners and edges of one grid: dragged with the pointer or moved with the arrow keys; neighbours are shown as they would follow. The server says which may move, and who else may move the others. */
import type { Feature, FeatureCollection, Position } from "geojson";
import type { GeoJSONSource, LayerSpecification, Map as MapView, MapLayerMouseEvent } from "maplibre-gl";
import type { GridCornersAnswer } from "../core/types";
import { edges, middle, moved, same, type Move } from "../geometry/corners";
import { nearestOn, round7 } from "../geometry/snap";
import { FONT } from "../map/area_layers";
import { colors } from "../map/palette";
import { addThemed, removeThemed } from "../map/themed_layers";
import type { Text } from "../texts/language";
import { Dragging, type Place } from "./dragging";
import type { Snapping } from "./snapping";
import type { Unit, Units } from "./units";

const REACH_PX = 12;
const SOURCE = "edit-handles";
const LAYER = "edit-handles-point";
const handleLayers = (): LayerSpecification[] => [
  {
    id: LAYER,
    type: "circle",
    source: SOURCE,
    paint: {
      "circle-radius": ["case", ["get", "chosen"], 9, ["==", ["get", "kind"], "edge"], 5, 7],
      "circle-color": [
        "case",
        ["get", "chosen"],
        colors().chosen,
        ["==", ["get", "moves"], "frozen"],
        colors().land,
        ["==", ["get", "kind"], "edge"],
        colors().casing,
        ["==", ["get", "moves"], "along"],
        colors().casing,
        ["get", "shared"],
        colors().sketch,
        colors().selected,
      ],
      "circle-stroke-color": [
        "case",
        ["==", ["get", "moves"], "frozen"],
        colors().unit_grid,
        ["==", ["get", "kind"], "edge"],
        colors().sketch,
        ["==", ["get", "moves"], "along"],
        colors().sketch,
        colors().casing,
      ],
      "circle-stroke-width": ["case", ["==", ["get", "moves"], "along"], 3.5, 2],
    },
  },
  {
    id: "edit-handles-frozen",
    type: "symbol",
    source: SOURCE,
    filter: ["==", ["get", "moves"], "frozen"],
    layout: { "text-field": "×", "text-font": FONT, "text-size": 15, "text-allow-overlap": true },
    paint: { "text-color": colors().text },
  },
];

type Freedom = GridCornersAnswer["corners"][number]["moves"];

interface Handle {
  kind: "corner" | "edge";
  /** One corner, or both ends of an edge. */
  from: Position[];
  at: Position;
  shared: boolean;
  moves: Freedom;
  /** Corner: it may be taken away. Edge: it may be bent. */
  bends: boolean;
  /** Why it does not move freely, and who may move it. */
  reason: Text;
}

export interface Moved {
  kind: "corner" | "edge" | "bend" | "removal";
  from: Position[];
  to: Position[];
  units: Unit[];
}

interface Listeners {
  /** The grids as they would be while a handle is on its way. */
  sketch: (features: Feature[]) => void;
  /** Why the handle that was touched does not move freely; null: it does. */
  told: (reason: Text | null) => void;
  finished: (what: Moved) => void;
  cancelled: () => void;
}

const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export class Handles {
  readonly #map: MapView;
  readonly #units: Units;
  readonly #snapping: Snapping;
  readonly #listeners: Listeners;
  #handles: Handle[] = [];
  readonly #dragging: Dragging;
  #chosen = -1;
  #to: Position[] = [];
  /** The edge moves as a whole, not its middle alone. */
  #whole = false;

  constructor(map: MapView, units: Units, snapping: Snapping, listeners: Listeners) {
    this.#map = map;
    this.#units = units;
    this.#snapping = snapping;
    this.#listeners = listeners;
    map.addSource(SOURCE, { type: "geojson", data: this.#features() });
    addThemed(map, handleLayers);
    this.#dragging = new Dragging(map, LAYER, {
      taken: (event) => this.#take(Number(event.features?.sort(cornersFirst)[0]?.properties.index), event),
      dragged: (place) => this.#drag(place),
      dropped: (inside) => this.#drop(inside),
    });
    map.on("mousemove", LAYER, this.#hover);
    map.on("mouseleave", LAYER, this.#leave);
    window.addEventListener("keydown", this.#keys, true);
    map.getCanvas().focus();
  }

  /** Show the corners and edges that the server told of. */
  show(found: GridCornersAnswer): void {
    this.#handles = handlesOf(found);
    this.#draw();
  }

  stop(): void {
    this.#dragging.stop();
    this.#map.off("mousemove", LAYER, this.#hover);
    this.#map.off("mouseleave", LAYER, this.#leave);
    this.#map.getCanvas().style.cursor = "";
    window.removeEventListener("keydown", this.#keys, true);
    removeThemed(this.#map, handleLayers);
    if (this.#map.getSource(SOURCE)) this.#map.removeSource(SOURCE);
    this.#listeners.sketch([]);
  }

  #touching(from: Position[]): Unit[] {
    return [...new Set(from.flatMap((each) => this.#units.touching(each)))];
  }

  /** What moves: the corners of the handle, or the middle of an edge that is bent. */
  #from(handle: Handle): Position[] {
    return handle.kind === "edge" && !this.#whole ? [handle.at] : handle.from;
  }

  #frozen(handle: Handle): boolean {
    return handle.kind === "edge" && !this.#whole ? !handle.bends : handle.moves === "frozen";
  }

  #features(): FeatureCollection {
    const features = this.#handles.map((each, index): Feature => {
      const moving = index === this.#chosen && this.#to.length > 0;
      const [one, other] = this.#to;
      const at = moving ? (one && other ? middle(one, other) : one) : each.at;
      const moves = each.kind === "edge" ? (each.bends ? "free" : "frozen") : each.moves;
      return {
        type: "Feature",
        properties: { index, kind: each.kind, shared: each.shared, moves, chosen: index === this.#chosen },
        geometry: { type: "Point", coordinates: at ?? each.at },
      };
    });
    return { type: "FeatureCollection", features };
  }

  #draw(): void {
    this.#map.getSource<GeoJSONSource>(SOURCE)?.setData(this.#features());
    const moves = this.#moves();
    const units = moves.length ? this.#touching(moves.map((each) => each.from)) : [];
    this.#listeners.sketch(units.map((each) => ({ ...each, geometry: moved(each.geometry, moves) })));
  }

  #moves(): Move[] {
    const handle = this.#handles[this.#chosen];
    if (!handle) return [];
    const from = this.#from(handle);
    return this.#to.map((to, i) => ({ from: from[i] ?? to, to }));
  }

  #take(index: number, event: { originalEvent: MouseEvent | TouchEvent }): boolean {
    const handle = this.#handles[index];
    if (!handle) return false;
    this.#whole = event.originalEvent.shiftKey;
    this.#choose(index);
    return !this.#frozen(handle);
  }

  #choose(index: number): void {
    this.#chosen = index;
    this.#to = [];
    this.#tell(this.#handles[index]);
    this.#draw();
  }

  #tell(handle: Handle | undefined): void {
    this.#listeners.told(handle?.reason.en ? handle.reason : null);
  }

  readonly #hover = (event: MapLayerMouseEvent): void => {
    if (this.#dragging.held) return;
    const handle = this.#handles[Number(event.features?.sort(cornersFirst)[0]?.properties.index)];
    if (!handle) return;
    this.#map.getCanvas().style.cursor = this.#frozen(handle) ? "not-allowed" : "move";
    if (this.#chosen < 0) this.#tell(handle);
  };

  readonly #leave = (): void => {
    if (this.#dragging.held) return;
    this.#map.getCanvas().style.cursor = "";
    if (this.#chosen < 0) this.#listeners.told(null);
  };

  #drag({ lngLat, point, altKey }: Place): void {
    const handle = this.#handles[this.#chosen];
    if (!handle) return;
    const free = [round7(lngLat.lng), round7(lngLat.lat)];
    if (this.#whole && handle.kind === "edge") this.#to = shifted(handle, free);
    else if (handle.moves === "along" && handle.kind === "corner") this.#to = [this.#along(handle, free)];
    else this.#to = [(altKey ? undefined : this.#beside(point, handle)) ?? this.#snapped(point, handle) ?? free];
    this.#draw();
  }

  /** The place on the border along which a corner moves: any edge that meets there, but the one that it ends. */
  #along(handle: Handle, free: Position): Position {
    const ends = (a: Position, b: Position): boolean => same(a, handle.at) || same(b, handle.at);
    const own = this.#handles.filter((each) => each.kind === "edge" && each.bends).map((each) => each.from);
    const between = (a: Position, b: Position): boolean =>
      own.some(([c, d]) => (same(a, c) && same(b, d)) || (same(a, d) && same(b, c)));
    const border = this.#touching(handle.from)
      .flatMap((each) => edges(each.geometry))
      .filter(([a, b]) => ends(a, b) && !between(a, b));
    return nearestOn(border, free) ?? free;
  }

  /** The corner next to this one, within reach: the two become one. */
  #beside(point: { x: number; y: number }, handle: Handle): Position | undefined {
    if (handle.kind !== "corner") return undefined;
    const near = (to: Position): boolean => {
      const { x, y } = this.#map.project([to[0] ?? 0, to[1] ?? 0]);
      return Math.hypot(x - point.x, y - point.y) < REACH_PX;
    };
    return this.#neighbours(handle).find(near);
  }

  #neighbours(handle: Handle): Position[] {
    return this.#handles.flatMap(({ kind, from: [a, b] }) => {
      if (kind !== "edge" || !a || !b) return [];
      return same(a, handle.at) ? [b] : same(b, handle.at) ? [a] : [];
    });
  }

  /** What there is to snap to, without the grids that move themselves. */
  #snapped(point: { x: number; y: number }, handle: Handle): Position | undefined {
    return this.#snapping.at(point, new Set(this.#touching(this.#from(handle))));
  }

  #drop(inside: boolean): void {
    this.#snapping.mark(undefined);
    if (!inside) this.#choose(this.#chosen);
    else if (this.#to.length) this.#finish();
  }

  #finish(): void {
    const handle = this.#handles[this.#chosen];
    const [to] = this.#to;
    if (!handle || !to) return;
    if (handle.kind === "corner" && handle.bends && this.#neighbours(handle).some((each) => same(each, to)))
      this.#remove();
    else this.#done(handle.kind === "edge" && !this.#whole ? "bend" : handle.kind, handle, this.#to);
  }

  #done(kind: Moved["kind"], handle: Handle, to: Position[]): void {
    this.#listeners.finished({ kind, from: handle.from, to, units: this.#touching(this.#from(handle)) });
  }

  /** Take the chosen corner away, where two edges meet. */
  #remove(): void {
    const handle = this.#handles[this.#chosen];
    if (handle?.kind === "corner" && handle.moves !== "frozen") this.#done("removal", handle, []);
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (document.activeElement !== this.#map.getCanvas() && event.key !== "Escape") return;
    const arrow = ARROWS[event.key];
    if (event.key === "Escape") this.#listeners.cancelled();
    else if (event.key === "Enter") this.#finish();
    else if (event.key === "Delete" || event.key === "Backspace") this.#remove();
    else if (event.key === "PageDown" || event.key === "PageUp") this.#step(event.key === "PageDown" ? 1 : -1);
    else if (event.key.toLowerCase() === "e" && this.#handles[this.#chosen]?.kind === "edge") this.#asWhole();
    else if (arrow && this.#chosen >= 0) this.#nudge(arrow, event.shiftKey ? 10 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  /** From now on the chosen edge moves as a whole, or its middle alone. */
  #asWhole(): void {
    this.#whole = !this.#whole;
    this.#to = [];
    this.#draw();
  }

  #step(by: number): void {
    const count = this.#handles.length;
    if (!count) return;
    this.#whole = false;
    this.#choose((this.#chosen + by + count) % count);
  }

  /** Move the chosen handle by pixels of the map, as the arrows point. */
  #nudge([x, y]: [number, number], pixels: number): void {
    const handle = this.#handles[this.#chosen];
    if (!handle || this.#frozen(handle)) return;
    this.#to = (this.#to.length ? this.#to : this.#from(handle)).map((each) => {
      const from = this.#map.project([each[0] ?? 0, each[1] ?? 0]);
      const to = this.#map.unproject([from.x + x * pixels, from.y + y * pixels]);
      const free = [round7(to.lng), round7(to.lat)];
      return handle.moves === "along" && handle.kind === "corner" ? this.#along(handle, free) : free;
    });
    this.#draw();
  }
}

/** Edges first: where two lie over each other the corners are on top. */
function handlesOf({ corners, edges: lines }: GridCornersAnswer): Handle[] {
  const reasonOf = (each: { reason_en: string; reason_zh: string }): Text => ({
    en: each.reason_en,
    zh: each.reason_zh,
  });
  return [
    ...lines.map((each): Handle => {
      const [a, b] = each.ends;
      const [from, shared] = [[a, b], each.grids.length > 1];
      return {
        kind: "edge",
        from,
        at: middle(a, b),
        shared,
        moves: each.moves,
        bends: each.bends,
        reason: reasonOf(each),
      };
    }),
    ...corners.map((each): Handle => {
      const { at, moves, removable: bends } = each;
      return { kind: "corner", from: [at], at, shared: each.grids.length > 1, moves, bends, reason: reasonOf(each) };
    }),
  ];
}

function cornersFirst(a: Feature, b: Feature): number {
  return Number(b.properties?.kind === "corner") - Number(a.properties?.kind === "corner");
}

/** Both ends of an edge, moved as its middle is. */
function shifted({ from, at }: Handle, to: Position): Position[] {
  const [dx, dy] = [(to[0] ?? 0) - (at[0] ?? 0), (to[1] ?? 0) - (at[1] ?? 0)];
  return from.map((each) => [round7((each[0] ?? 0) + dx), round7((each[1] ?? 0) + dy)]);
}
