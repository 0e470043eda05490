import type { Geometry, Position } from "geojson";

export type Box = [number, number, number, number];

/** Every position of a geometry, holes and parts included. */
export function* positions(geometry: Geometry): Generator<Position> {
  if (geometry.type === "GeometryCollection") {
    for (const part of geometry.geometries) yield* positions(part);
    return;
  }
  yield* walk(geometry.coordinates);
}

function* walk(coordinates: unknown): Generator<Position> {
  if (!Array.isArray(coordinates) || coordinates.length === 0) return;
  if (typeof coordinates[0] === "number") yield coordinates as Position;
  else for (const part of coordinates) yield* walk(part);
}

/** West, south, east, north in degrees; null for an empty geometry. */
export function bounds(geometry: Geometry): Box | null {
  let [west, south, east, north] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of positions(geometry)) {
    if (x === undefined || y === undefined) continue;
    west = Math.min(west, x);
    south = Math.min(south, y);
    east = Math.max(east, x);
    north = Math.max(north, y);
  }
  return west <= east ? [west, south, east, north] : null;
}
