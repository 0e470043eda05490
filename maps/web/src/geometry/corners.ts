/** Corners and edges that zones share, and what a zone looks like when they move. The server moves them; this shows it. */
import type { Geometry, Position } from "geojson";
import { rings } from "./snap";

export interface Move {
  from: Position;
  to: Position;
}

/** A point this near to an edge, in degrees, lies on it (0.1 mm; the server's own tolerance). */
const ON_EDGE = 1e-9;

export function same(a: Position | undefined, b: Position | undefined): boolean {
  return a !== undefined && b !== undefined && a[0] === b[0] && a[1] === b[1];
}

/** Every corner once, in the order of the rings. */
export function corners(geometry: Geometry): Position[] {
  const seen = new Map<string, Position>();
  for (const ring of rings(geometry)) for (const each of ring) seen.set(`${each[0]},${each[1]}`, each);
  return [...seen.values()];
}

/** Every edge of every ring. */
export function edges(geometry: Geometry): [Position, Position][] {
  return rings(geometry).flatMap((ring) => ring.slice(1).map((to, i): [Position, Position] => [ring[i] ?? to, to]));
}

function onEdge([x = 0, y = 0]: Position, [ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): boolean {
  const [dx, dy] = [bx - ax, by - ay];
  const length2 = dx * dx + dy * dy;
  if (length2 === 0) return false;
  const share = ((x - ax) * dx + (y - ay) * dy) / length2;
  return share > 0 && share < 1 && Math.abs((x - ax) * dy - (y - ay) * dx) / Math.sqrt(length2) <= ON_EDGE;
}

/** Whether a zone has this corner, or has an edge on which it lies (a neighbour without the node). */
export function touches(geometry: Geometry, corner: Position): boolean {
  return corners(geometry).some((each) => same(each, corner)) || edges(geometry).some(([a, b]) => onEdge(corner, a, b));
}

function movedRing(ring: Position[], moves: readonly Move[]): Position[] {
  const out: Position[] = [];
  for (const [i, each] of ring.entries()) {
    const before = ring[i - 1];
    if (before)
      for (const { from, to } of moves)
        if (onEdge(from, before, each) && !ring.some((corner) => same(corner, from))) out.push(to);
    out.push(moves.find(({ from }) => same(from, each))?.to ?? each);
  }
  return out;
}

/** The zone with corners moved; a corner that lies on one of its edges becomes a node of it first. */
export function moved(geometry: Geometry, moves: readonly Move[]): Geometry {
  if (geometry.type === "Polygon")
    return { ...geometry, coordinates: geometry.coordinates.map((ring) => movedRing(ring, moves)) };
  if (geometry.type === "MultiPolygon")
    return { ...geometry, coordinates: geometry.coordinates.map((part) => part.map((ring) => movedRing(ring, moves))) };
  return geometry;
}

export function middle([ax = 0, ay = 0]: Position, [bx = 0, by = 0]: Position): Position {
  return [(ax + bx) / 2, (ay + by) / 2];
}
