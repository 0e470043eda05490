/** What a click on the map tells: a site, an alert, a case, or the areas that hold the place. */
import { Popup, type Map as MapView, type MapGeoJSONFeature, type MapMouseEvent } from "maplibre-gl";
import type { Feature } from "geojson";
import { get, isAbort } from "../core/api";
import { h, fill } from "../core/dom";
import { day, number, surface, time } from "../texts/format";
import { language } from "../texts/language";
import { t, term } from "../texts/text";
import { go, route } from "../core/route";
import type { AreaProperties, SiteProperties } from "../core/types";
import { askedPlace } from "../panels/assign";
import { facts, failure, loading } from "../panels/pieces";
import { CLICKABLE } from "./place_layers";

const AREA_FILLS = [
  "functional_zone-fill",
  "water-fill",
  "unit_grid-fill",
  "community-fill",
  "town-fill",
  "county-fill",
];

function visible(map: MapView, layers: readonly string[]): string[] {
  return layers.filter((id) => map.getLayer(id));
}

function responsibleButton(event: MapMouseEvent, popup: Popup): HTMLElement {
  const ask = (): void => {
    popup.remove();
    askedPlace.set({ lon: Number(event.lngLat.lng.toFixed(6)), lat: Number(event.lngLat.lat.toFixed(6)) });
    go({ view: "assign" });
  };
  return h("button", { class: "small", onclick: ask }, t("assign.here"));
}

async function siteContent(id: unknown): Promise<HTMLElement> {
  const { properties: p } = await get<Feature<null, SiteProperties>>(`collections/sites/items/${String(id)}`);
  return h(
    "div",
    {},
    h("h4", {}, p.enterprise_name),
    facts([
      [t("site.id"), `${p.site_id} · ${term("site_kind", p.kind)}`],
      [t("site.uscc"), h("code", {}, p.uscc)],
      [t("site.hazard"), term("hazard", p.hazard)],
      [
        t("site.status"),
        `${term("status", p.status)}${p.status_since ? ` · ${t("written.since", { day: day(p.status_since) })}` : ""}`,
      ],
    ]),
  );
}

async function areaContent(areas: MapGeoJSONFeature[]): Promise<HTMLElement> {
  const smallest = areas[0];
  const { properties: p } = await get<Feature<null, AreaProperties>>(`collections/areas/items/${String(smallest?.id)}`);
  const above = areas
    .slice(1)
    .map((each) => [term("kind", String(each.properties.kind)), String(each.properties.name)] as [string, string]);
  return h(
    "div",
    {},
    h("h4", {}, p.name, " ", h("small", {}, term("kind", p.kind))),
    facts([
      [t("area.code"), h("code", {}, p.code)],
      [t("area.valid"), `${day(p.valid_from)} – ${p.valid_to ? day(p.valid_to) : t("written.open_end")}`],
      [t("area.surface"), surface(p.area_m2)],
      ...above,
    ]),
    p.indicative && h("p", { class: "indicative" }, t("indicative")),
  );
}

function stayContent(feature: MapGeoJSONFeature): HTMLElement {
  const p = feature.properties;
  return h(
    "div",
    {},
    h("h4", {}, t("layer.stays")),
    facts([
      [t("card.vehicle"), String(p.vehicle_id)],
      [t("card.entered"), time(String(p.started_at))],
      [t("card.left"), time(String(p.ended_at))],
    ]),
  );
}

function hotSpotContent({ properties: p }: MapGeoJSONFeature): HTMLElement {
  const rows: [string, string][] = [
    [t("hot.class"), term("gi", String(p.gi_bin))],
    [t("hot.value"), `${number(Number(p.value), 2)} (${term("hot_field", String(p.field))})`],
    [t("hot.z"), number(Number(p.z), 2)],
    [t("hot.q"), Number(p.q).toPrecision(2)],
  ];
  return h("div", {}, h("h4", {}, t("hot.cell")), facts(rows), h("p", { class: "muted" }, t("gi.about")));
}

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

const MARGIN_PX = 10;

/** Move the map so that the popup stands clear of the panels at both sides. */
function bringClear(map: MapView, popup: Popup): void {
  const own = popup.getElement()?.getBoundingClientRect();
  if (!own) return;
  const stage = map.getContainer().getBoundingClientRect();
  const side = document.querySelector(".side:not(.folded)")?.getBoundingClientRect().right ?? stage.left;
  const layers = document.querySelector(".layers")?.getBoundingClientRect();
  const right = layers && own.top < layers.bottom ? layers.left : stage.right;
  const dx = Math.max(0, own.right + MARGIN_PX - right) || Math.min(0, own.left - MARGIN_PX - side);
  const dy = Math.min(0, own.top - MARGIN_PX - stage.top) || Math.max(0, own.bottom + MARGIN_PX - stage.bottom);
  if (dx || dy) map.panBy([dx, dy], { duration: 250 });
}

export function attachPopups(map: MapView): void {
  const popup = new Popup({ closeButton: true, maxWidth: "320px", className: "place-popup" });
  const busy = (): boolean => route.get().view === "edit" || route.get().view === "assign";

  /** What the popup tells, so that it can be told in another language. */
  let told: (() => void) | null = null;

  const open = (event: MapMouseEvent, content: () => Promise<HTMLElement>): void => {
    const box = h("div", { class: "popup" }, loading());
    popup.setLngLat(event.lngLat).setDOMContent(box).addTo(map);
    popup.getElement()?.querySelector("button")?.setAttribute("aria-label", t("close"));
    told = () => open(event, content);
    content()
      .then((made) => {
        fill(box, made, h("div", { class: "actions" }, responsibleButton(event, popup)));
        bringClear(map, popup);
      })
      .catch((error: unknown) => {
        if (!isAbort(error))
          fill(
            box,
            failure(error, () => told?.()),
          );
      });
  };

  map.on("click", (event) => {
    if (busy()) return;
    const [hit] = map.queryRenderedFeatures(event.point, { layers: visible(map, CLICKABLE) });
    // Where a tile holds too many points they come as cells with a count: nearer in there are the points.
    if (hit?.properties.count !== undefined) map.easeTo({ center: event.lngLat, zoom: map.getZoom() + 2 });
    else if (hit?.source === "alerts") go({ view: "alert", id: Number(hit.id) });
    else if (hit?.source === "cases") go({ view: "case", number: String(hit.properties.number) });
    else if (hit?.source === "stays") open(event, async () => stayContent(hit));
    else if (hit) open(event, () => siteContent(hit.id));
    else {
      const [cell] = map.queryRenderedFeatures(event.point, { layers: visible(map, ["hot_spots-fill"]) });
      if (cell) return open(event, async () => hotSpotContent(cell));
      const areas = distinctKinds(map.queryRenderedFeatures(event.point, { layers: visible(map, AREA_FILLS) }));
      if (areas.length) open(event, () => areaContent(areas));
    }
  });
  map.on("contextmenu", (event) => {
    if (route.get().view === "edit") return;
    popup.remove();
    askedPlace.set({ lon: Number(event.lngLat.lng.toFixed(6)), lat: Number(event.lngLat.lat.toFixed(6)) });
    go({ view: "assign" });
  });
  map.on("mousemove", (event) => {
    if (busy()) return;
    const over = map.queryRenderedFeatures(event.point, { layers: visible(map, CLICKABLE) }).length > 0;
    map.getCanvas().style.cursor = over ? "pointer" : "";
  });
  route.subscribe(() => popup.remove());
  language.subscribe(() => popup.isOpen() && told?.());
}
