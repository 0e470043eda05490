import type { Geometry } from "geojson";
import { describe, expect, it } from "vitest";
import { corners, edges, middle, moved, touches } from "./corners";

function box(west: number, south: number, east: number, north: number): Geometry & { coordinates: number[][][] } {
  return {
    type: "Polygon",
    coordinates: [
      [
        [west, south],
        [east, south],
        [east, north],
        [west, north],
        [west, south],
      ],
    ],
  };
}

describe("corners and edges", () => {
  it("names each corner once and closes the ring", () => {
    expect(corners(box(0, 0, 1, 1))).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
      [0, 1],
    ]);
    expect(edges(box(0, 0, 1, 1))).toHaveLength(4);
    expect(corners({ type: "Point", coordinates: [0, 0] })).toEqual([]);
  });

  it("says who touches a corner: by a corner of its own or by an edge", () => {
    expect(touches(box(0, 0, 1, 1), [1, 1])).toBe(true);
    expect(touches(box(1, 0, 2, 5), [1, 1])).toBe(true);
    expect(touches(box(1, 0, 2, 5), [1.5, 1])).toBe(false);
    expect(touches(box(1.0001, 0, 2, 5), [1, 1])).toBe(false);
  });
});

describe("moved", () => {
  it("moves the first corner of a ring at both of its ends", () => {
    const after = moved(box(0, 0, 1, 1), [{ from: [0, 0], to: [-0.2, -0.1] }]);
    expect(after).toEqual({
      type: "Polygon",
      coordinates: [
        [
          [-0.2, -0.1],
          [1, 0],
          [1, 1],
          [0, 1],
          [-0.2, -0.1],
        ],
      ],
    });
  });

  it("bends a neighbour's long edge at the corner", () => {
    const after = moved(box(1, 0, 2, 5), [{ from: [1, 1], to: [1.2, 1] }]);
    expect(after).toEqual({
      type: "Polygon",
      coordinates: [
        [
          [1, 0],
          [2, 0],
          [2, 5],
          [1, 5],
          [1.2, 1],
          [1, 0],
        ],
      ],
    });
  });

  it("keeps the land of neighbours together: what one loses the other gets", () => {
    const area = (geometry: Geometry): number => {
      const ring = (geometry as { coordinates: number[][][] }).coordinates[0]!;
      return ring.slice(1).reduce((sum, [x = 0, y = 0], i) => sum + (ring[i]![0]! * y - x * ring[i]![1]!) / 2, 0);
    };
    const moves = [
      { from: [1, 0], to: [1.3, 0] },
      { from: [1, 1], to: [1.1, 1] },
    ];
    const zones = [box(0, 0, 1, 1), box(1, 0, 2, 1)];
    expect(zones.map((each) => moved(each, moves)).reduce((sum, each) => sum + area(each), 0)).toBeCloseTo(2, 12);
  });

  it("moves holes and every part", () => {
    const parts: Geometry = {
      type: "MultiPolygon",
      coordinates: [box(0, 0, 1, 1).coordinates, box(5, 5, 6, 6).coordinates],
    };
    const after = moved(parts, [{ from: [6, 6], to: [7, 7] }]) as typeof parts;
    expect(after.coordinates[1]?.[0]?.[2]).toEqual([7, 7]);
    expect(after.coordinates[0]).toEqual(box(0, 0, 1, 1).coordinates);
  });
});

it("finds the middle of an edge", () => {
  expect(middle([0, 0], [2, 4])).toEqual([1, 2]);
});
