/** What a person sees, as an address: `#view=case/AJ20260301-0001&map=12.5/35.25/104.92&lang=zh`. Values that mean nothing are passed over. */
import { isLanguage, type Language } from "../texts/language";

export interface Place {
  lon: number;
  lat: number;
}

export interface MapPosition extends Place {
  zoom: number;
}

export const REGISTER_NAMES = ["bodies", "officers", "matters", "grid_workers", "grid_households"] as const;
export type RegisterName = (typeof REGISTER_NAMES)[number];

export type Route =
  | { view: "overview" }
  | { view: "account" }
  | { view: "webhooks" }
  | { view: "figures" }
  | { view: "proposals"; id?: number }
  | { view: "registers"; register?: RegisterName; key?: string }
  | { view: "runs" }
  | { view: "sources" }
  | { view: "unplaced" }
  /** Without a name: all models. */
  | { view: "models"; name?: string }
  | {
      view: "alerts";
      level?: string;
      state?: string;
      due?: boolean;
      item?: string;
      outcome?: string;
      county?: string;
      town?: string;
      body?: string;
      mine?: boolean;
    }
  | { view: "alert"; id: number }
  | {
      view: "cases";
      state?: string;
      county?: string;
      town?: string;
      item?: string;
      body?: string;
      due?: "day" | "week" | "late";
      mine?: boolean;
    }
  | { view: "case"; number: string }
  | { view: "dispatches"; state?: string }
  | { view: "intake"; state?: string; source?: string }
  | { view: "clue"; id: number }
  | { view: "imports"; state?: string }
  | { view: "assign"; item?: string; place?: Place }
  /** The grids that are chosen, the change set that is looked at, and the draft that is open. */
  | { view: "edit"; grids?: readonly string[]; review?: number; draft?: number };

export type View = Route["view"];
export type RouteTo<V extends View> = Extract<Route, { view: V }>;

/** The feature that a popup tells of, and where it was touched; of areas one of each kind, the smallest first. */
export interface Picked extends Place {
  collection: string;
  ids: readonly number[];
}

/** The way of a vehicle between two times. */
export interface TrackOf {
  vehicle: string;
  from: string;
  to: string;
}

export const HOT_FIELDS = ["visits", "alerts", "stops"] as const;
/** Those that are followed over time. */
export const FIELDS_OVER_TIME = ["visits", "alerts"] as const;
export type HotField = (typeof HOT_FIELDS)[number];

/** The panel away, so that the map is whole, or over the whole map (on a phone). */
export const SHEETS = ["map", "full"] as const;
export type Sheet = (typeof SHEETS)[number];

export interface Address {
  route: Route;
  picked: Picked | null;
  track: TrackOf | null;
  map: MapPosition | null;
  /** Groups that are switched on; null: those that the console begins with. */
  layers: readonly string[] | null;
  hotField: HotField;
  /** The base map: none, roads, or one that the installation offers; null: the first of those. */
  base: string | null;
  language: Language | null;
  /** How much of the stage the panel takes; null: its half, as it begins. */
  sheet: Sheet | null;
}

export const START: Address = {
  route: { view: "overview" },
  picked: null,
  track: null,
  map: null,
  layers: null,
  hotField: "visits",
  base: null,
  language: null,
  sheet: null,
};

/** Readable in an address: what separates parts and nothing else is escaped. */
function written(value: string): string {
  return encodeURIComponent(value).replace(/%(?:2F|2C|3A|40)/g, decodeURIComponent);
}

function read(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function numbers(value: string | undefined, separator: string): number[] {
  const found = (value ?? "").split(separator).map(Number);
  return value && found.every(Number.isFinite) ? found : [];
}

function placeOf(value: string | undefined): Place | null {
  const [lon, lat, ...more] = numbers(value, ",");
  if (lon === undefined || lat === undefined || more.length) return null;
  return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? { lon, lat } : null;
}

function mapOf(value: string | undefined): MapPosition | null {
  const [zoom, lat, lon] = numbers(value, "/");
  const place = placeOf(`${lon},${lat}`);
  return place && zoom !== undefined && zoom >= 0 && zoom <= 24 ? { zoom, ...place } : null;
}

const positive = (text: string | undefined): number | null =>
  /^[1-9]\d{0,15}$/.test(text ?? "") ? Number(text) : null;

function pickedOf(value: string | undefined): Picked | null {
  const [, collection, ids, at] = /^(\w+)\/([\d,]+)@(.+)$/.exec(value ?? "") ?? [];
  const place = placeOf(at);
  const known = (ids ?? "").split(",").map(positive);
  if (!collection || !place || known.some((id) => id === null)) return null;
  return { collection, ids: known as number[], ...place };
}

function trackOf(value: string | undefined): TrackOf | null {
  const [vehicle, from, to] = (value ?? "").split(",");
  if (!vehicle || !from || !to || Number.isNaN(Date.parse(from)) || Number.isNaN(Date.parse(to))) return null;
  return { vehicle, from, to };
}

type Parts = Partial<Record<string, string>>;

/** Due within a day, within a week, or late, after closing too. */
const DUES = ["day", "week", "late"] as const;

function routeOf(parts: Parts): Route {
  const {
    view = "",
    level,
    state,
    due,
    source,
    item,
    place,
    grids,
    review,
    draft,
    county,
    town,
    body,
    outcome,
  } = parts;
  const [name, ...rest] = view.split("/");
  const key = rest.join("/");
  const id = positive(key);
  const at = placeOf(place);
  const reviewed = positive(review);
  const drafted = positive(draft);
  switch (name) {
    case "account":
    case "webhooks":
    case "figures":
    case "runs":
    case "sources":
    case "unplaced":
      return { view: name };
    case "proposals":
      return { view: name, ...(id !== null && { id }) };
    case "registers": {
      const [of, ...own] = rest;
      const register = REGISTER_NAMES.find((each) => each === of);
      const entry = own.join("/");
      return { view: name, ...(register && { register }), ...(register && entry && { key: entry }) };
    }
    case "alerts":
      return {
        view: name,
        ...(level && { level }),
        ...(state && { state }),
        ...(due === "1" && { due: true }),
        ...(item && { item }),
        ...(outcome && { outcome }),
        ...(county && { county }),
        ...(town && { town }),
        ...(body && { body }),
        ...(parts.mine === "1" && { mine: true }),
      };
    case "models":
      return { view: name, ...(/^[a-z0-9_]{1,100}$/.test(key) && { name: key }) };
    case "alert":
      return id === null ? { view: "alerts" } : { view: name, id };
    case "cases": {
      const by = DUES.find((each) => each === due);
      return {
        view: name,
        ...(state && { state }),
        ...(county && { county }),
        ...(town && { town }),
        ...(item && { item }),
        ...(body && { body }),
        ...(by && { due: by }),
        ...(parts.mine === "1" && { mine: true }),
      };
    }
    case "case":
      return key ? { view: name, number: key } : { view: "cases" };
    case "imports":
    case "dispatches":
      return { view: name, ...(state && { state }) };
    case "intake":
      return { view: name, ...(state && { state }), ...(source && { source }) };
    case "clue":
      return id === null ? { view: "intake" } : { view: name, id };
    case "assign":
      return { view: name, ...(item && { item }), ...(at && { place: at }) };
    case "edit":
      return {
        view: name,
        ...(grids && { grids: grids.split(",") }),
        ...(reviewed && { review: reviewed }),
        ...(drafted && { draft: drafted }),
      };
    default:
      return { view: "overview" };
  }
}

/** The view that a fragment names. */
export function parseAddress(fragment: string): Address {
  const parts: Parts = {};
  for (const part of fragment.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    if (at > 0) parts[part.slice(0, at)] = read(part.slice(at + 1));
  }
  return {
    route: routeOf(parts),
    picked: pickedOf(parts.pick),
    track: trackOf(parts.track),
    map: mapOf(parts.map),
    layers: parts.layers === undefined ? null : parts.layers.split(",").filter(Boolean),
    hotField: HOT_FIELDS.find((each) => each === parts.hot) ?? "visits",
    base: /^[\w-]{1,40}$/.test(parts.base ?? "") ? (parts.base ?? null) : null,
    language: isLanguage(parts.lang) ? parts.lang : null,
    sheet: SHEETS.find((each) => each === parts.sheet) ?? null,
  };
}

function routeParts(route: Route): Parts {
  switch (route.view) {
    case "overview":
      return {};
    case "account":
    case "webhooks":
    case "figures":
    case "runs":
    case "sources":
    case "unplaced":
      return { view: route.view };
    case "proposals":
      return { view: route.id ? `proposals/${route.id}` : "proposals" };
    case "registers":
      return { view: ["registers", route.register, route.key].filter(Boolean).join("/") };
    case "alerts":
      return { ...route, due: route.due ? "1" : undefined, mine: route.mine ? "1" : undefined };
    case "cases":
      return { ...route, mine: route.mine ? "1" : undefined };
    case "models":
      return { view: route.name ? `models/${route.name}` : "models" };
    case "alert":
      return { view: `alert/${route.id}` };
    case "imports":
    case "dispatches":
      return { view: route.view, state: route.state };
    case "case":
      return { view: `case/${route.number}` };
    case "intake":
      return { view: route.view, state: route.state, source: route.source };
    case "clue":
      return { view: `clue/${route.id}` };
    case "assign":
      return { view: route.view, item: route.item, place: route.place && `${route.place.lon},${route.place.lat}` };
    case "edit":
      return {
        view: route.view,
        grids: route.grids?.join(","),
        review: route.review?.toString(),
        draft: route.draft?.toString(),
      };
  }
}

/** The fragment that names a view, without `#`. */
export function writeAddress(of: Address): string {
  const { route, picked, track, map, layers, hotField, base, language, sheet } = of;
  const parts: Parts = {
    ...routeParts(route),
    pick: picked ? `${picked.collection}/${picked.ids.join(",")}@${picked.lon},${picked.lat}` : undefined,
    track: track ? [track.vehicle, track.from, track.to].join(",") : undefined,
    layers: layers?.join(","),
    hot: hotField === "visits" ? undefined : hotField,
    base: base ?? undefined,
    map: map ? `${map.zoom}/${map.lat}/${map.lon}` : undefined,
    lang: language ?? undefined,
    sheet: sheet ?? undefined,
  };
  return Object.entries(parts)
    .filter((part): part is [string, string] => part[1] !== undefined)
    .map(([name, value]) => `${name}=${written(value)}`)
    .join("&");
}

/** Zoom to hundredths, the place to about half a pixel at that zoom. */
export function positionOf(zoom: number, lat: number, lon: number): MapPosition {
  const digits = Math.max(2, Math.ceil((zoom * Math.LN2 + Math.log(512 / 360 / 0.5)) / Math.LN10));
  const rounded = (value: number, to: number): number => Number(value.toFixed(to));
  return { zoom: rounded(zoom, 2), lon: rounded(lon, digits), lat: rounded(lat, digits) };
}
