/** The card at the right: layers on and off, each with its legend. */
import { html, nothing } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import { styleMap } from "lit/directives/style-map.js";
import type { Map as MapView } from "maplibre-gl";
import { FIELDS_OVER_TIME, HOT_FIELDS, type HotField } from "../address/address";
import { address } from "../address/router";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { language } from "../texts/language";
import { phone } from "../core/phone";
import { loggedIn, session } from "../core/session";
import { shade } from "../core/theme";
import { baseChosen, chooseBase, offered } from "../map/offered_maps";
import { groundShown } from "../map/ground_shown";
import { groundLegend } from "../map/ground_layers";
import { layerGroups, type LayerGroup, type Swatch } from "../map/layer_groups";
import { chooseHotField, layersShown, showGroup } from "../map/layers_shown";
import { t, term } from "../texts/text";

/** On a narrower window the card starts folded, so that the map can be seen. */
const ROOMY_PX = 1180;
const WIDTH_PX = 246;
const MARGIN_PX = 12;

/** What the card will cover of the map's right when it appears, in pixels. */
export function widthAtStart(): number {
  return window.innerWidth >= ROOMY_PX ? WIDTH_PX + MARGIN_PX : 0;
}

function swatch({ mark, color, edge }: Swatch) {
  return html`<i class="mark ${mark}" style=${styleMap({ "--color": color, "--edge": edge ?? color })}></i>`;
}

function rows(swatches: readonly Swatch[]) {
  return html`
    <ul class="legend">
      ${swatches.map((each) => html`<li>${swatch(each)}${t(each.text)}</li>`)}
    </ul>
  `;
}

export class LayerSwitch extends Piece {
  static override properties = { map: { attribute: false }, open: { state: true } };
  declare map: MapView;
  declare open: boolean;

  constructor() {
    super();
    this.open = widthAtStart() > 0;
  }

  protected override follows() {
    return [session, address, shade, offered];
  }

  protected override firstUpdated(): void {
    this.map.on("zoomend", () => this.requestUpdate());
    phone.subscribe((narrow) => {
      if (narrow) this.open = false;
    });
  }

  /** Width that covers the map, in pixels. */
  get width(): number {
    const card = this.querySelector<HTMLElement>(".layers");
    return this.open && card ? card.offsetWidth + MARGIN_PX : 0;
  }

  protected override render() {
    const groups = layerGroups().filter((each) => !each.login || loggedIn());
    return html`
      <aside class=${classMap({ layers: true, folded: !this.open })} aria-label=${t("layers")}>
        <button
          type="button"
          class="layers-head"
          data-layers
          aria-expanded=${this.open ? "true" : "false"}
          aria-label=${t("layers")}
          @click=${() => (this.open = !this.open)}
        >
          ${icon("layers")}<b>${t("layers")}</b>${icon(this.open ? "up" : "down")}
        </button>
        ${
          this.open
            ? html`<div class="layers-body">
                ${repeat(
                  groups,
                  (each) => each.id,
                  (each) => this.#group(each),
                )}
                ${this.#bases()}
              </div>`
            : nothing
        }
      </aside>
    `;
  }

  /** The ground under the layers: one of what there is. */
  #bases() {
    const named = offered.get().map(({ id, name }) => [id, name[language.get()]] as const);
    const choices = [...named, ["roads", t("base.roads")], ["none", t("base.none")]] as const;
    return html`
      <fieldset class="bases">
        <legend>${t("base")}</legend>
        ${choices.map(
          ([id, text]) => html`
            <label>
              <input
                type="radio"
                name="base"
                data-base=${id}
                .checked=${baseChosen() === id}
                @change=${() => chooseBase(id)}
              /><span>${text}</span>
            </label>
          `,
        )}
        ${groundShown() ? rows(groundLegend()) : nothing}
      </fieldset>
    `;
  }

  #group(group: LayerGroup) {
    const shown = layersShown().includes(group.id);
    const far = group.from !== undefined && this.map.getZoom() < group.from;
    const only = group.swatches.length === 1 ? group.swatches[0] : undefined;
    const change = (event: Event): void => showGroup(group.id, (event.target as HTMLInputElement).checked);
    return html`
      <div class=${classMap({ group: true, far })}>
        <label>
          <input type="checkbox" data-layer=${group.id} .checked=${shown} @change=${change} />
          ${only ? swatch(only) : nothing}<span>${t(group.title)}</span>
          <small class="zoom-hint">${far ? t("layer.zoom_in") : ""}</small>
        </label>
        ${shown && !only ? this.#legend(group) : nothing}
      </div>
    `;
  }

  #legend(group: LayerGroup) {
    const legend = rows(group.swatches);
    if (group.id !== "hot_spots" && group.id !== "emerging_hot_spots") return legend;
    const overTime = group.id === "emerging_hot_spots";
    const choice = (field: HotField) => html`
      <button
        type="button"
        class="chip"
        aria-pressed=${address.get().hotField === field ? "true" : "false"}
        @click=${() => chooseHotField(field)}
      >
        ${term("hot_field", field)}
      </button>
    `;
    return html`
      <div class="chips">${(overTime ? FIELDS_OVER_TIME : HOT_FIELDS).map(choice)}</div>
      <p class="muted">${overTime ? t("pattern.about") : term("hot_about", address.get().hotField)}</p>
      ${legend}
    `;
  }
}
customElements.define("layer-switch", LayerSwitch);
