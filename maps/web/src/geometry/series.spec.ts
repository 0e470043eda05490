import { describe, expect, it } from "vitest";
import { dayNumber, niceTicks, runs, type Reading } from "./series";

const reading = (day: string, value: number | null, quality = "measured"): Reading => ({ day, value, quality });

describe("runs", () => {
  it("breaks where a day is missing or has no value", () => {
    const parts = runs([
      reading("2026-02-27", 1),
      reading("2026-02-28", 2),
      reading("2026-03-01", null),
      reading("2026-03-02", 3),
      reading("2026-03-05", 4),
    ]);
    expect(parts.map((part) => part.map((each) => each.value))).toEqual([[1, 2], [3], [4]]);
  });

  it("takes a reading marked missing as missing, not as zero", () => {
    expect(runs([reading("2026-03-01", 0, "missing")])).toEqual([]);
    expect(runs([])).toEqual([]);
  });
});

describe("dayNumber", () => {
  it("counts days, leap years too", () => {
    expect(dayNumber("1970-01-02")).toBe(1);
    expect(dayNumber("2024-03-01") - dayNumber("2024-02-28")).toBe(2);
  });
});

describe("niceTicks", () => {
  it("has round steps that reach the top", () => {
    expect(niceTicks(100, 3)).toEqual([0, 50, 100]);
    expect(niceTicks(0.07, 3)).toEqual([0, 0.05, 0.1]);
    expect(niceTicks(10_432, 3)).toEqual([0, 5000, 10_000, 15_000]);
  });

  it("is zero alone when there is nothing", () => {
    expect(niceTicks(0, 3)).toEqual([0]);
  });
});
