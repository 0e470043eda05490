import { expect, it } from "vitest";
import {
  added,
  doneAgain,
  effectiveAt,
  EMPTY,
  namedTwice,
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

it("finds areas that are named twice", () => {
  expect(namedTwice([step(1, 2)], step(2, 3)).map((each) => each.id)).toEqual([2]);
  expect(namedTwice([step(1, 2)], step(3, 4))).toEqual([]);
});

it("lets several corners of one area move together, each once, and nothing else of it", () => {
  const zones = step(1, 2).zones;
  const corner: Step = { operation: { op: "move_vertex", area_id: 1, vertex: [120, 31], to: [120.1, 31] }, zones };
  const edge = (start: number[], end: number[]): Step => {
    const [from, to] = [
      [start, end],
      [
        [9, 9],
        [9, 8],
      ],
    ].map((coordinates) => ({ type: "LineString" as const, coordinates }));
    return { operation: { op: "move_edge", area_id: 2, edge: from!, to: to! }, zones };
  };
  expect(namedTwice([corner], edge([120, 32], [120, 33]))).toEqual([]);
  expect(namedTwice([edge([120, 32], [120, 33])], corner)).toEqual([]);
  expect(namedTwice([corner], edge([120, 32], [120, 31])).map((each) => each.id)).toEqual([1, 2]);
  expect(namedTwice([corner], corner).map((each) => each.id)).toEqual([1, 2]);
  expect(namedTwice([corner, edge([120, 32], [120, 33])], step(2, 3)).map((each) => each.id)).toEqual([2]);
  expect(namedTwice([step(2, 3)], corner).map((each) => each.id)).toEqual([2]);
});

it("lets a change hold from the beginning of a day in the city, and from now when that has begun", () => {
  const now = new Date("2026-11-24T10:00:00Z");
  expect(effectiveAt("2026-11-25", now)).toBe("2026-11-25T00:00:00+08:00");
  expect(effectiveAt("2026-11-24", now)).toBeUndefined();
  expect(effectiveAt("", now)).toBeUndefined();
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
