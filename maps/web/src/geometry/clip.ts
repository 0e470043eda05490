/** Halves of shapes: what of them lies west, or east, of a meridian. For pictures only: nothing that is saved is clipped. */
import type { Feature, Geometry, Position } from "geojson";

type Side = "west" | "east";

/** The part of a ring on one side; empty when there is none (Sutherland and Hodgman, one edge). */
function ringSide(ring: readonly Position[], lon: number, side: Side): Position[] {
  const inside = ([x = 0]: Position): boolean => (side === "west" ? x <= lon : x >= lon);
  const out: Position[] = [];
  for (const [i, to] of ring.entries()) {
    const from = ring[i - 1];
    if (from && inside(from) !== inside(to)) {
      const [[ax = 0, ay = 0], [bx = 0, by = 0]] = [from, to];
      out.push([lon, ay + ((by - ay) * (lon - ax)) / (bx - ax)]);
    }
    if (inside(to)) out.push(to);
  }
  const [first, last] = [out[0], out.at(-1)];
  if (first && last && (first[0] !== last[0] || first[1] !== last[1])) out.push(first);
  return out.length > 3 ? out : [];
}

function polygonSide(polygon: readonly Position[][], lon: number, side: Side): Position[][] {
  const [outer = [], ...holes] = polygon.map((ring) => ringSide(ring, lon, side));
  return outer.length ? [outer, ...holes.filter((each) => each.length)] : [];
}

function geometrySide(geometry: Geometry, lon: number, side: Side): Geometry | null {
  if (geometry.type === "Point") {
    const [x = 0] = geometry.coordinates;
    return (side === "west" ? x <= lon : x > lon) ? geometry : null;
  }
  const polygons =
    geometry.type === "Polygon" ? [geometry.coordinates] : geometry.type === "MultiPolygon" ? geometry.coordinates : [];
  const kept = polygons.map((each) => polygonSide(each, lon, side)).filter((each) => each.length);
  return kept.length ? { type: "MultiPolygon", coordinates: kept } : null;
}

/** Areas and points on one side of a meridian, those that it cuts cut. */
export function onSide(features: readonly Feature[], lon: number, side: Side): Feature[] {
  return features.flatMap((each) => {
    const geometry = each.geometry && geometrySide(each.geometry, lon, side);
    return geometry ? [{ ...each, geometry }] : [];
  });
}
