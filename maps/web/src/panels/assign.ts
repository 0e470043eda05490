/** Who is responsible here: a place on the map and a matter, answered with every step. */
import type { GeoJSONSource, MapMouseEvent } from "maplibre-gl";
import { get, post } from "../core/api";
import { h } from "../core/dom";
import { t, term } from "../texts/text";
import type { AssignmentDocument, DutyLine } from "../core/types";
import { Value } from "../core/value";
import type { Console } from "../console";
import { areaFacts, assignmentSteps, bodies } from "./assignment";
import { empty, section, show } from "./pieces";
import type { View } from "./view";

export interface Place {
  lon: number;
  lat: number;
}

export const askedPlace = new Value<Place | null>(null);
const askedItem = new Value<string>("");
const DIGITS = 6;

function drawPlace({ map }: Console, place: Place | null): void {
  map.getSource<GeoJSONSource>("mark")?.setData({
    type: "FeatureCollection",
    features: place
      ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [place.lon, place.lat] } }]
      : [],
  });
}

function distinct(items: DutyLine[]): DutyLine[] {
  return [...new Map(items.map((each) => [each.item_code, each])).values()];
}

function itemSelect(items: DutyLine[], changed: () => void): HTMLElement {
  const select = h("select", { "aria-label": t("assign.item") });
  const domains = [...new Set(items.map((each) => each.domain))];
  select.append(
    ...domains.map((domain) =>
      h(
        "optgroup",
        { label: term("domain", domain) },
        items
          .filter((each) => each.domain === domain)
          .map((each) =>
            h(
              "option",
              { value: each.item_code, selected: each.item_code === askedItem.get() },
              `${each.item} (${each.item_code})`,
            ),
          ),
      ),
    ),
  );
  askedItem.set(select.value);
  select.addEventListener("change", () => {
    askedItem.set(select.value);
    changed();
  });
  return h("label", {}, t("assign.item"), select);
}

function answer(found: AssignmentDocument): HTMLElement {
  return h(
    "div",
    { class: "answer", "data-outcome": found.outcome },
    h(
      "p",
      { class: `verdict ${found.outcome === "assigned" ? "good" : "bad"}` },
      term("assign_outcome", found.outcome),
    ),
    section(t("case.bodies"), bodies(found)),
    section(t("assign.areas"), areaFacts(found.areas)),
    section(t("case.why"), assignmentSteps(found.explanation)),
  );
}

export const assign: View = ({ console: parts, into, signal, again }) => {
  const holder = h("div", {});
  into.append(h("h2", {}, t("assign")), h("p", { class: "muted" }, t("assign.about")), holder);
  parts.map.getCanvas().classList.add("asking");
  const place = (event: MapMouseEvent): void =>
    askedPlace.set({ lon: Number(event.lngLat.lng.toFixed(DIGITS)), lat: Number(event.lngLat.lat.toFixed(DIGITS)) });
  parts.map.on("click", place);
  drawPlace(parts, askedPlace.get());
  const stop = askedPlace.subscribe(again);
  signal.addEventListener("abort", () => {
    parts.map.off("click", place);
    parts.map.getCanvas().classList.remove("asking");
    drawPlace(parts, null);
    stop();
  });
  void show(
    holder,
    async () => {
      const { items } = await get<{ items: DutyLine[] }>("v1/duty-items?limit=10000", signal);
      if (!items.length) return empty(t("assign.no_items"));
      const asked = askedPlace.get();
      const result = h("div", {});
      const ask = (): void => {
        if (asked)
          void show(
            result,
            async () => answer(await post<AssignmentDocument>("v1/assign", { ...asked, item_code: askedItem.get() })),
            ask,
          );
      };
      const form = itemSelect(distinct(items), ask);
      ask();
      return [
        form,
        h(
          "p",
          { class: "place" },
          asked ? [t("assign.place"), " ", h("code", {}, `${asked.lon}, ${asked.lat}`)] : t("assign.click"),
        ),
        result,
      ];
    },
    again,
  );
};
