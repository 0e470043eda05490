/** The line under the map: coordinates, zoom, the connection, the time zone, what the boundaries are worth, whose data it is. */
import { html } from "lit";
import type { Map as MapView, MapMouseEvent } from "maplibre-gl";
import { Piece } from "../core/element";
import { connected, updated } from "../live/changes";
import { clock, fixed, timeZone, zoneNote, zoneOffset } from "../texts/format";
import { t } from "../texts/text";

export class StatusBar extends Piece {
  static override properties = { map: { attribute: false }, shiftedBase: { type: Boolean } };
  declare map: MapView | null;
  declare shiftedBase: boolean;
  #place = "–";
  #followed: MapView | null = null;

  constructor() {
    super();
    this.map = null;
    this.shiftedBase = false;
  }

  protected override follows() {
    return [connected, updated, timeZone];
  }

  readonly #moved = ({ lngLat }: MapMouseEvent): void => {
    this.#place = `${lngLat.lng.toFixed(5)}, ${lngLat.lat.toFixed(5)}`;
    this.requestUpdate();
  };

  protected override willUpdate(): void {
    if (this.map === this.#followed) return;
    this.#followed = this.map;
    this.map?.on("mousemove", this.#moved);
    this.map?.on("zoom", () => this.requestUpdate());
  }

  protected override render() {
    const at = updated.get();
    const live = connected.get();
    return html`
      <footer class="status">
        <span class="coordinates">${this.#place}</span>
        <span class="zoom">${t("zoom")} ${fixed(this.map?.getZoom(), 1)}</span>
        <span class=${live ? "live" : "live off"}>${t(live ? "live" : "live.off")}</span>
        <span class="updated">${at ? t("live.updated", { time: clock(at) }) : ""}</span>
        <span class="space"></span>
        <span class="zone" title=${zoneNote()}><span>${zoneNote()}</span><small>${zoneOffset()}</small></span>
        <span class="indicative-note" title=${t("indicative")}>${t("word.indicative")}</span>
        <span class="attribution">${this.shiftedBase ? `${t("base.shifted")} · ` : ""}${t("attribution")}</span>
      </footer>
    `;
  }
}
customElements.define("status-bar", StatusBar);
