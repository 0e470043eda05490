import type { Geometry } from "geojson";
import { describe, expect, it } from "vitest";
import { along, rings, snapOn, snapTo, type Project } from "./snap";

/** 1000 pixels a degree, north up. */
const project: Project = (lon, lat) => ({ x: (lon - 120) * 1000, y: (32 - lat) * 1000 });

const square: Geometry = {
  type: "Polygon",
  coordinates: [
    [
      [120.1, 31.9],
      [120.2, 31.9],
      [120.2, 31.8],
      [120.1, 31.8],
      [120.1, 31.9],
    ],
  ],
};

describe("snapTo", () => {
  it("gives the corner's own coordinates, not rendered ones", () => {
    const odd: Geometry = {
      type: "Polygon",
      coordinates: [
        [
          [120.123456789012, 31.9],
          [120.2, 31.9],
          [120.2, 31.8],
          [120.123456789012, 31.9],
        ],
      ],
    };
    expect(snapTo({ x: 125, y: 102 }, [odd], project, 12)).toEqual([120.123456789012, 31.9]);
  });

  it("prefers a corner in reach to a nearer edge", () => {
    expect(snapTo({ x: 107, y: 100 }, [square], project, 12)).toEqual([120.1, 31.9]);
  });

  it("finds the nearest place on an edge, rounded to 7 decimals", () => {
    expect(snapTo({ x: 150, y: 104 }, [square], project, 12)).toEqual([120.15, 31.9]);
    const slanted: Geometry = {
      type: "Polygon",
      coordinates: [
        [
          [120, 32],
          [120.3, 31.9],
          [120.3, 31.7],
          [120, 32],
        ],
      ],
    };
    // The foot of (150, 55) on (0, 0)-(300, 100): share (150*300 + 55*100) / 100000 = 0.505.
    expect(snapTo({ x: 150, y: 55 }, [slanted], project, 12)).toEqual([120.1515, 31.9495]);
  });

  it("is undefined out of reach and without zones", () => {
    expect(snapTo({ x: 150, y: 150 }, [square], project, 12)).toBeUndefined();
    expect(snapTo({ x: 0, y: 0 }, [], project, 12)).toBeUndefined();
  });

  it("sees holes and every part of a multipolygon", () => {
    const hole = [
      [120.14, 31.86],
      [120.16, 31.86],
      [120.16, 31.84],
      [120.14, 31.86],
    ];
    const parts: Geometry = {
      type: "MultiPolygon",
      coordinates: [
        [
          [
            [121, 31],
            [121.1, 31],
            [121.1, 30.9],
            [121, 31],
          ],
        ],
        [square.coordinates[0]!, hole],
      ],
    };
    expect(rings(parts)).toHaveLength(3);
    expect(snapTo({ x: 141, y: 141 }, [parts], project, 12)).toEqual([120.14, 31.86]);
  });
});

describe("along", () => {
  it("stays on the edge", () => {
    expect(along({ x: -5, y: 0 }, { x: 0, y: 0 }, { x: 10, y: 0 })).toBe(0);
    expect(along({ x: 25, y: 3 }, { x: 0, y: 0 }, { x: 10, y: 0 })).toBe(1);
    expect(along({ x: 4, y: 9 }, { x: 0, y: 0 }, { x: 10, y: 0 })).toBeCloseTo(0.4, 12);
    expect(along({ x: 4, y: 9 }, { x: 2, y: 2 }, { x: 2, y: 2 })).toBe(0);
  });
});

describe("snapOn", () => {
  const road: Geometry = {
    type: "LineString",
    coordinates: [
      [120, 31.95],
      [120.3, 31.95],
    ],
  };
  const targets = [
    { geometry: square, layer: "grids", name: "G1" },
    { geometry: road, layer: "roads", name: "Ring road" },
  ];

  it("tells what it found: layer, name, corner or edge", () => {
    expect(snapOn({ x: 250, y: 52 }, targets, project, 12)).toEqual({
      at: [120.25, 31.95],
      on: "edge",
      layer: "roads",
      name: "Ring road",
    });
    expect(snapOn({ x: 102, y: 101 }, targets, project, 12)).toMatchObject({ on: "corner", layer: "grids" });
  });

  it("passes over what lies outside of the window", () => {
    expect(snapOn({ x: 250, y: 52 }, targets, project, 12, [120.23, 31.96, 120.27, 31.98])).toBeUndefined();
    expect(snapOn({ x: 250, y: 52 }, targets, project, 12, [120.23, 31.93, 120.27, 31.97])?.layer).toBe("roads");
  });
});
