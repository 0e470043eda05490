/** The unit grids in view, at full precision: tiles are for looking, these are for drawing. */
import type { Feature, Geometry, Position } from "geojson";
import type { Map as MapView } from "maplibre-gl";
import { allItems, itemsPath } from "../core/api";
import { complain } from "../core/notices";
import type { Trial } from "../core/edit_types";
import type { AreaProperties } from "../core/types";
import { Value } from "../core/value";
import { touches } from "../geometry/corners";
import { contains } from "../geometry/inside";

export type Unit = Feature<Geometry, AreaProperties>;

/** From this zoom on unit grids are drawn and can be edited. */
export const UNIT_ZOOM = 12;
const MOST = 5000;

export class Units {
  readonly #map: MapView;
  #found = new Map<number, Unit>();
  /** What the draft makes of them: codes that end, and the grids that it begins or gives away. */
  #ended = new Set<string>();
  #begun = new Map<number, Unit>();
  #running: AbortController | null = null;
  /** How often grids were loaded. */
  readonly loads = new Value(0);

  constructor(map: MapView) {
    this.#map = map;
  }

  /** Whether the view holds more than were loaded. */
  get truncated(): boolean {
    return this.#found.size >= MOST;
  }

  /** The grids as they are after the steps of the draft. */
  all(): Unit[] {
    const stay = [...this.#found.values()].filter(
      (each) => !this.#ended.has(each.properties.code) && !this.#begun.has(Number(each.id)),
    );
    return [...stay, ...this.#begun.values()];
  }

  /** Take over what a draft makes of the grids; null: there is none. */
  after(preview: Trial["preview"] | null): void {
    this.#ended = new Set([...(preview?.voided_codes ?? []), ...(preview?.kept_codes ?? [])]);
    const begun = (preview?.result.features ?? []).filter((each) => each.properties.kind === "unit_grid");
    this.#begun = new Map(begun.map((each) => [Number(each.id), each as unknown as Unit]));
  }

  /** The grid at a place, one that the draft makes before one that is stored. */
  at(place: Position): Unit | undefined {
    return this.all()
      .reverse()
      .find((each) => contains(each.geometry, place));
  }

  /** The grids that have this corner, or an edge through it: they move together. */
  touching(corner: Position): Unit[] {
    return this.all().filter((each) => touches(each.geometry, corner));
  }

  get(id: number): Unit | undefined {
    return this.#begun.get(id) ?? this.#found.get(id);
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
      this.loads.set(this.loads.get() + 1);
    } catch (error) {
      complain(error);
    }
  }

  stop(): void {
    this.#running?.abort();
  }
}
