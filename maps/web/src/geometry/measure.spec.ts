import { expect, it } from "vitest";
import { area_m2, length_m } from "./measure";

/** Expected values by pyproj's Geod (WGS-84), rounded. */
const corner = [
  [120.86, 32.01],
  [120.87, 32.01],
  [120.87, 32.02],
];

it("measures lengths as the geodesic", () => {
  expect(length_m(corner)).toBeCloseTo(2053.7, 1);
  expect(
    length_m([
      [104.9, 35.2],
      [105, 35.3],
    ]) / 14349.77,
  ).toBeCloseTo(1, 4);
});

it("measures areas as the geodesic polygon", () => {
  expect(area_m2(corner) / 523846.5).toBeCloseTo(1, 3);
  expect(area_m2([...corner].reverse())).toBeCloseTo(area_m2(corner), 6);
});

it("is nothing of one place", () => {
  expect(length_m([[120, 32]])).toBe(0);
  expect(length_m([])).toBe(0);
  expect(area_m2(corner.slice(0, 2))).toBe(0);
});
