/** Snapping to source coordinates. Rendered geometry is rounded to a tile's grid and must never be snapped to. */
import type { Geometry, Position } from "geojson";

export interface Pixel {
  x: number;
  y: number;
}

export type Project = (lon: number, lat: number) => Pixel;

/** Every ring of a polygon or multipolygon, holes too. */
export function rings(geometry: Geometry): Position[][] {
  if (geometry.type === "Polygon") return geometry.coordinates;
  if (geometry.type === "MultiPolygon") return geometry.coordinates.flat();
  return [];
}

/** Share (0 to 1) along a-b of the place nearest to p. */
export function along(p: Pixel, a: Pixel, b: Pixel): number {
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length2 = dx * dx + dy * dy;
  if (length2 === 0) return 0;
  return Math.min(1, Math.max(0, ((p.x - a.x) * dx + (p.y - a.y) * dy) / length2));
}

export function round7(degrees: number): number {
  return Math.round(degrees * 1e7) / 1e7;
}

function distance(a: Pixel, b: Pixel): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}

/**
 * The corner or place on an edge nearest to the pointer, within `reach` pixels; a corner in reach wins over an edge.
 * Corners are given back exactly, places on edges rounded to 7 decimals of a degree.
 */
export function snapTo(
  pointer: Pixel,
  zones: Iterable<Geometry>,
  project: Project,
  reach: number,
): Position | undefined {
  let edge: Position | undefined;
  let corner: Position | undefined;
  let edgeDistance = reach;
  let cornerDistance = reach;
  for (const zone of zones) {
    for (const ring of rings(zone)) {
      let from = ring[0];
      let a = from && project(from[0] ?? 0, from[1] ?? 0);
      for (const to of ring.slice(1)) {
        const b = project(to[0] ?? 0, to[1] ?? 0);
        if (from && a) {
          const toCorner = distance(a, pointer);
          if (toCorner < cornerDistance) [cornerDistance, corner] = [toCorner, from];
          const share = along(pointer, a, b);
          const toEdge = distance({ x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) }, pointer);
          if (toEdge < edgeDistance) [edgeDistance, edge] = [toEdge, between(from, to, share)];
        }
        [from, a] = [to, b];
      }
    }
  }
  return corner ?? edge;
}

function between(from: Position, to: Position, share: number): Position {
  const [x, y] = [from[0] ?? 0, from[1] ?? 0];
  return [round7(x + share * ((to[0] ?? 0) - x)), round7(y + share * ((to[1] ?? 0) - y))];
}

/** The place on lines nearest to another, in degrees as they lie on the map. */
export function nearestOn(lines: readonly (readonly [Position, Position])[], to: Position): Position | undefined {
  const wide = Math.cos(((to[1] ?? 0) * Math.PI) / 180);
  const flat = ([x = 0, y = 0]: Position): Pixel => ({ x: x * wide, y });
  let [least, found]: [number, Position | undefined] = [Infinity, undefined];
  for (const [a, b] of lines) {
    const place = between(a, b, along(flat(to), flat(a), flat(b)));
    const away = distance(flat(place), flat(to));
    if (away < least) [least, found] = [away, place];
  }
  return found;
}
