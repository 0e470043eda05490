import { expect, it } from "vitest";
import { distinct, split } from "./split";

it("asks for the split with plain coordinates, at full precision", () => {
  const operation = split(7, [
    [120.1234567, 32],
    [120.2, 32.1, 5],
  ]);
  expect(operation).toEqual({
    op: "split",
    area_id: 7,
    line: {
      type: "LineString",
      coordinates: [
        [120.1234567, 32],
        [120.2, 32.1],
      ],
    },
  });
});

it("counts different places", () => {
  expect(distinct([])).toBe(0);
  expect(
    distinct([
      [1, 2],
      [1, 2],
    ]),
  ).toBe(1);
  expect(
    distinct([
      [1, 2],
      [1, 3],
      [1, 2],
    ]),
  ).toBe(2);
});
