/** One vehicle's track: what was driven as a line, gaps dashed, stays marked, and how far it was at a moment. */
import type { FeatureCollection, Feature, LineString, MultiLineString, Point } from "geojson";
import type { FilterSpecification, GeoJSONSource, LayerSpecification, Map as MapView } from "maplibre-gl";
import type { TrackOf } from "../address/address";
import { allItems, get, itemsPath } from "../core/api";
import { Value } from "../core/value";
import { trackAt, type TrackPart } from "../geometry/track_at";
import { colors } from "./palette";
import { addThemed } from "./themed_layers";

interface TrackAnswer extends FeatureCollection<MultiLineString | LineString | null> {
  fix_count: number;
  from: string;
  to: string;
}

export interface StayProperties {
  vehicle_id: string;
  started_at: string;
  ended_at: string;
}

export interface ShownTrack {
  asked: TrackOf;
  label: string;
  fixCount: number;
  from: string;
  to: string;
  stays: Feature<Point, StayProperties>[];
  gaps: number;
  parts: TrackPart[];
  answer: TrackAnswer;
}

const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

/** The track runs under the labels, so that places along it can be read. */
const UNDER = "unit_grid-label";
const ROUND = { "line-cap": "round", "line-join": "round" } as const;
const DRIVEN: FilterSpecification = ["==", ["get", "kind"], "track"];

const trackLayers = (): LayerSpecification[] => [
  {
    id: "track-casing",
    type: "line",
    source: "track",
    filter: DRIVEN,
    layout: ROUND,
    paint: { "line-color": colors().casing, "line-width": 6 },
  },
  {
    id: "track-gap",
    type: "line",
    source: "track",
    filter: ["==", ["get", "kind"], "gap"],
    paint: { "line-color": colors().gap, "line-width": 2.5, "line-dasharray": [2, 2] },
  },
  {
    id: "track-line",
    type: "line",
    source: "track",
    filter: DRIVEN,
    layout: ROUND,
    paint: { "line-color": colors().track, "line-width": 3 },
  },
  {
    id: "track-stays",
    type: "circle",
    source: "track-stays",
    paint: {
      "circle-radius": 7,
      "circle-color": colors().casing,
      "circle-stroke-color": colors().track,
      "circle-stroke-width": 3,
    },
  },
  {
    id: "track-head",
    type: "circle",
    source: "track-head",
    paint: {
      "circle-radius": 8,
      "circle-color": colors().chosen,
      "circle-stroke-color": colors().text,
      "circle-stroke-width": 2.5,
    },
  },
];

export class Track {
  readonly shown = new Value<ShownTrack | null>(null);
  readonly #map: MapView;

  constructor(map: MapView) {
    this.#map = map;
    map.addSource("track", { type: "geojson", data: EMPTY });
    map.addSource("track-stays", { type: "geojson", data: EMPTY });
    map.addSource("track-head", { type: "geojson", data: EMPTY });
    addThemed(map, trackLayers, () => UNDER);
  }

  /** Load and draw the way of a vehicle between two times. */
  async show(asked: TrackOf, label: string): Promise<ShownTrack> {
    const { vehicle, from, to } = asked;
    const query = new URLSearchParams({ from, to });
    const stayPath = itemsPath("stays", { vehicle_id: vehicle, datetime: `${from}/${to}`, limit: 200 });
    const [answer, stays] = await Promise.all([
      get<TrackAnswer>(`v1/vehicles/${encodeURIComponent(vehicle)}/track?${query}`),
      allItems<StayProperties, Point>(stayPath, 400),
    ]);
    const shown: ShownTrack = {
      asked,
      label,
      fixCount: answer.fix_count,
      from: answer.from,
      to: answer.to,
      stays,
      gaps: answer.features.filter((each) => each.properties?.kind === "gap").length,
      parts: partsOf(answer),
      answer,
    };
    this.#set("track", { ...EMPTY, features: answer.features.filter((each) => each.geometry) } as FeatureCollection);
    this.#set("track-stays", { ...EMPTY, features: stays });
    this.#set("track-head", EMPTY);
    this.shown.set(shown);
    return shown;
  }

  /** Put the head where the vehicle was at that time; inside a gap nobody knows, and none is drawn. */
  moveHead(at_ms: number): void {
    const place = trackAt(this.shown.get()?.parts ?? [], at_ms);
    this.#set("track-head", {
      type: "FeatureCollection",
      features: place ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: place } }] : [],
    });
  }

  clear(): void {
    for (const id of ["track", "track-stays", "track-head"]) this.#set(id, EMPTY);
    this.shown.set(null);
  }

  #set(id: string, data: FeatureCollection): void {
    this.#map.getSource<GeoJSONSource>(id)?.setData(data);
  }
}

function partsOf(answer: TrackAnswer): TrackPart[] {
  const track = answer.features.find((each) => each.properties?.kind === "track");
  if (track?.geometry?.type !== "MultiLineString") return [];
  const times = (track.properties?.parts ?? []) as { from: string; to: string }[];
  return track.geometry.coordinates.flatMap((line, i) => {
    const time = times[i];
    return time ? [{ line, from_ms: Date.parse(time.from), to_ms: Date.parse(time.to) }] : [];
  });
}
