import { describe, expect, it } from "vitest";
import { alongLine, trackAt } from "./track_at";

const parts = [
  {
    line: [
      [120, 0],
      [120.1, 0],
      [120.1, 0.1],
    ],
    from_ms: 1000,
    to_ms: 2000,
  },
  {
    line: [
      [121, 0],
      [121.2, 0],
    ],
    from_ms: 5000,
    to_ms: 6000,
  },
];

describe("trackAt", () => {
  it("moves along the part by time", () => {
    expect(trackAt(parts, 1000)).toEqual([120, 0]);
    expect(trackAt(parts, 1500)?.[0]).toBeCloseTo(120.1, 9);
    expect(trackAt(parts, 5500)?.[0]).toBeCloseTo(121.1, 9);
  });

  it("knows nothing inside a gap, before and after", () => {
    expect(trackAt(parts, 3000)).toBeNull();
    expect(trackAt(parts, 0)).toBeNull();
    expect(trackAt([], 1500)).toBeNull();
  });
});

describe("alongLine", () => {
  it("keeps to the ends", () => {
    expect(
      alongLine(
        [
          [1, 1],
          [2, 2],
        ],
        7,
      ),
    ).toEqual([2, 2]);
    expect(alongLine([[1, 1]], 0.5)).toEqual([1, 1]);
    expect(alongLine([], 0.5)).toBeNull();
  });
});
