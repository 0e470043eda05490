/** Choosing grids on the map: by a click, by a box (drag with Shift), with the grid under the pointer marked. */
import type { Position } from "geojson";
import type { Map as MapView, MapMouseEvent } from "maplibre-gl";
import { insidePoint } from "../geometry/inside";
import type { Unit, Units } from "./units";

interface Listeners {
  /** Whether grids are being chosen now. */
  active: () => boolean;
  clicked: (unit: Unit) => void;
  boxed: (units: Unit[]) => void;
  hovered: (unit: Unit | null) => void;
}

export class Picking {
  readonly #map: MapView;
  readonly #units: Units;
  readonly #listeners: Listeners;
  #from: { x: number; y: number } | null = null;
  #box: HTMLElement | null = null;
  #over: Unit | null = null;

  constructor(map: MapView, units: Units, listeners: Listeners) {
    this.#map = map;
    this.#units = units;
    this.#listeners = listeners;
    map.boxZoom.disable();
    map.on("click", this.#click);
    map.on("mousemove", this.#hover);
    map.on("mouseout", this.#out);
    map.on("mousedown", this.#press);
  }

  stop(): void {
    this.#map.boxZoom.enable();
    this.#map.off("click", this.#click);
    this.#map.off("mousemove", this.#hover);
    this.#map.off("mouseout", this.#out);
    this.#map.off("mousedown", this.#press);
    this.#end();
    this.#mark(null);
  }

  #at({ lngLat }: MapMouseEvent): Unit | undefined {
    return this.#units.at([lngLat.lng, lngLat.lat]);
  }

  readonly #click = (event: MapMouseEvent): void => {
    const unit = this.#listeners.active() && !event.originalEvent.shiftKey ? this.#at(event) : undefined;
    if (unit) this.#listeners.clicked(unit);
  };

  readonly #hover = (event: MapMouseEvent): void => {
    if (this.#from) return;
    this.#mark((this.#listeners.active() && this.#at(event)) || null);
  };

  readonly #out = (): void => this.#mark(null);

  #mark(unit: Unit | null): void {
    if (unit === this.#over) return;
    this.#over = unit;
    this.#listeners.hovered(unit);
  }

  readonly #press = (event: MapMouseEvent): void => {
    if (!event.originalEvent.shiftKey || !this.#listeners.active()) return;
    event.preventDefault();
    this.#from = { x: event.point.x, y: event.point.y };
    this.#box = document.createElement("div");
    this.#box.className = "edit-box";
    this.#map.getContainer().append(this.#box);
    window.addEventListener("mousemove", this.#drag);
    window.addEventListener("mouseup", this.#release);
  };

  readonly #drag = (event: MouseEvent): void => {
    const corners = this.#corners(event);
    if (!corners || !this.#box) return;
    const [west, north, east, south] = corners;
    Object.assign(this.#box.style, {
      transform: `translate(${west}px, ${north}px)`,
      width: `${east - west}px`,
      height: `${south - north}px`,
    });
  };

  readonly #release = (event: MouseEvent): void => {
    const corners = this.#corners(event);
    this.#end();
    if (!corners) return;
    const [west, north, east, south] = corners;
    const within = (at: Position | null): boolean => {
      if (!at) return false;
      const { x, y } = this.#map.project([at[0] ?? 0, at[1] ?? 0]);
      return x >= west && x <= east && y >= north && y <= south;
    };
    this.#listeners.boxed(this.#units.all().filter((each) => within(insidePoint(each.geometry))));
  };

  #corners(event: MouseEvent): [number, number, number, number] | null {
    if (!this.#from) return null;
    const { left, top } = this.#map.getContainer().getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const { x: fromX, y: fromY } = this.#from;
    return [Math.min(x, fromX), Math.min(y, fromY), Math.max(x, fromX), Math.max(y, fromY)];
  }

  #end(): void {
    this.#from = null;
    this.#box?.remove();
    this.#box = null;
    window.removeEventListener("mousemove", this.#drag);
    window.removeEventListener("mouseup", this.#release);
  }
}
