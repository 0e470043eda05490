/**
 * The offset of GCJ-02, the coordinates of Chinese public maps, from WGS-84. The published formula, as everybody
 * uses it; the same as `layers/codes/crs.py`. Outside of China there is none.
 */

const AXIS_M = 6378245.0;
const ECCENTRICITY2 = 0.006693421622965943;

function inChina(lon: number, lat: number): boolean {
  return lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271;
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
  if (!inChina(lon, lat)) return [lon, lat];
  const [x, y] = [lon - 105, lat - 35];
  const angle = (lat / 180) * Math.PI;
  const magic = 1 - ECCENTRICITY2 * Math.sin(angle) ** 2;
  const root = Math.sqrt(magic);
  const dLat = (northing(x, y) * 180) / (((AXIS_M * (1 - ECCENTRICITY2)) / (magic * root)) * Math.PI);
  const dLon = (easting(x, y) * 180) / ((AXIS_M / root) * Math.cos(angle) * Math.PI);
  return [lon + dLon, lat + dLat];
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
