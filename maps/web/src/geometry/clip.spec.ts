import type { Feature, Position } from "geojson";
import { expect, it } from "vitest";
import { onSide } from "./clip";

const square: Feature = {
  type: "Feature",
  properties: { code: "1" },
  geometry: {
    type: "Polygon",
    coordinates: [
      [
        [0, 0],
        [4, 0],
        [4, 2],
        [0, 2],
        [0, 0],
      ] as Position[],
    ],
  },
};
const point = (x: number): Feature => ({
  type: "Feature",
  properties: {},
  geometry: { type: "Point", coordinates: [x, 0] },
});

it("cuts an area at a meridian", () => {
  expect(onSide([square], 1, "west")).toEqual([
    {
      ...square,
      geometry: {
        type: "MultiPolygon",
        coordinates: [
          [
            [
              [0, 0],
              [1, 0],
              [1, 2],
              [0, 2],
              [0, 0],
            ],
          ],
        ],
      },
    },
  ]);
  const [east] = onSide([square], 1, "east");
  expect(east?.geometry).toEqual({
    type: "MultiPolygon",
    coordinates: [
      [
        [
          [1, 0],
          [4, 0],
          [4, 2],
          [1, 2],
          [1, 0],
        ],
      ],
    ],
  });
});

it("leaves out what lies on the other side, and keeps what is whole", () => {
  expect(onSide([square], -1, "west")).toEqual([]);
  expect(onSide([square], 9, "west")).toHaveLength(1);
});

it("has a point on one side only", () => {
  expect(onSide([point(1), point(3)], 2, "west")).toHaveLength(1);
  expect(onSide([point(2)], 2, "west")).toHaveLength(1);
  expect(onSide([point(2)], 2, "east")).toEqual([]);
});
