/** The parts that views share: the map and what is drawn on it. */
import type { GeoJSONSource, LngLatBoundsLike, Map as MapView } from "maplibre-gl";
import type { Geometry } from "geojson";
import type { ConsoleSettings } from "./core/types";
import { bounds } from "./geometry/bounds";
import type { Track } from "./map/track";

export interface Console {
  map: MapView;
  settings: Partial<ConsoleSettings>;
  track: Track;
  /** What the panels cover of the map's left and right, in pixels. */
  covered: () => { left: number; right: number };
  /** Names of layers that are switched on; the switcher follows. */
  showGroup: (id: string, shown: boolean) => void;
}

/** Bring a geometry into the part of the map that no panel covers. */
export function flyTo(console: Console, geometry: Geometry | null | undefined, maxZoom = 15): void {
  const box = geometry && bounds(geometry);
  if (!box) return;
  const { left, right } = console.covered();
  const padding = { top: 50, bottom: 50, left: 50 + left, right: 50 + right };
  console.map.fitBounds(box as unknown as LngLatBoundsLike, { padding, maxZoom, duration: 700 });
}

/** Whether a geometry lies whole in the part of the map that no panel covers. */
export function inView({ map, covered }: Console, geometry: Geometry): boolean {
  const box = bounds(geometry);
  if (!box) return false;
  const { left, right } = covered();
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const corners = [map.project([box[0], box[1]]), map.project([box[2], box[3]])];
  return corners.every(({ x, y }) => x >= left && x <= width - right && y >= 0 && y <= height);
}

/** Ring the place that a panel is about; `null` takes the ring away. */
export function mark(console: Console, point: [number, number] | null): void {
  const source = console.map.getSource<GeoJSONSource>("mark");
  source?.setData({
    type: "FeatureCollection",
    features: point ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: point } }] : [],
  });
}

export function pointOf(geometry: Geometry | null | undefined): [number, number] | null {
  if (geometry?.type !== "Point") return null;
  const [lon, lat] = geometry.coordinates;
  return lon === undefined || lat === undefined ? null : [lon, lat];
}
