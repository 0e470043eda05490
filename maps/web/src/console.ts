/** The parts that views share: the map and what is drawn on it. */
import type { Geometry } from "geojson";
import type { LngLatBoundsLike, Map as MapView } from "maplibre-gl";
import type { ConsoleSettings } from "./core/types";
import { bounds } from "./geometry/bounds";
import { type ListedPlace, setMark } from "./map/mark";
import type { Track } from "./map/track";

/** Pixels of the map's edges that panels cover. */
export interface Covered {
  left: number;
  right: number;
  bottom: number;
}

export interface Console {
  map: MapView;
  settings: Partial<ConsoleSettings>;
  track: Track;
  covered: () => Covered;
}

const MARGIN_PX = 50;

/** Bring a geometry into the part of the map that no panel covers. */
export function flyTo(console: Console, geometry: Geometry | null | undefined, maxZoom = 15): void {
  const box = geometry && bounds(geometry);
  if (!box) return;
  const { left, right, bottom } = console.covered();
  const padding = { top: MARGIN_PX, bottom: MARGIN_PX + bottom, left: MARGIN_PX + left, right: MARGIN_PX + right };
  console.map.fitBounds(box as unknown as LngLatBoundsLike, { padding, maxZoom, duration: 700 });
}

/** Bring several geometries into the part of the map that no panel covers. */
export function fitTo(console: Console, geometries: readonly Geometry[], maxZoom: number): void {
  if (geometries.length) flyTo(console, { type: "GeometryCollection", geometries: [...geometries] }, maxZoom);
}

/** Whether a geometry lies whole in the part of the map that no panel covers. */
export function inView({ map, covered }: Console, geometry: Geometry): boolean {
  const box = bounds(geometry);
  if (!box) return false;
  const { left, right, bottom } = covered();
  const { clientWidth: width, clientHeight: height } = map.getContainer();
  const corners = [map.project([box[0], box[1]]), map.project([box[2], box[3]])];
  return corners.every(({ x, y }) => x >= left && x <= width - right && y >= 0 && y <= height - bottom);
}

/** Ring the place that a panel is about and draw those that it lists; `null` takes them away. */
export function mark(
  console: Console,
  point: readonly [number, number] | null,
  listed: readonly ListedPlace[] = [],
): void {
  setMark(console.map, point, listed);
}

export function pointOf(geometry: Geometry | null | undefined): [number, number] | null {
  if (geometry?.type !== "Point") return null;
  const [lon, lat] = geometry.coordinates;
  return lon === undefined || lat === undefined ? null : [lon, lat];
}
