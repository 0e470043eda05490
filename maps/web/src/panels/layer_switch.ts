/** The card at the right: layers on and off, each with its legend. */
import type { Map as MapView } from "maplibre-gl";
import { h, fill, type Child } from "../core/dom";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { loggedIn, session } from "../core/session";
import { layerGroups, type LayerGroup, type Swatch } from "../map/layer_groups";
import { filterSource } from "../map/sources";

/** On a narrower window the card starts folded, so that the map can be seen. */
const ROOMY_PX = 1180;
const HOT_FIELDS = ["visits", "alerts"] as const;

function swatch(of: Swatch): HTMLElement {
  return h("i", { class: `mark ${of.mark}`, style: `--color:${of.color}` });
}

export class LayerSwitch {
  readonly element = h("aside", { class: "layers" });
  readonly #map: MapView;
  readonly #groups = layerGroups();
  #open = window.innerWidth >= ROOMY_PX;
  #hotField: (typeof HOT_FIELDS)[number] = "visits";

  constructor(map: MapView) {
    this.#map = map;
    language.subscribe(() => this.draw());
    session.subscribe(() => this.draw());
    map.on("zoomend", () => this.#markZoom());
    this.draw();
  }

  /** Width that covers the map, in pixels. */
  get width(): number {
    return this.#open ? this.element.offsetWidth + 12 : 0;
  }

  /** Switch a group, as a click on its box would. */
  show(id: string, shown: boolean): void {
    const group = this.#groups.find((each) => each.id === id);
    if (!group) return;
    group.shown = shown;
    this.apply();
    this.draw();
  }

  /** Bring the map's layers to what is switched on; layers that are not there yet are passed over. */
  apply(): void {
    for (const group of this.#groups)
      for (const layer of group.layers)
        if (this.#map.getLayer(layer))
          this.#map.setLayoutProperty(layer, "visibility", group.shown ? "visible" : "none");
  }

  draw(): void {
    const groups = this.#groups.filter((each) => !each.login || loggedIn());
    this.element.setAttribute("aria-label", t("layers"));
    const toggle = (): void => {
      this.#open = !this.#open;
      this.draw();
    };
    fill(
      this.element,
      h(
        "button",
        { class: "layers-head", "data-layers": true, "aria-expanded": this.#open ? "true" : "false", onclick: toggle },
        h("b", {}, t("layers")),
        h("span", {}, this.#open ? "▾" : "▸"),
      ),
      this.#open
        ? h(
            "div",
            { class: "layers-body" },
            groups.map((each) => this.#group(each)),
          )
        : null,
    );
    this.#markZoom();
  }

  #group(group: LayerGroup): HTMLElement {
    const box = h("input", { type: "checkbox", checked: group.shown, "data-layer": group.id });
    box.addEventListener("change", () => this.show(group.id, box.checked));
    const only = group.swatches.length === 1 ? group.swatches[0] : undefined;
    return h(
      "div",
      { class: "group", "data-from": group.from },
      h("label", {}, box, only && swatch(only), h("span", {}, t(group.title)), h("small", { class: "zoom-hint" })),
      group.shown && !only && this.#legend(group),
    );
  }

  #legend(group: LayerGroup): Child {
    const rows = group.swatches.map((each) => h("li", {}, swatch(each), t(each.text)));
    if (group.id !== "hot_spots") return h("ul", { class: "legend" }, rows);
    const choose = (field: (typeof HOT_FIELDS)[number]): HTMLElement => {
      const pick = (): void => {
        this.#hotField = field;
        filterSource(this.#map, "hot_spots", { field });
        this.draw();
      };
      return h(
        "button",
        { class: "chip", "aria-pressed": this.#hotField === field ? "true" : "false", onclick: pick },
        t(`hot_field.${field}`),
      );
    };
    return h(
      "div",
      {},
      h("div", { class: "chips" }, HOT_FIELDS.map(choose)),
      h("p", { class: "muted" }, t("gi.about")),
      h("ul", { class: "legend" }, rows),
    );
  }

  #markZoom(): void {
    const zoom = this.#map.getZoom();
    for (const group of this.element.querySelectorAll<HTMLElement>(".group[data-from]")) {
      const far = zoom < Number(group.dataset.from);
      group.classList.toggle("far", far);
      const hint = group.querySelector(".zoom-hint");
      if (hint) hint.textContent = far ? t("layer.zoom_in") : "";
    }
  }
}
