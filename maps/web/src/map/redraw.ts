/** Draws anew what others changed: at once where it can be seen, else when the map comes there. */
import type { Map as MapView } from "maplibre-gl";
import { meets } from "../geometry/cells";
import type { Change } from "../live/change_stream";
import { reloadCollection } from "./sources";

/** One change comes as several events; they are drawn together. */
const GATHER_MS = 150;
/** Between two redrawings, while changes keep coming. */
const LEAST_MS = 600;
/** More places than these are not told apart. */
const MOST_CELLS = 2000;

export class Redraw {
  readonly #map: MapView;
  readonly #done: (layers: string[]) => void;
  readonly #waiting = new Map<string, Change>();
  /** Changed where nobody looks. */
  readonly #stale = new Map<string, Change>();
  #timer = 0;
  #last = 0;

  /** `done` is called with the collections that changed, once their tiles have been asked for. */
  constructor(map: MapView, done: (layers: string[]) => void) {
    this.#map = map;
    this.#done = done;
    map.on("move", () => this.#stale.size && this.#reload(this.#stale));
  }

  put(change: Change): void {
    join(this.#waiting, change);
    if (!this.#timer)
      this.#timer = window.setTimeout(this.#flush, Math.max(GATHER_MS, LEAST_MS - (performance.now() - this.#last)));
  }

  readonly #flush = (): void => {
    this.#timer = 0;
    this.#last = performance.now();
    const layers = [...this.#waiting.keys()];
    for (const change of this.#waiting.values()) join(this.#stale, change);
    this.#waiting.clear();
    this.#reload(this.#stale);
    this.#done(layers);
  };

  /** Ask for the tiles of what is in view; the rest stays. */
  #reload(changes: Map<string, Change>): void {
    const [[west, south], [east, north]] = this.#map.getBounds().toArray();
    for (const [layer, { zoom, cells }] of changes) {
      if (cells && !meets(cells, zoom, [west, south, east, north])) continue;
      changes.delete(layer);
      reloadCollection(this.#map, layer);
    }
  }
}

/** Keep a change with what is known of its collection already. */
function join(into: Map<string, Change>, change: Change): void {
  const there = into.get(change.layer);
  if (!there) return void into.set(change.layer, change);
  const cells = there.cells && change.cells && there.zoom === change.zoom ? [...there.cells, ...change.cells] : null;
  into.set(change.layer, { ...change, cells: cells && cells.length <= MOST_CELLS ? cells : null });
}
