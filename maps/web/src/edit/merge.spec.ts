import { expect, it } from "vitest";
import { merge, mergeBar } from "./merge";
import type { Unit } from "./units";

function unit(id: number, parent_id: number): Unit {
  const properties = {
    code: `${id}`,
    name: "",
    kind: "unit_grid" as const,
    parent_id,
    valid_from: "",
    valid_to: null,
    area_m2: 1,
    indicative: false,
    void_reason: null,
  };
  return { type: "Feature", id, geometry: { type: "Polygon", coordinates: [] }, properties };
}

it("needs two units of one community", () => {
  expect(mergeBar([])).toBe("too_few");
  expect(mergeBar([unit(1, 9)])).toBe("too_few");
  expect(mergeBar([unit(1, 9), unit(2, 8)])).toBe("other_parent");
  expect(mergeBar([unit(1, 9), unit(2, 9)])).toBeNull();
});

it("asks for the units by id", () => {
  expect(merge([unit(1, 9), unit(2, 9)])).toEqual({ op: "merge", area_ids: [1, 2] });
});
