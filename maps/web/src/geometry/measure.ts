/** Lengths and areas on the ground, by the radii of the ellipsoid (WGS-84) at the middle latitude; right to 0.1 % over a city. */
import type { Position } from "geojson";

const AXIS_M = 6_378_137;
const ECCENTRICITY_2 = 0.00669437999014;
const RADIANS = Math.PI / 180;

/** Metres of a degree to the east and to the north at a latitude. */
function scale(lat: number): [number, number] {
  const w2 = 1 - ECCENTRICITY_2 * Math.sin(lat * RADIANS) ** 2;
  const prime_m = AXIS_M / Math.sqrt(w2);
  const meridian_m = (AXIS_M * (1 - ECCENTRICITY_2)) / w2 ** 1.5;
  return [prime_m * Math.cos(lat * RADIANS) * RADIANS, meridian_m * RADIANS];
}

/** Length of a line. */
export function length_m(line: readonly Position[]): number {
  return line.slice(1).reduce((sum, [x = 0, y = 0], i) => {
    const [fromX = 0, fromY = 0] = line[i] ?? [];
    const [east, north] = scale((y + fromY) / 2);
    return sum + Math.hypot((x - fromX) * east, (y - fromY) * north);
  }, 0);
}

/** Area inside of a line that is closed from its end to its beginning; 0 for fewer than three places. */
export function area_m2(line: readonly Position[]): number {
  if (line.length < 3) return 0;
  const [east, north] = scale(line.reduce((sum, each) => sum + (each[1] ?? 0), 0) / line.length);
  const [x0 = 0, y0 = 0] = line[0] ?? [];
  const flat = line.map(([x = 0, y = 0]): [number, number] => [(x - x0) * east, (y - y0) * north]);
  const twice = flat.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = flat[(i + 1) % flat.length] ?? [0, 0];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(twice) / 2;
}
