import type { Geometry } from "geojson";
import { describe, expect, it } from "vitest";
import { contains, halfWay, insidePoint } from "./inside";

const ring: Geometry = {
  type: "Polygon",
  coordinates: [
    [
      [0, 0],
      [10, 0],
      [10, 10],
      [0, 10],
      [0, 0],
    ],
    [
      [2, 2],
      [8, 2],
      [8, 8],
      [2, 8],
      [2, 2],
    ],
  ],
};

describe("contains", () => {
  it("leaves holes out and takes every part", () => {
    expect(contains(ring, [1, 5])).toBe(true);
    expect(contains(ring, [5, 5])).toBe(false);
    expect(contains(ring, [11, 5])).toBe(false);
    const parts: Geometry = {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [20, 0],
            [21, 0],
            [21, 1],
            [20, 0],
          ],
        ],
        ring.coordinates,
      ],
    };
    expect(contains(parts, [9, 9])).toBe(true);
  });

  it("is false for a geometry without land", () => {
    expect(contains({ type: "Point", coordinates: [1, 1] }, [1, 1])).toBe(false);
  });
});

describe("insidePoint", () => {
  it("lies in the land, not in the hole and not in the bay", () => {
    expect(contains(ring, insidePoint(ring)!)).toBe(true);
    const horseshoe: Geometry = {
      type: "Polygon",
      coordinates: [
        [
          [0, 0],
          [9, 0],
          [9, 1],
          [3, 1],
          [3, 9],
          [9, 9],
          [9, 10],
          [0, 10],
          [0, 0],
        ],
      ],
    };
    expect(insidePoint(horseshoe)).toEqual([1.5, 5]);
    const diamond: Geometry = {
      type: "Polygon",
      coordinates: [
        [
          [0, 5],
          [5, 0],
          [10, 5],
          [5, 10],
          [0, 5],
        ],
      ],
    };
    expect(contains(diamond, insidePoint(diamond)!)).toBe(true);
  });

  it("is null without land", () => {
    expect(insidePoint({ type: "Polygon", coordinates: [] })).toBeNull();
  });
});

it("finds the middle of a line by length, not by corners", () => {
  expect(
    halfWay([
      [0, 0],
      [1, 0],
      [10, 0],
    ]),
  ).toEqual([5, 0]);
  expect(
    halfWay([
      [0, 0],
      [0, 0],
      [0, 4],
    ]),
  ).toEqual([0, 2]);
  expect(halfWay([[3, 4]])).toEqual([3, 4]);
  expect(halfWay([])).toBeNull();
});
