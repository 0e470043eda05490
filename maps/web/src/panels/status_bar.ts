/** The line under the map: coordinates, zoom, what the boundaries are worth, whose data it is. */
import type { Map as MapView } from "maplibre-gl";
import { h } from "../core/dom";
import { clock } from "../texts/format";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { connected, updated } from "../live";

export function statusBar(map: MapView, shiftedBase: boolean): HTMLElement {
  const place = h("span", { class: "coordinates" }, "–");
  const zoom = h("span", {});
  const live = h("span", { class: "live" });
  const sign = h("span", { class: "updated" });
  const indicative = h("span", { class: "indicative-note" });
  const attribution = h("span", { class: "attribution" });
  const words = (): void => {
    zoom.textContent = `${t("zoom")} ${map.getZoom().toFixed(1)}`;
    live.textContent = connected.get() ? t("live") : t("live.off");
    live.classList.toggle("off", !connected.get());
    const at = updated.get();
    sign.textContent = at ? t("live.updated", { time: clock(at) }) : "";
    indicative.textContent = language.get() === "zh" ? "示意 indicative" : "indicative 示意";
    indicative.title = t("indicative");
    attribution.textContent = shiftedBase ? `${t("base.shifted")} · ${t("attribution")}` : t("attribution");
  };
  map.on(
    "mousemove",
    (event) => (place.textContent = `${event.lngLat.lng.toFixed(5)}, ${event.lngLat.lat.toFixed(5)}`),
  );
  map.on("zoom", words);
  language.subscribe(words);
  connected.subscribe(words);
  updated.subscribe(words);
  words();
  return h(
    "footer",
    { class: "status" },
    place,
    zoom,
    live,
    sign,
    h("span", { class: "space" }),
    indicative,
    attribution,
  );
}
