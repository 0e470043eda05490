/** Points and polygons, in degrees: enough to find a grid again, never to decide about the partition. */
import type { Geometry, Position } from "geojson";
import { bounds } from "./bounds";
import { rings } from "./snap";

/** Whether a point lies in a polygon or multipolygon: the even-odd rule over all rings, holes left out. */
export function contains(geometry: Geometry, [x = 0, y = 0]: Position): boolean {
  let inside = false;
  for (const ring of rings(geometry)) {
    for (let i = 0; i + 1 < ring.length; i++) {
      const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [ring[i] ?? [], ring[i + 1] ?? []];
      if (ay > y !== by > y && x < ax + ((y - ay) / (by - ay)) * (bx - ax)) inside = !inside;
    }
  }
  return inside;
}

function crossings(geometry: Geometry, y: number): number[] {
  const found: number[] = [];
  for (const ring of rings(geometry)) {
    for (let i = 0; i + 1 < ring.length; i++) {
      const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [ring[i] ?? [], ring[i + 1] ?? []];
      if (ay > y !== by > y) found.push(ax + ((y - ay) / (by - ay)) * (bx - ax));
    }
  }
  return found.sort((a, b) => a - b);
}

/** A point inside: the middle of the widest stretch on a line through the middle of the box; null when there is no land. */
export function insidePoint(geometry: Geometry): Position | null {
  const box = bounds(geometry);
  if (!box) return null;
  let best: Position | null = null;
  let widest = 0;
  // A line through a corner may count it twice: two more heights are tried.
  for (const share of [0.5, 0.4871, 0.5377]) {
    const y = box[1] + share * (box[3] - box[1]);
    const x = crossings(geometry, y);
    for (let i = 0; i + 1 < x.length; i += 2) {
      const [from = 0, to = 0] = [x[i], x[i + 1]];
      if (to - from > widest) [widest, best] = [to - from, [(from + to) / 2, y]];
    }
    if (best) return best;
  }
  return best;
}

/** The place half way along a line. */
export function halfWay(line: readonly Position[]): Position | null {
  const lengths = line
    .slice(1)
    .map((to, i) => Math.hypot((to[0] ?? 0) - (line[i]?.[0] ?? 0), (to[1] ?? 0) - (line[i]?.[1] ?? 0)));
  let left = lengths.reduce((sum, each) => sum + each, 0) / 2;
  for (const [i, length] of lengths.entries()) {
    const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [line[i] ?? [], line[i + 1] ?? []];
    if (length > 0 && left <= length) return [ax + (left / length) * (bx - ax), ay + (left / length) * (by - ay)];
    left -= length;
  }
  return line[0] ?? null;
}
