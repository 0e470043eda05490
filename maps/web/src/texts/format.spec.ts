import { afterEach, expect, it } from "vitest";
import examples from "../../../../tests/maps/formats.json";
import * as format from "./format";
import { language } from "./language";
import { term } from "./text";

type Call = (...given: unknown[]) => string;
const calls = { ...format, term } as unknown as Record<string, Call>;

afterEach(() => {
  language.set("en");
  format.timeZone.set("Asia/Shanghai");
});

it.each(examples)("writes $call $with as the reports do", (example) => {
  for (const to of ["zh", "en"] as const) {
    language.set(to);
    expect(calls[example.call]!(...example.with)).toBe(example[to]);
  }
});

it("follows the zone of the city", () => {
  format.timeZone.set("Asia/Urumqi");
  expect(format.time("2026-03-01T08:00:00Z")).toBe("2026-03-01 14:00");
  expect(format.clock(new Date("2026-03-01T08:00:07Z"))).toBe("14:00:07");
  expect(format.shortTime("2026-03-01T08:00:00Z")).toBe("03-01 14:00");
});
