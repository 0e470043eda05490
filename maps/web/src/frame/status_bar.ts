/** The line under the map: coordinates, zoom, the connection, the time zone, what the boundaries are worth, whose data it is. */
import { html, nothing } from "lit";
import type { Map as MapView, MapMouseEvent } from "maplibre-gl";
import { address } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { connected, updated } from "../live/changes";
import { offeredChosen, offered } from "../map/offered_maps";
import { clock, fixed, timeZone, zoneNote, zoneOffset } from "../texts/format";
import { t } from "../texts/text";

/** Whose the base map is, and what it is drawn in. */
function baseNote(): string {
  const shown = offeredChosen();
  if (!shown) return "";
  const datum = shown.kind === "tiles" ? t(shown.datum === "gcj02" ? "base.shifted" : `base.${shown.datum}`) : "";
  return [shown.attribution, datum]
    .filter(Boolean)
    .map((each) => `${each} · `)
    .join("");
}

/** Whether an area was imported as indicative; when nobody can tell, the cautious answer. */
async function someAreIndicative(): Promise<boolean> {
  try {
    const found = await get<{ features: unknown[] }>("collections/areas/items?indicative=true&limit=1");
    return found.features.length > 0;
  } catch {
    return true;
  }
}

export class StatusBar extends Piece {
  static override properties = { map: { attribute: false } };
  declare map: MapView | null;
  #place = "–";
  #followed: MapView | null = null;
  #indicative = false;

  constructor() {
    super();
    this.map = null;
  }

  protected override follows() {
    return [connected, updated, timeZone, address, offered];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void someAreIndicative().then((some) => {
      this.#indicative = some;
      this.requestUpdate();
    });
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
        <time class="updated" datetime=${at?.toISOString() ?? nothing}>${at ? t("live.updated", { time: clock(at) }) : ""}</time>
        <span class="space"></span>
        <span class="zone" title=${zoneNote()}><span>${zoneNote()}</span><small>${zoneOffset()}</small></span>
        ${this.#indicative ? html`<span class="indicative-note" title=${t("indicative")}>${t("word.indicative")}</span>` : nothing}
        <span class="attribution">${baseNote()}${t("attribution")}</span>
      </footer>
    `;
  }
}
customElements.define("status-bar", StatusBar);
