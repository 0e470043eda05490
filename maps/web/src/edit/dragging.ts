/** Dragging of points on the map with mouse, pen or finger; the pointer is captured, so that one let go outside of the map lets go too. */
import type { LngLat, Map as MapView, MapLayerMouseEvent, MapLayerTouchEvent, PointLike } from "maplibre-gl";

export interface Place {
  lngLat: LngLat;
  point: { x: number; y: number };
  altKey: boolean;
}

interface Listeners {
  /** A point of the layer was pressed; false: it stays where it is. */
  taken: (event: MapLayerMouseEvent | MapLayerTouchEvent) => boolean;
  dragged: (place: Place) => void;
  /** Let go on the map, or outside of it. */
  dropped: (inside: boolean) => void;
}

export class Dragging {
  readonly #map: MapView;
  readonly #layer: string;
  readonly #listeners: Listeners;
  #pointer: number | null = null;
  #held = false;

  constructor(map: MapView, layer: string, listeners: Listeners) {
    this.#map = map;
    this.#layer = layer;
    this.#listeners = listeners;
    const canvas = map.getCanvas();
    canvas.addEventListener("pointerdown", this.#pressed, true);
    canvas.addEventListener("pointermove", this.#moved);
    canvas.addEventListener("pointerup", this.#released);
    canvas.addEventListener("pointercancel", this.#lost);
    map.on("mousedown", layer, this.#take);
    map.on("touchstart", layer, this.#take);
  }

  get held(): boolean {
    return this.#held;
  }

  stop(): void {
    const canvas = this.#map.getCanvas();
    canvas.removeEventListener("pointerdown", this.#pressed, true);
    canvas.removeEventListener("pointermove", this.#moved);
    canvas.removeEventListener("pointerup", this.#released);
    canvas.removeEventListener("pointercancel", this.#lost);
    this.#map.off("mousedown", this.#layer, this.#take);
    this.#map.off("touchstart", this.#layer, this.#take);
    this.#letGo();
  }

  readonly #pressed = (event: PointerEvent): void => {
    this.#pointer = event.isPrimary ? event.pointerId : null;
  };

  readonly #take = (event: MapLayerMouseEvent | MapLayerTouchEvent): void => {
    event.preventDefault(); // the map stays where it is
    if (this.#held || !this.#listeners.taken(event)) return;
    this.#held = true;
    if (this.#pointer !== null) this.#map.getCanvas().setPointerCapture(this.#pointer);
  };

  readonly #moved = (event: PointerEvent): void => {
    if (!this.#held) return;
    const point = this.#pointOf(event);
    this.#listeners.dragged({ point, lngLat: this.#map.unproject(point as PointLike), altKey: event.altKey });
  };

  readonly #released = (event: PointerEvent): void => {
    if (!this.#held) return;
    this.#letGo();
    const { x, y } = this.#pointOf(event);
    const { clientWidth, clientHeight } = this.#map.getCanvas();
    this.#listeners.dropped(x >= 0 && y >= 0 && x <= clientWidth && y <= clientHeight);
  };

  readonly #lost = (): void => {
    if (!this.#held) return;
    this.#letGo();
    this.#listeners.dropped(false);
  };

  #letGo(): void {
    this.#held = false;
    const canvas = this.#map.getCanvas();
    if (this.#pointer !== null && canvas.hasPointerCapture(this.#pointer)) canvas.releasePointerCapture(this.#pointer);
  }

  #pointOf(event: PointerEvent): { x: number; y: number } {
    const { left, top } = this.#map.getCanvas().getBoundingClientRect();
    return { x: event.clientX - left, y: event.clientY - top };
  }
}
