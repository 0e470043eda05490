/** What a click on the map tells: a site, an alert, a case, or the areas that hold the place. */
import type { Feature } from "geojson";
import { html, nothing, render, svg, type TemplateResult } from "lit";
import { Popup, type Map as MapView, type MapGeoJSONFeature, type MapMouseEvent } from "maplibre-gl";
import type { Picked, View } from "../address/address";
import { address, go, put, route, tabRoute } from "../address/router";
import { get, isAbort } from "../core/api";
import { same } from "../core/same";
import { Value } from "../core/value";
import type { AreaProperties, SiteProperties } from "../core/types";
import { brackets, day, number, percent, span, surface, time } from "../texts/format";
import { language } from "../texts/language";
import { t, term } from "../texts/text";
import { facts, failure, loading, type Content } from "../views/pieces";
import { colors, HOT_COLORS } from "./palette";
import { CLICKABLE } from "./place_layers";

/** Whether the place of a case is being changed: a click on the map chooses it. */
export const moving = new Value(false);
/** Views in which a click on the map chooses a place. */
const ASKING: ReadonlySet<View> = new Set<View>(["edit", "assign", "intake", "clue"]);

const AREA_FILLS = [
  "functional_zone-fill",
  "water-fill",
  "unit_grid-fill",
  "community-fill",
  "town-fill",
  "county-fill",
];
const DIGITS = 6;
const MARGIN_PX = 10;

type Properties = Record<string, unknown>;

function visible(map: MapView, layers: readonly string[]): string[] {
  return layers.filter((id) => map.getLayer(id));
}

async function propertiesOf<P>(collection: string, id: number): Promise<P> {
  return (await get<Feature<null, P>>(`collections/${collection}/items/${id}`)).properties;
}

async function siteContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<SiteProperties>("sites", id);
  const since = p.status_since ? ` · ${t("written.since", { day: day(p.status_since) })}` : "";
  return html`
    <h4>${p.enterprise_name}</h4>
    ${facts([
      [t("site.id"), `${p.site_id} · ${term("site_kind", p.kind)}`],
      [t("site.uscc"), html`<code>${p.uscc}</code>`],
      [t("site.hazard"), term("hazard", p.hazard)],
      [t("site.status"), term("status", p.status) + since],
    ])}
  `;
}

async function areaContent([id = 0, ...above]: readonly number[]): Promise<TemplateResult> {
  const [p, ...larger] = await Promise.all([id, ...above].map((each) => propertiesOf<AreaProperties>("areas", each)));
  if (!p) return html``;
  return html`
    <h4>${p.name} <small>${term("kind", p.kind)}</small></h4>
    ${facts([
      [t("area.code"), html`<code>${p.code}</code>`],
      [t("area.valid"), span(day(p.valid_from), p.valid_to && day(p.valid_to))],
      [t("area.surface"), surface(p.area_m2)],
      ...larger.map((each): [string, Content] => [term("kind", each.kind), each.name]),
    ])}
    ${p.indicative ? html`<p class="indicative">${t("indicative")}</p>` : nothing}
  `;
}

async function stayContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<Properties>("stays", id);
  return html`
    <h4>${t("layer.stays")}</h4>
    ${facts([
      [t("card.vehicle"), String(p.vehicle_id)],
      [t("card.entered"), time(String(p.started_at))],
      [t("card.left"), time(String(p.ended_at))],
    ])}
  `;
}

async function silenceContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<Properties>("silences", id);
  const counts = p.left_out ? term("silence_left_out", String(p.left_out)) : number(Number(p.weight), 2);
  return html`
    <h4>${t("layer.silences")}</h4>
    ${facts([
      [t("card.vehicle"), String(p.vehicle_id)],
      [t("silence.began"), time(String(p.began_at))],
      [t("silence.ended"), p.ended_at ? time(String(p.ended_at)) : t("silence.never")],
      [t("silence.weight"), counts],
    ])}
  `;
}

async function encounterContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<Properties>("encounters", id);
  return html`
    <h4>${t("layer.encounters")} <small>${term("encounter_kind", String(p.kind))}</small></h4>
    ${facts([
      [t("encounter.vehicles"), `${p.vehicle_a} · ${p.vehicle_b}`],
      [t("card.entered"), time(String(p.started_at))],
      [t("card.left"), time(String(p.ended_at))],
      [t("encounter.nearest"), `${number(Number(p.nearest_m))} m`],
    ])}
  `;
}

async function hotSpotContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<Properties>("hot_spots", id);
  const counted = {
    rings: Number(p.rings),
    observed: number(Number(p.observed)),
    expected: number(Number(p.expected), 1),
    ratio: number(Number(p.ratio), 1),
  };
  const own = { value: number(Number(p.value)), exposure: number(Number(p.exposure)) };
  return html`
    <h4>${t("hot.cell")}</h4>
    ${facts([
      [t("hot.level"), term("hot_level", String(p.level))],
      [term("hot_field", String(p.field)), t("hot.of", own)],
      ...(p.from_day ? [[t("hot.days"), span(String(p.from_day), String(p.until_day))] as [string, Content]] : []),
    ])}
    <p>${t(counted.rings ? "hot.around" : "hot.here", counted)}</p>
    <p class="muted">${term("hot_about", String(p.field))}</p>
    <p class="muted">${t("hot.chance", { p: percent(Number(p.p_adjusted), 1) })}</p>
  `;
}

interface Course {
  counts: number[];
  marks: number[];
}

const BAR_PX = 12;
const BARS_PX = 44;
/** The newest steps that fit into a popup. */
const STEPS_DRAWN = 20;

/** A bar for each step, red where it was hot and blue where it was cold. */
function bars({ counts, marks }: Course): TemplateResult {
  const from = Math.max(0, counts.length - STEPS_DRAWN);
  const drawn = counts.slice(from);
  const high = Math.max(...drawn, 1);
  const bar = (value: number, i: number) => {
    const mark = marks[from + i] ?? 0;
    const color = mark > 0 ? HOT_COLORS["99"] : mark < 0 ? HOT_COLORS["-99"] : colors().otherSite;
    const height = Math.max((value / high) * BARS_PX, 1);
    return svg`<rect x=${i * BAR_PX} y=${BARS_PX - height} width=${BAR_PX - 2} height=${height} fill=${color} />`;
  };
  return html`<svg
    class="bars"
    width=${drawn.length * BAR_PX}
    height=${BARS_PX}
    role="img"
    aria-label=${drawn.join(", ")}
  >
    ${drawn.map(bar)}
  </svg>`;
}

async function emergingContent([id = 0]: readonly number[]): Promise<TemplateResult> {
  const p = await propertiesOf<Properties>("emerging_hot_spots", id);
  const steps = {
    newest: number(Number(p.newest)),
    before: number(Number(p.before), 1),
    steps: Number(p.steps),
    hot: Number(p.hot_steps),
    cold: Number(p.cold_steps),
  };
  return html`
    <h4>${brackets(t("pattern.title"), term("hot_field", String(p.field)))}</h4>
    ${facts([
      [t("pattern.kind"), term("pattern", String(p.pattern))],
      ...(p.since ? [[t("pattern.since"), String(p.since)] as [string, Content]] : []),
      [t("pattern.step"), t("pattern.days", { n: Number(p.step_days) })],
    ])}
    <p>${term("pattern_about", String(p.pattern))}</p>
    ${bars(p.series as Course)}
    <p class="muted">${t("pattern.newest", steps)}</p>
  `;
}

const CONTENT: Record<string, (ids: readonly number[]) => Promise<TemplateResult>> = {
  sites: siteContent,
  areas: areaContent,
  stays: stayContent,
  silences: silenceContent,
  encounters: encounterContent,
  hot_spots: hotSpotContent,
  emerging_hot_spots: emergingContent,
};

/** One area of each kind, the smallest first: where two meet, the one drawn on top. */
function distinctKinds(features: MapGeoJSONFeature[]): MapGeoJSONFeature[] {
  const byKind = new Map<string, MapGeoJSONFeature>();
  for (const each of features)
    if (!byKind.has(String(each.properties.kind))) byKind.set(String(each.properties.kind), each);
  const order = ["functional_zone", "water", "unit_grid", "community", "town", "county"];
  const ranked = [...byKind.values()].sort(
    (a, b) => order.indexOf(String(a.properties.kind)) - order.indexOf(String(b.properties.kind)),
  );
  const first = ranked.findIndex((each) =>
    ["unit_grid", "community", "town", "county"].includes(String(each.properties.kind)),
  );
  const [base] = first > 0 ? ranked.splice(first, 1) : [];
  return base ? [base, ...ranked] : ranked;
}

/** What lies under the pointer: a point, else a hot spot, else the areas. */
function touched(map: MapView, event: MapMouseEvent): MapGeoJSONFeature[] {
  for (const layers of [CLICKABLE, ["emerging_hot_spots-fill"], ["hot_spots-fill"]]) {
    const [hit] = map.queryRenderedFeatures(event.point, { layers: visible(map, layers) });
    if (hit) return [hit];
  }
  return distinctKinds(map.queryRenderedFeatures(event.point, { layers: visible(map, AREA_FILLS) }));
}

function collectionOf(feature: MapGeoJSONFeature): string {
  return feature.sourceLayer ?? feature.source;
}

/** Move the map so that the popup stands clear of the panels around it. */
function bringClear(map: MapView, popup: Popup): void {
  const own = popup.getElement()?.getBoundingClientRect();
  if (!own) return;
  const stage = map.getContainer().getBoundingClientRect();
  const panel = document.querySelector(".side:not(.folded)")?.getBoundingClientRect();
  const isSheet = panel && panel.width > stage.width * 0.9;
  const left = panel && !isSheet ? panel.right : stage.left;
  const bottom = isSheet ? panel.top : stage.bottom;
  const layers = document.querySelector(".layers")?.getBoundingClientRect();
  const right = layers && own.top < layers.bottom ? layers.left : stage.right;
  const dx = Math.max(0, own.right + MARGIN_PX - right) || Math.min(0, own.left - MARGIN_PX - left);
  const dy = Math.max(0, own.bottom + MARGIN_PX - bottom) || Math.min(0, own.top - MARGIN_PX - stage.top);
  if (dx || dy) map.panBy([dx, dy], { duration: 250 });
}

/** The popup shows what the address picks. */
class PickedPopup {
  readonly #map: MapView;
  readonly #popup = new Popup({ closeButton: true, closeOnClick: false, maxWidth: "320px", className: "place-popup" });
  #shown: Picked | null = null;

  constructor(map: MapView) {
    this.#map = map;
    this.#popup.on("close", () => {
      if (this.#shown && same(address.get().picked, this.#shown)) put({ picked: null });
      this.#shown = null;
    });
    address.subscribe(() => this.#follow());
    language.subscribe(() => this.#shown && void this.#draw(this.#shown));
    this.#follow();
  }

  #follow(): void {
    const { picked, route: at } = address.get();
    const wanted = picked && CONTENT[picked.collection] && !ASKING.has(at.view) ? picked : null;
    if (same(wanted, this.#shown)) return;
    this.#shown = null;
    this.#popup.remove();
    if (wanted) void this.#open(wanted);
  }

  async #open(picked: Picked): Promise<void> {
    this.#shown = picked;
    this.#popup.setLngLat([picked.lon, picked.lat]).setDOMContent(document.createElement("div")).addTo(this.#map);
    await this.#draw(picked);
    if (this.#shown === picked) bringClear(this.#map, this.#popup);
  }

  async #draw(picked: Picked): Promise<void> {
    const box = this.#popup.getElement()?.querySelector<HTMLElement>(".maplibregl-popup-content > div");
    if (!box) return;
    box.className = "popup";
    this.#popup.getElement()?.querySelector("button")?.setAttribute("aria-label", t("close"));
    if (!box.childElementCount) render(loading(), box);
    try {
      const content = await CONTENT[picked.collection]?.(picked.ids);
      if (this.#shown !== picked) return;
      render(
        html`${content}
          <div class="actions">
            <button type="button" class="small" @click=${() => responsible(picked)}>${t("assign.here")}</button>
          </div>`,
        box,
      );
    } catch (error) {
      if (!isAbort(error) && this.#shown === picked)
        render(
          failure(error, () => void this.#draw(picked)),
          box,
        );
    }
  }
}

/** Ask who is responsible there; the matter that was asked about last stays. */
function responsible({ lon, lat }: { lon: number; lat: number }): void {
  go({ ...tabRoute("assign"), view: "assign", place: { lon, lat } });
}

function rounded({ lng, lat }: { lng: number; lat: number }): { lon: number; lat: number } {
  return { lon: Number(lng.toFixed(DIGITS)), lat: Number(lat.toFixed(DIGITS)) };
}

export function attachPopups(map: MapView): void {
  const busy = (): boolean => moving.get() || ASKING.has(route.get().view);
  new PickedPopup(map);
  map.on("click", (event) => {
    if (busy()) return;
    const hits = touched(map, event);
    const [hit] = hits;
    // Where a tile holds too many points they come as cells with a count: nearer in there are the points.
    if (hit?.properties.count !== undefined) map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
    else if (hit?.source === "alerts") go({ view: "alert", id: Number(hit.id) });
    else if (hit?.source === "cases") go({ view: "case", number: String(hit.properties.number) });
    else if (hit)
      put({
        picked: { collection: collectionOf(hit), ids: hits.map((each) => Number(each.id)), ...rounded(event.lngLat) },
      });
    else put({ picked: null });
  });
  map.on("contextmenu", (event) => {
    if (route.get().view !== "edit") responsible(rounded(event.lngLat));
  });
  map.on("mousemove", (event) => {
    if (busy()) return;
    const over = map.queryRenderedFeatures(event.point, { layers: visible(map, CLICKABLE) }).length > 0;
    map.getCanvas().style.cursor = over ? "pointer" : "";
  });
}
