import type { Position } from "geojson";
import { expect, it } from "vitest";
import { Traced } from "./traced";

const [a, b, c]: Position[] = [
  [0, 0],
  [4, 0],
  [8, 0],
] as Position[];
const way = (from: Position, to: Position): Position[] | null =>
  from[0] === to[0] ? null : [[((from[0] ?? 0) + (to[0] ?? 0)) / 2, 1]];

it("follows a road between two clicks when that was asked", () => {
  const traced = new Traced(way, () => true);
  expect(traced.whole([a!, b!])).toEqual([a, [2, 1], b]);
});

it("keeps each part as it was asked when it was clicked", () => {
  let asked = false;
  const traced = new Traced(way, () => asked);
  expect(traced.sofar([a!, b!])).toEqual([a, b]);
  traced.sofar([a!, b!, b!]); // b was clicked
  asked = true;
  expect(traced.sofar([a!, b!, c!])).toEqual([a, b, [6, 1], c]);
  expect(traced.whole([a!, b!, c!])).toEqual([a, b, [6, 1], c]);
});

it("asks anew for a place that was taken back", () => {
  let asked = true;
  const traced = new Traced(way, () => asked);
  traced.sofar([a!, b!, b!]);
  asked = false;
  traced.sofar([a!, c!]);
  expect(traced.sofar([a!, c!, c!])).toEqual([a, c, c]);
});

it("goes straight where no way leads", () => {
  expect(
    new Traced(
      () => null,
      () => true,
    ).whole([a!, b!]),
  ).toEqual([a, b]);
});
