/** Pins of a view: places to choose from, things nearby, and one pin of the chosen place that can be dragged. */
import { Marker, type Map as MapView } from "maplibre-gl";
import type { Place } from "../address/address";

const DIGITS = 6;

export interface Pin extends Place {
  /** What stands in it: a number, a sign. */
  text: string;
  /** What it is, for a reader of the page and on hover. */
  title: string;
  kind: "candidate" | "nearby";
  choose?: () => void;
}

/** A place as it is kept: a tenth of a metre. */
export function rounded({ lng, lat }: { lng: number; lat: number }): Place {
  return { lon: Number(lng.toFixed(DIGITS)), lat: Number(lat.toFixed(DIGITS)) };
}

export class Pins {
  readonly #map: MapView;
  #shown: Marker[] = [];
  #place: Marker | null = null;

  constructor(map: MapView) {
    this.#map = map;
  }

  show(pins: readonly Pin[]): void {
    for (const marker of this.#shown) marker.remove();
    this.#shown = pins.map((pin) => {
      const element = document.createElement(pin.choose ? "button" : "span");
      element.className = `pin pin-${pin.kind}`;
      element.textContent = pin.text;
      element.title = pin.title;
      if (pin.choose) {
        element.setAttribute("type", "button");
        element.setAttribute("aria-label", pin.title);
        element.addEventListener("click", (event) => {
          event.stopPropagation();
          pin.choose?.();
        });
      }
      return new Marker({ element }).setLngLat([pin.lon, pin.lat]).addTo(this.#map);
    });
  }

  /** The chosen place; `moved` is told where a person drags it to. */
  place(at: Place | null, title = "", moved?: (to: Place) => void): void {
    this.#place?.remove();
    this.#place = null;
    if (!at) return;
    const element = document.createElement("span");
    element.className = "pin pin-place";
    element.title = title;
    const marker = new Marker({ element, anchor: "bottom", draggable: moved !== undefined });
    if (moved) marker.on("dragend", () => moved(rounded(marker.getLngLat())));
    this.#place = marker.setLngLat([at.lon, at.lat]).addTo(this.#map);
  }

  clear(): void {
    this.show([]);
    this.place(null);
  }
}
