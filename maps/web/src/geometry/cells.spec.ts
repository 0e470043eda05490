import { expect, it } from "vitest";
import { meets, type Cell } from "./cells";

/** 121.025–121.113 E, 32.027–32.101 N at zoom 12 (by hand: 3425 / 4096 · 360 − 180). */
const cell: Cell = [3425, 1662];

it("finds a cell that a view holds, cuts or lies within", () => {
  expect(meets([cell], 12, [120, 31, 122, 33])).toBe(true);
  expect(meets([cell], 12, [121.1, 32.05, 121.5, 32.5])).toBe(true);
  expect(meets([cell], 12, [121.05, 32.05, 121.06, 32.06])).toBe(true);
});

it("leaves out what lies elsewhere, and takes what is only just outside", () => {
  expect(meets([cell], 12, [121.13, 32.03, 121.2, 32.09])).toBe(false);
  expect(meets([cell], 12, [121.03, 32.12, 121.1, 32.2])).toBe(false);
  expect(meets([cell], 12, [121.1135, 32.03, 121.2, 32.09])).toBe(true);
  expect(meets([], 12, [-180, -85, 180, 85])).toBe(false);
});

it("goes over the antimeridian, in views on either side of it", () => {
  const [last, first]: [Cell, Cell] = [
    [4095, 2048],
    [0, 2048],
  ];
  for (const view of [
    [179.95, -1, 180.05, 1],
    [-180.05, -1, -179.95, 1],
  ] as const) {
    expect(meets([last], 12, [...view])).toBe(true);
    expect(meets([first], 12, [...view])).toBe(true);
    expect(meets([[2048, 2048]], 12, [...view])).toBe(false);
  }
  expect(meets([[2048, 2048]], 12, [-200, -85, 200, 85])).toBe(true);
});
