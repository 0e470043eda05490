import type { Feature, Geometry } from "geojson";
import { expect, it } from "vitest";
import type { Operation } from "../core/edit_types";
import { inheritedFates, withFates } from "./fates";

const square = (id: number, west: number, east: number): Feature<Geometry, { code: string }> => ({
  type: "Feature",
  id,
  properties: { code: String(id) },
  geometry: {
    type: "Polygon",
    coordinates: [
      [
        [west, 0],
        [east, 0],
        [east, 1],
        [west, 1],
        [west, 0],
      ],
    ],
  },
});
const OPERATIONS: Operation[] = [
  {
    op: "split",
    area_id: 1,
    line: {
      type: "LineString",
      coordinates: [
        [0.5, -1],
        [0.5, 2],
      ],
    },
  },
  { op: "transfer", area_ids: [2], community_id: 9 },
  { op: "move_vertex", area_id: 3, area_ids: [3, 4], vertex: [3, 0], to: [3, 0.1] },
];

it("tells areas that end from those that move and those that change", () => {
  const areas = withFates([square(1, 0, 1), square(2, 1, 2), square(3, 2, 3), square(4, 3, 4)], OPERATIONS);
  expect(areas.map((each) => each.properties)).toEqual([
    { code: "1", fate: "ends" },
    { code: "2", fate: "moves" },
    { code: "3", fate: "changes" },
    { code: "4", fate: "changes" },
  ]);
});

it("gives what begins the fate of the land that it takes", () => {
  const areas = withFates([square(1, 0, 1), square(2, 1, 2)], OPERATIONS);
  const begun = inheritedFates(
    {
      type: "FeatureCollection",
      features: [square(11, 0, 0.5), square(12, 0.5, 1), square(21, 1, 2), square(99, 8, 9)],
    },
    areas,
  );
  expect(begun.features.map((each) => each.properties?.fate)).toEqual(["ends", "ends", "moves", "ends"]);
});
