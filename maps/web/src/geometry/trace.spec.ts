import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { Network } from "./trace";

/** A street of four corners, a side street from its second corner, a longer way round, and a bridge over it. */
const street: Position[] = [
  [120, 32],
  [120.001, 32],
  [120.002, 32.0005],
  [120.003, 32],
];
const side: Position[] = [
  [120.001, 32],
  [120.001, 32.002],
  [120.0015, 32.003],
];
const round: Position[] = [
  [120, 32],
  [120, 31.99],
  [120.003, 31.99],
  [120.003, 32],
];
const bridge: Position[] = [
  [120.0005, 31.999],
  [120.0005, 32.001],
];
/** Ends on the street between two of its corners. */
const joining: Position[] = [
  [120.0025, 32.00025],
  [120.0025, 32.002],
];
const network = new Network([street, side, round, bridge, joining]);

describe("Network", () => {
  it("gives the corners between two places on a street, the shorter way", () => {
    expect(network.between([120.0004, 32], [120.003, 32])).toEqual([
      [120.001, 32],
      [120.002, 32.0005],
    ]);
  });

  it("goes the other way back", () => {
    expect(network.between([120.003, 32], [120.0004, 32])).toEqual([
      [120.002, 32.0005],
      [120.001, 32],
    ]);
  });

  it("turns where lines have a corner in common", () => {
    expect(network.between([120.0004, 32], [120.0015, 32.003])).toEqual([
      [120.001, 32],
      [120.001, 32.002],
    ]);
  });

  it("turns where one line ends on another", () => {
    expect(network.between([120.002, 32.0005], [120.0025, 32.002])).toEqual([[120.0025, 32.00025]]);
  });

  it("needs no corner within one edge", () => {
    expect(network.between([120.0002, 32], [120.0008, 32])).toEqual([]);
  });

  it("does not turn at a bridge, and knows no way to a place on no line", () => {
    expect(network.between([120.0004, 32], [120.0005, 32.0005])).toBeNull();
    expect(network.between([120.0004, 32], [120.0004, 32.01])).toBeNull();
  });

  it("takes the way round when it is shorter than the street", () => {
    const detour = new Network([
      [
        [120, 32],
        [120, 32.1],
        [120.001, 32],
      ],
      [
        [120, 32],
        [120.0005, 31.9999],
        [120.001, 32],
      ],
    ]);
    expect(detour.between([120, 32], [120.001, 32])).toEqual([[120.0005, 31.9999]]);
  });

  it("is empty without lines", () => {
    expect(new Network([]).between([120, 32], [120, 32])).toBeNull();
  });
});
