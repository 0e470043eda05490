import { expect, it } from "vitest";
import { daily, dayNumber, DAY_S, type Reading } from "./series";

const reading = (day: string, value: number | null, quality = "measured"): Reading => ({ day, value, quality });

it("counts days across the end of a month and of a leap February", () => {
  expect(dayNumber("1970-01-02")).toBe(1);
  expect(dayNumber("2024-03-01") - dayNumber("2024-02-28")).toBe(2);
  expect(dayNumber("2026-03-01") - dayNumber("2026-02-28")).toBe(1);
});

it("breaks where a day is missing, and does not break at a zero", () => {
  const { x, y, alone } = daily([
    reading("2026-01-30", 5),
    reading("2026-01-31", 0),
    reading("2026-02-02", 4),
    reading("2026-02-03", 7, "missing"),
    reading("2026-02-04", null),
  ]);
  expect(y).toEqual([5, 0, null, 4, null, null]);
  expect(x.map((each) => (each - (x[0] ?? 0)) / DAY_S)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(alone).toEqual([3]);
});

it("takes readings in any order, and none at all", () => {
  expect(daily([reading("2026-01-02", 2), reading("2026-01-01", 1)]).y).toEqual([1, 2]);
  expect(daily([])).toEqual({ x: [], y: [], readings: [], alone: [] });
});
