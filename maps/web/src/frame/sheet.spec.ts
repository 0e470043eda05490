import { expect, it } from "vitest";
import { keyed, settled, stepped, type SheetHeight } from "./sheet";

it.each<[SheetHeight, string, SheetHeight | undefined]>([
  ["map", "ArrowUp", null],
  [null, "ArrowUp", "full"],
  ["full", "ArrowUp", "full"],
  ["full", "ArrowDown", null],
  [null, "ArrowDown", "map"],
  ["map", "ArrowDown", "map"],
  ["map", "Home", "full"],
  ["full", "Escape", "map"],
  [null, "a", undefined],
])("from %s by %s", (from, key, to) => {
  expect(keyed(from, key)).toBe(to);
});

it.each<[number, number, SheetHeight]>([
  [0.1, 0, "map"],
  [0.5, 0, null],
  [0.9, 0, "full"],
  [0.5, 1, "full"], // a flick upwards
  [0.5, -1, "map"], // and downwards
  [0.1, -2, "map"],
])("rests at the nearest height, a flick one further: %s of the stage at %s px/ms", (share, speed, to) => {
  expect(settled(share, speed)).toBe(to);
});

it("goes from one height to the next", () => {
  expect([stepped("map", 1), stepped("full", -1), stepped(null, 5)]).toEqual([null, null, "full"]);
});
