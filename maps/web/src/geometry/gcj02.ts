/**
 * The offset of GCJ-02, the coordinates of Chinese public maps, from WGS-84. The published formula, as everybody
 * uses it, where GCJ-02 is in use; over the margin outside of it the offset falls to nothing. The same rule as
 * `layers/codes/crs.py` and `layers/codes/gcj_region.py`.
 */

import region from "./gcj_region.json";

const AXIS_M = 6378245.0;
const ECCENTRICITY2 = 0.006693421622965943;

type Ring = number[][];
const rings: Ring[] = region.rings;
const [west, south, east, north] = boundsOf(rings.flat(), region.margin_deg);

function boundsOf(points: Ring, margin: number): [number, number, number, number] {
  const xs = points.map(([x = 0]) => x);
  const ys = points.map(([, y = 0]) => y);
  return [Math.min(...xs) - margin, Math.min(...ys) - margin, Math.max(...xs) + margin, Math.max(...ys) + margin];
}

/** Whether a ring holds a place, and how many degrees away its nearest edge is. */
function besideRing(ring: Ring, lon: number, lat: number): { inside: boolean; away: number } {
  let inside = false;
  let away = Number.POSITIVE_INFINITY;
  for (let k = 1; k < ring.length; k++) {
    const [ax = 0, ay = 0] = ring[k - 1] ?? [];
    const [bx = 0, by = 0] = ring[k] ?? [];
    if (ay > lat !== by > lat && lon < ax + ((lat - ay) * (bx - ax)) / (by - ay)) inside = !inside;
    const along = ((lon - ax) * (bx - ax) + (lat - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2);
    const part = Math.min(1, Math.max(0, along));
    away = Math.min(away, Math.hypot(lon - ax - part * (bx - ax), lat - ay - part * (by - ay)));
  }
  return { inside, away };
}

/** How much of the offset applies at a WGS-84 place: 1 where GCJ-02 is in use, 0 elsewhere, between them in the margin. */
function weightAt(lon: number, lat: number): number {
  if (!(lon > west && lon < east && lat > south && lat < north)) return 0;
  const found = rings.map((ring) => besideRing(ring, lon, lat));
  if (found.some(({ inside }) => inside)) return 1;
  return Math.max(0, 1 - Math.min(...found.map(({ away }) => away)) / region.margin_deg);
}

function waves(x: number): number {
  return (20 * Math.sin(6 * x * Math.PI) + 20 * Math.sin(2 * x * Math.PI)) * (2 / 3);
}

function northing(x: number, y: number): number {
  const base = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * Math.sqrt(Math.abs(x));
  const slow = (20 * Math.sin(y * Math.PI) + 40 * Math.sin((y / 3) * Math.PI)) * (2 / 3);
  return base + waves(x) + slow + (160 * Math.sin((y / 12) * Math.PI) + 320 * Math.sin((y * Math.PI) / 30)) * (2 / 3);
}

function easting(x: number, y: number): number {
  const base = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * Math.sqrt(Math.abs(x));
  const slow = (20 * Math.sin(x * Math.PI) + 40 * Math.sin((x / 3) * Math.PI)) * (2 / 3);
  return base + waves(x) + slow + (150 * Math.sin((x / 12) * Math.PI) + 300 * Math.sin((x / 30) * Math.PI)) * (2 / 3);
}

/** Where a WGS-84 place stands in GCJ-02, in degrees. */
export function toGcj02(lon: number, lat: number): [number, number] {
  const weight = weightAt(lon, lat);
  if (!weight) return [lon, lat];
  const [x, y] = [lon - 105, lat - 35];
  const angle = (lat / 180) * Math.PI;
  const magic = 1 - ECCENTRICITY2 * Math.sin(angle) ** 2;
  const root = Math.sqrt(magic);
  const dLat = (northing(x, y) * 180) / (((AXIS_M * (1 - ECCENTRICITY2)) / (magic * root)) * Math.PI);
  const dLon = (easting(x, y) * 180) / ((AXIS_M / root) * Math.cos(angle) * Math.PI);
  return [lon + weight * dLon, lat + weight * dLat];
}

/** Column and row of a place at a zoom of Web Mercator, with fractions of a tile. */
export function tilePlace(lon: number, lat: number, zoom: number): [number, number] {
  const n = 2 ** zoom;
  const angle = (lat * Math.PI) / 180;
  return [((lon + 180) / 360) * n, ((1 - Math.asinh(Math.tan(angle)) / Math.PI) / 2) * n];
}

/** The place of a column and row with fractions. */
export function placeOf(column: number, row: number, zoom: number): [number, number] {
  const n = 2 ** zoom;
  return [(column / n) * 360 - 180, (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / n))) * 180) / Math.PI];
}

/** By how many tiles the GCJ-02 picture of a WGS-84 tile lies to the east and south of it, at its centre. */
export function tileShift(zoom: number, column: number, row: number): [number, number] {
  const [lon, lat] = placeOf(column + 0.5, row + 0.5, zoom);
  const [x, y] = tilePlace(...toGcj02(lon, lat), zoom);
  return [x - (column + 0.5), y - (row + 0.5)];
}
