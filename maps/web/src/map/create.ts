/** The map: an empty style with its own fonts, the layers of the service on top, no foreign host. */
import { GeolocateControl, Map as MapView, NavigationControl, ScaleControl, setWorkerUrl } from "maplibre-gl";
import type { LayerSpecification, MapOptions, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import latinUrl from "@fontsource/noto-sans/files/noto-sans-latin-500-normal.woff2?url";
import boldUrl from "@fontsource/noto-sans/files/noto-sans-latin-600-normal.woff2?url";
import type { MapPosition } from "../address/address";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { borderLayers, groundLayers, labelLayers } from "./area_layers";
import { addCaseImages, hotSpotLayers, siteLayers, workLayers } from "./place_layers";
import { colors } from "./palette";
import { specification, TILE_SOURCES } from "./sources";
import { addThemed, followShade, removeThemed, themed } from "./themed_layers";

setWorkerUrl(workerUrl);

const CHINESE = '"Noto Sans CJK SC", "Source Han Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif';
/** Where the city's extent is not known: the world. */
const WORLD = { center: [0, 20] as [number, number], zoom: 1 };
export type Box = [number, number, number, number];

/** What the map shows first: a place, else a box clear of the panels. */
export interface FirstView {
  place: MapPosition | null;
  box: Box | undefined;
  padding: { top: number; bottom: number; left: number; right: number };
}

function firstView({ place, box, padding }: FirstView): Partial<MapOptions> {
  if (place) return { center: [place.lon, place.lat], zoom: place.zoom };
  return box ? { bounds: box, fitBoundsOptions: { padding } } : WORLD;
}

function face(url: string): { url: string; "unicode-range": string[] }[] {
  return [{ url: new URL(url, document.baseURI).href, "unicode-range": ["U+0000-00FF"] }];
}

const aroundLayers = (): LayerSpecification[] => [
  { id: "around", type: "background", paint: { "background-color": colors().around } },
];

function emptyStyle(): StyleSpecification {
  return {
    version: 8,
    "font-faces": { "Noto Sans": face(latinUrl), "Noto Sans Bold": face(boldUrl) },
    sources: Object.fromEntries(
      TILE_SOURCES.filter((each) => !each.login).map((each) => [each.id, specification(each)]),
    ),
    layers: [
      ...themed(aroundLayers),
      ...themed(groundLayers),
      ...themed(hotSpotLayers),
      ...themed(borderLayers),
      ...themed(siteLayers),
      ...themed(labelLayers),
    ],
  } as StyleSpecification;
}

export function createMap(container: HTMLElement, first: FirstView): MapView {
  const map = new MapView({
    container,
    style: emptyStyle(),
    ...firstView(first),
    minZoom: 5,
    maxZoom: 20,
    attributionControl: false,
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    localIdeographFontFamily: CHINESE,
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ showCompass: false }), "bottom-right");
  map.addControl(new GeolocateControl({ fitBoundsOptions: { maxZoom: 15 } }), "bottom-right");
  map.addControl(new ScaleControl({ maxWidth: 120, unit: "metric" }), "bottom-left");
  map.on("load", () => {
    addCaseImages(map);
    nameControls(map); // the button of the own place comes when the browser has said that it can
  });
  followShade(map);
  nameControls(map);
  language.subscribe(() => nameControls(map));
  return map;
}

/** MapLibre names its controls once, in English: they follow the language of the page. */
function nameControls(map: MapView): void {
  const name = (selector: string, text: string, title = true): void => {
    const control = map.getContainer().querySelector(selector);
    control?.setAttribute("aria-label", text);
    if (title) control?.setAttribute("title", text);
  };
  name("canvas", t("map"), false);
  name(".maplibregl-ctrl-zoom-in", t("map.zoom_in"));
  name(".maplibregl-ctrl-zoom-out", t("map.zoom_out"));
  name(".maplibregl-ctrl-geolocate", t("map.own_place"));
}

/** Sources and layers that need a login are there only while somebody is logged in. */
export function showWorkLayers(map: MapView, loggedIn: boolean): void {
  const secured = TILE_SOURCES.filter((each) => each.login);
  removeThemed(map, workLayers);
  for (const each of secured) if (map.getSource(each.id)) map.removeSource(each.id);
  if (!loggedIn) return;
  for (const each of secured) map.addSource(each.id, specification(each));
  addThemed(map, workLayers, () => "unit_grid-label");
}

/** How often a map that waits for tiles is looked at. */
const LOOK_MS = 200;

/** Resolves when the map has drawn everything that it asked for. */
export function whenIdle(map: MapView): Promise<void> {
  return new Promise((resolve) => {
    // The last tile that it waits for may be one that is let go: that ends without an event, and nothing is painted.
    const look = window.setInterval(() => map.triggerRepaint(), LOOK_MS);
    map.once("idle", () => {
      window.clearInterval(look);
      resolve();
    });
    map.triggerRepaint();
  });
}
