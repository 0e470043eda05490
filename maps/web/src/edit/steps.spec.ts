import { expect, it } from "vitest";
import {
  added,
  doneAgain,
  draftId,
  effectiveAt,
  EMPTY,
  madeBy,
  operandIds,
  plain,
  takenBack,
  targetId,
  type Step,
} from "./steps";

function step(...ids: number[]): Step {
  return { operation: { op: "merge", area_ids: ids }, zones: ids.map((id) => ({ id, code: `${id}`, name: `Z${id}` })) };
}

it("takes steps back and does them again, in order", () => {
  const two = added(added(EMPTY, step(1, 2)), step(3, 4));
  const none = takenBack(takenBack(two));
  expect(none.steps).toEqual([]);
  expect(takenBack(none)).toBe(none);
  expect(doneAgain(doneAgain(none)).steps).toEqual(two.steps);
  expect(doneAgain(two)).toBe(two);
});

it("forgets what was taken back when something new is done", () => {
  const other = added(takenBack(added(EMPTY, step(1, 2))), step(5, 6));
  expect(doneAgain(other).steps).toEqual([step(5, 6)]);
});

it("knows which step makes a grid of the draft", () => {
  expect(madeBy(-20003)).toEqual({ step: 2, number: 3 });
  expect(draftId(2, 3)).toBe(-20003);
  expect(madeBy(815)).toBeNull();
});

it("lets a change hold from the beginning of a day in the city, today at once; a past day is not dropped", () => {
  expect(effectiveAt("2026-11-25", "2026-11-24")).toBe("2026-11-25T00:00:00+08:00");
  expect(effectiveAt("2026-11-24", "2026-11-24")).toBeUndefined();
  expect(effectiveAt("", "2026-11-24")).toBeUndefined();
  expect(effectiveAt("2026-11-23", "2026-11-24")).toBe("2026-11-23T00:00:00+08:00");
});

it("asks for a stored move as it was asked for first", () => {
  const stored = { op: "move_vertex", area_id: 1, area_ids: [1, 2, 3], vertex: [1, 2], to: [3, 4] } as const;
  expect(plain({ ...stored, area_ids: [...stored.area_ids], vertex: [1, 2], to: [3, 4] })).toEqual({
    op: "move_vertex",
    area_id: 1,
    vertex: [1, 2],
    to: [3, 4],
  });
  expect(operandIds({ ...stored, area_ids: [1, 2, 3], vertex: [], to: [] })).toEqual([1, 2, 3]);
  expect(operandIds({ op: "reparent", area_id: 4, parent_id: 5 })).toEqual([4]);
  expect([
    targetId({ op: "transfer", area_ids: [1], community_id: 7 }),
    targetId({ op: "merge", area_ids: [1, 2] }),
  ]).toEqual([7, null]);
});
