/** The unit grids in view, at full precision: tiles are for looking, these are for drawing. */
import type { Feature, Geometry, Position } from "geojson";
import type { Map as MapView } from "maplibre-gl";
import { allItems, itemsPath } from "../core/api";
import { complain } from "../core/notices";
import type { AreaProperties } from "../core/types";
import { touches } from "../geometry/corners";

export type Unit = Feature<Geometry, AreaProperties>;

/** From this zoom on unit grids are drawn and can be edited. */
export const UNIT_ZOOM = 12;
const MOST = 5000;

export class Units {
  readonly #map: MapView;
  #found = new Map<number, Unit>();
  #running: AbortController | null = null;

  constructor(map: MapView) {
    this.#map = map;
  }

  /** Whether the view holds more than were loaded. */
  get truncated(): boolean {
    return this.#found.size >= MOST;
  }

  geometries(): Geometry[] {
    return [...this.#found.values()].map((each) => each.geometry);
  }

  all(): Unit[] {
    return [...this.#found.values()];
  }

  /** The grids that have this corner, or an edge through it: they move together. */
  touching(corner: Position): Unit[] {
    return this.all().filter((each) => touches(each.geometry, corner));
  }

  get(id: number): Unit | undefined {
    return this.#found.get(id);
  }

  async load(): Promise<void> {
    this.#running?.abort();
    if (this.#map.getZoom() < UNIT_ZOOM) {
      this.#found.clear();
      return;
    }
    const running = new AbortController();
    this.#running = running;
    const box = this.#map
      .getBounds()
      .toArray()
      .flat()
      .map((each) => each.toFixed(6))
      .join(",");
    try {
      const path = itemsPath("areas", { kind: "unit_grid", bbox: box, limit: 1000 });
      const found = await allItems<AreaProperties>(path, MOST, running.signal);
      this.#found = new Map(found.map((each) => [Number(each.id), each]));
    } catch (error) {
      complain(error);
    }
  }

  stop(): void {
    this.#running?.abort();
  }
}
