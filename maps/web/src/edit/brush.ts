/** A brush that paints unit grids to one community: press and draw over them; a second stroke with Shift takes them off. */
import type { Map as MapView, MapMouseEvent, MapTouchEvent } from "maplibre-gl";
import type { Drawing } from "./drawing";
import { isUndo } from "./keys";
import type { Unit, Units } from "./units";

interface Listeners {
  /** Whether a grid can be painted: not one that is the community's already. */
  takes: (unit: Unit) => boolean;
  painted: (units: readonly Unit[]) => void;
  finished: (units: readonly Unit[]) => void;
  cancelled: () => void;
}

/** A step of the pointer is looked at in pieces of this length, so that a fast stroke leaves no grid out. */
const STEP_PX = 6;

export class Brush implements Drawing {
  readonly #map: MapView;
  readonly #units: Units;
  readonly #listeners: Listeners;
  #painted = new Map<unknown, Unit>();
  /** The painted grids before each stroke. */
  #before: Map<unknown, Unit>[] = [];
  #from: { x: number; y: number } | null = null;
  #off = false;

  constructor(map: MapView, units: Units, listeners: Listeners) {
    this.#map = map;
    this.#units = units;
    this.#listeners = listeners;
    map.dragPan.disable();
    map.getCanvas().style.cursor = "cell";
    map.on("mousedown", this.#press);
    map.on("touchstart", this.#press);
    map.on("mousemove", this.#move);
    map.on("touchmove", this.#move);
    window.addEventListener("pointerup", this.#release);
    window.addEventListener("keydown", this.#keys, true);
    map.getCanvas().focus();
  }

  stop(): void {
    const map = this.#map;
    map.dragPan.enable();
    map.getCanvas().style.cursor = "";
    map.off("mousedown", this.#press);
    map.off("touchstart", this.#press);
    map.off("mousemove", this.#move);
    map.off("touchmove", this.#move);
    window.removeEventListener("pointerup", this.#release);
    window.removeEventListener("keydown", this.#keys, true);
  }

  finish(): void {
    this.#listeners.finished([...this.#painted.values()]);
  }

  /** Take the last stroke back. */
  back(): void {
    this.#painted = this.#before.pop() ?? new Map();
    this.#tell();
  }

  readonly #press = (event: MapMouseEvent | MapTouchEvent): void => {
    if ("points" in event && event.points.length > 1) return; // two fingers move the map
    this.#before.push(new Map(this.#painted));
    this.#off = event.originalEvent.shiftKey;
    this.#from = { x: event.point.x, y: event.point.y };
    this.#stroke(event.point);
  };

  readonly #move = (event: MapMouseEvent | MapTouchEvent): void => {
    if (this.#from) this.#stroke(event.point);
  };

  readonly #release = (): void => {
    this.#from = null;
  };

  #stroke({ x, y }: { x: number; y: number }): void {
    const from = this.#from ?? { x, y };
    const pieces = Math.max(1, Math.ceil(Math.hypot(x - from.x, y - from.y) / STEP_PX));
    for (let i = 0; i <= pieces; i++) {
      const share = i / pieces;
      const { lng, lat } = this.#map.unproject([from.x + share * (x - from.x), from.y + share * (y - from.y)]);
      const unit = this.#units.at([lng, lat]);
      if (!unit || !this.#listeners.takes(unit)) continue;
      if (this.#off) this.#painted.delete(unit.id);
      else this.#painted.set(unit.id, unit);
    }
    this.#from = { x, y };
    this.#tell();
  }

  #tell(): void {
    this.#listeners.painted([...this.#painted.values()]);
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.#listeners.cancelled();
    else if (event.key === "Enter" && document.activeElement === this.#map.getCanvas()) this.finish();
    else if (isUndo(event)) this.back();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}
