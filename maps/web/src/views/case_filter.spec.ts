import { expect, it } from "vitest";
import type { CaseProperties } from "../core/types";
import { byTimeLeft, keeps, lateBy, secondsLeft, type CaseFilter } from "./case_filter";

const NOW = Date.parse("2026-03-10T00:00:00Z");

function a(number: string, more: Partial<CaseProperties> = {}): CaseProperties {
  return {
    number,
    title: number,
    title_en: number,
    state: "filed",
    domain: "ecology",
    item_code: "ECO-1",
    lead_body: "North bureau",
    co_handlers: ["Fire brigade"],
    grid_code: null,
    community: null,
    town: "Reed",
    county: "Marsh",
    opened_at: "2026-03-01T00:00:00Z",
    due_at: "2026-03-20T00:00:00Z",
    closed_at: null,
    stage_due_at: null,
    paused_since: null,
    urgency: "normal",
    late: false,
    overdue: false,
    ...more,
  };
}

const CASES = [
  a("far"),
  a("soon", { due_at: "2026-03-10T12:00:00Z", town: "Dune", lead_body: "Town of Dune", co_handlers: [] }),
  a("over", { due_at: "2026-03-08T00:00:00Z", overdue: true, late: true, item_code: "ECO-2" }),
  a("still", { paused_since: "2026-03-02T00:00:00Z", state: "suspended" }),
  a("closed late", { state: "closed", due_at: "2026-03-05T00:00:00Z", closed_at: "2026-03-06T01:30:00Z", late: true }),
  a("closed", { state: "closed", closed_at: "2026-03-07T00:00:00Z", county: "Hill", town: "Fir" }),
  a("merged", { state: "merged" }),
];

it.each<[CaseFilter, string[]]>([
  [{}, ["over", "soon", "far", "still"]], // the queue: done ones have left it
  [{ state: "all" }, ["over", "soon", "far", "still", "closed", "closed late", "merged"]],
  [{ state: "closed" }, ["closed", "closed late"]],
  [{ state: "overdue" }, ["over"]],
  [{ state: "closed", due: "late" }, ["closed late"]],
  [{ due: "day" }, ["soon"]],
  [{ due: "week" }, ["soon"]],
  [{ town: "Dune" }, ["soon"]],
  [{ state: "all", county: "Hill" }, ["closed"]],
  [{ item: "ECO-2" }, ["over"]],
  [{ body: "Fire brigade" }, ["over", "far", "still"]],
  [{ mine: true }, ["soon"]],
])("shows by %o", (filter, numbers) => {
  const shown = CASES.filter((each) => keeps(each, filter, "Town of Dune", NOW));
  expect(shown.sort((x, y) => byTimeLeft(x, y, NOW)).map((each) => each.number)).toEqual(numbers);
});

it("counts the time until the deadline, and how late a case was closed", () => {
  expect(CASES.map((each) => secondsLeft(each, NOW))).toEqual([864_000, 43_200, -172_800, null, null, null, null]);
  expect(CASES.map(lateBy)).toEqual([null, null, null, null, 91_800, null, null]);
});
