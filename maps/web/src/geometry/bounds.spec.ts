import { expect, it } from "vitest";
import { bounds } from "./bounds";

it("spans every part", () => {
  const box = bounds({
    type: "MultiPolygon",
    coordinates: [
      [
        [
          [1, 2],
          [3, 2],
          [3, 5],
          [1, 2],
        ],
      ],
      [
        [
          [-4, 0],
          [-3, 0],
          [-3, 1],
          [-4, 0],
        ],
      ],
    ],
  });
  expect(box).toEqual([-4, 0, 3, 5]);
});

it("is the point itself for a point", () => {
  expect(bounds({ type: "Point", coordinates: [120.9, 32, 7] })).toEqual([120.9, 32, 120.9, 32]);
});

it("is null for an empty geometry", () => {
  expect(bounds({ type: "MultiLineString", coordinates: [] })).toBeNull();
  expect(bounds({ type: "GeometryCollection", geometries: [] })).toBeNull();
});
