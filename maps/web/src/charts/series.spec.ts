import { expect, it } from "vitest";
import {
  areDays,
  bandOf,
  daily,
  dayNumber,
  DAY_S,
  flagCounts,
  flaggedPlaces,
  intervals,
  type Reading,
  seriesOf,
  together,
} from "./series";

/** A day of a city at UTC. */
const reading = (day: string, value: number | null, quality = "measured", flags: string[] = []): Reading => ({
  day,
  from_at: `${day}T00:00:00Z`,
  to_at: new Date(Date.parse(`${day}T00:00:00Z`) + DAY_S * 1000).toISOString(),
  value,
  quality,
  flags,
});

const spanning = (from: string, to: string, value: number | null, quality = "measured"): Reading => ({
  ...reading(from.slice(0, 10), value, quality),
  from_at: from,
  to_at: to,
});

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
  expect(seriesOf([])).toEqual({ x: [], y: [], readings: [], alone: [], spans: [] });
});

it("gives bills their own width and their use a day", () => {
  const bills = [
    spanning("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 280),
    spanning("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", 310),
    spanning("2026-03-01T00:00:00Z", "2026-05-01T00:00:00Z", null, "missing"),
  ];
  expect(areDays(bills)).toBe(false);
  const { y, spans } = seriesOf(bills);
  expect(y).toEqual([10, 10, null]);
  expect(spans.map(([begin, end]) => (end - begin) / DAY_S)).toEqual([31, 28, 61]);
});

it("sets intervals by the clock of the city", () => {
  const september = { ...spanning("2026-08-31T16:00:00Z", "2026-09-30T16:00:00Z", 30), day: "2026-09-01" };
  expect(intervals([september]).spans).toEqual([[dayNumber("2026-09-01") * DAY_S, dayNumber("2026-10-01") * DAY_S]]);
});

it("adds the meters of a site, and does not know what one of them does not say", () => {
  const both = [
    reading("2026-01-01", 1),
    reading("2026-01-01", 2),
    reading("2026-01-02", 3),
    reading("2026-01-02", null),
  ];
  expect(together(both).map((each) => each.value)).toEqual([3, null]);
});

it("counts flags", () => {
  const flagged = [reading("2026-01-01", 1, "measured", ["stuck"]), reading("2026-01-02", 1, "measured", ["stuck"])];
  expect([...flagCounts(flagged)]).toEqual([["stuck", 2]]);
});

it("marks flagged readings that have a value", () => {
  const days = [
    reading("2026-03-01", 5, "measured", ["stuck"]),
    reading("2026-03-02", 6),
    reading("2026-03-04", null, "missing", ["misread"]),
  ];
  expect(flaggedPlaces(seriesOf(days))).toEqual([0]);
  expect(flaggedPlaces(seriesOf([]))).toEqual([]);
});

it("gives the start of work as whole days within the axis", () => {
  const [first, last] = [dayNumber("2026-03-01") * DAY_S, dayNumber("2026-03-31") * DAY_S];
  expect(bandOf(["2026-03-02", "2026-03-04"], [first, last])).toEqual([first + DAY_S, first + 4 * DAY_S]);
  expect(bandOf(["2026-03-02", "2026-03-02"], [first, last])).toEqual([first + DAY_S, first + 2 * DAY_S]);
  expect(bandOf(["2026-02-20", "2026-03-01"], [first, last])).toEqual([first, first + DAY_S]);
  expect(bandOf(["2026-04-20", "2026-04-21"], [first, last])).toBeNull();
  expect(bandOf(null, [first, last])).toBeNull();
});
