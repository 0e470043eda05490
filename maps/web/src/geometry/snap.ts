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

/** Every line of a geometry: rings of polygons, lines as they are; points have none. */
export function linesOf(geometry: Geometry): Position[][] {
  if (geometry.type === "LineString") return [geometry.coordinates];
  if (geometry.type === "MultiLineString") return geometry.coordinates;
  if (geometry.type === "GeometryCollection") return geometry.geometries.flatMap(linesOf);
  return rings(geometry);
}

/** A geometry that is snapped to, and what of. */
export interface Target {
  geometry: Geometry;
  layer: string;
  name: string;
}

export interface Snap {
  at: Position;
  on: "corner" | "edge";
  layer: string;
  name: string;
}

/** West, south, east, north, in degrees. */
export type Box = readonly [number, number, number, number];

const boxes = new WeakMap<Geometry, Box>();

function boxOf(geometry: Geometry): Box {
  let box = boxes.get(geometry);
  if (!box) {
    let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const line of linesOf(geometry))
      for (const [x = 0, y = 0] of line) {
        [west, east] = [Math.min(west, x), Math.max(east, x)];
        [south, north] = [Math.min(south, y), Math.max(north, y)];
      }
    box = [west, south, east, north];
    boxes.set(geometry, box);
  }
  return box;
}

function meets([west, south, east, north]: Box, window: Box | undefined): boolean {
  return !window || (west <= window[2] && east >= window[0] && south <= window[3] && north >= window[1]);
}

/** An edge outside of the window is not measured: a projection costs more than four comparisons. */
function edgeMeets([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position, window: Box | undefined): boolean {
  return meets([Math.min(ax, bx), Math.min(ay, by), Math.max(ax, bx), Math.max(ay, by)], window);
}

/**
 * The corner or place on an edge nearest to the pointer, within `reach` pixels; a corner in reach wins over an edge.
 * Corners are given back exactly, places on edges rounded to 7 decimals of a degree. `window`: the degrees around
 * the pointer that are within reach; what lies outside is passed over.
 */
export function snapOn(
  pointer: Pixel,
  targets: Iterable<Target>,
  project: Project,
  reach: number,
  window?: Box,
): Snap | undefined {
  let edge: Snap | undefined;
  let corner: Snap | undefined;
  let [edgeDistance, cornerDistance] = [reach, reach];
  for (const { geometry, layer, name } of targets) {
    if (!meets(boxOf(geometry), window)) continue;
    for (const line of linesOf(geometry)) {
      for (const [i, to] of line.entries()) {
        const from = line[i - 1];
        if (!from || !edgeMeets(from, to, window)) continue;
        const [a, b] = [project(from[0] ?? 0, from[1] ?? 0), project(to[0] ?? 0, to[1] ?? 0)];
        for (const [place, pixel] of [
          [from, a],
          [to, b],
        ] as const) {
          const away = distance(pixel, pointer);
          if (away < cornerDistance) [cornerDistance, corner] = [away, { at: place, on: "corner", layer, name }];
        }
        const share = along(pointer, a, b);
        const away = distance({ x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) }, pointer);
        if (away < edgeDistance)
          [edgeDistance, edge] = [away, { at: between(from, to, share), on: "edge", layer, name }];
      }
    }
  }
  return corner ?? edge;
}

/** The same over plain geometries: the place alone. */
export function snapTo(
  pointer: Pixel,
  geometries: Iterable<Geometry>,
  project: Project,
  reach: number,
): Position | undefined {
  const targets = [...geometries].map((geometry) => ({ geometry, layer: "", name: "" }));
  return snapOn(pointer, targets, project, reach)?.at;
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
