import type { Position } from "geojson";
import { describe, expect, it } from "vitest";
import { allCarriedOver, carriedOver, successors, type AreaFeature } from "./rebase";
import type { Step } from "./steps";

function area(id: number, west: number, south: number, east: number, north: number): AreaFeature {
  const ring: Position[] = [
    [west, south],
    [east, south],
    [east, north],
    [west, north],
    [west, south],
  ];
  const properties = {
    code: `C${id}`,
    name: `N${id}`,
    kind: "unit_grid" as const,
    parent_id: 9,
    valid_from: "",
    valid_to: null,
    area_m2: 1,
    indicative: false,
    void_reason: null,
  };
  return { type: "Feature", id, geometry: { type: "Polygon", coordinates: [ring] }, properties };
}

const ended = area(1, 0, 0, 10, 10);
/** What became of it: a southern and a northern half; 4 is a neighbour that still holds. */
const [south, north, beside] = [area(2, 0, 0, 10, 5), area(3, 0, 5, 10, 10), area(4, 10, 0, 20, 10)];
const follow = (id: number): AreaFeature[] => (id === 1 ? [south, north] : id === 4 ? [beside] : []);

function step(operation: Step["operation"]): Step {
  return { operation, zones: [{ id: 1, code: "C1", name: "N1" }] };
}

describe("successors", () => {
  it("are those that took the land, not the neighbours", () => {
    expect(successors(ended.geometry, [south, north, beside]).map((each) => each.id)).toEqual([2, 3]);
    expect(successors(south.geometry, [ended, beside]).map((each) => each.id)).toEqual([1]);
    expect(successors(ended.geometry, [])).toEqual([]);
  });
});

describe("carriedOver", () => {
  it("gives a line to the half that it runs through", () => {
    const line = {
      type: "LineString" as const,
      coordinates: [
        [5, 6],
        [5, 10],
      ],
    };
    expect(carriedOver(step({ op: "split", area_id: 1, line }), follow)).toEqual({
      operation: { op: "split", area_id: 3, line },
      zones: [{ id: 3, code: "C3", name: "N3" }],
    });
  });

  it("takes all that followed into a merge and a transfer", () => {
    expect(carriedOver(step({ op: "merge", area_ids: [1, 4] }), follow)?.operation).toEqual({
      op: "merge",
      area_ids: [2, 3, 4],
    });
    const given = carriedOver(step({ op: "transfer", area_ids: [1], community_id: 4 }), follow);
    expect(given?.operation).toEqual({ op: "transfer", area_ids: [2, 3], community_id: 4 });
    expect(given?.target).toEqual({ id: 4, code: "C4", name: "N4" });
  });

  it("moves the corner of the half that has it", () => {
    const moved = carriedOver(
      step({ op: "move_vertex", area_id: 1, area_ids: [1, 4], vertex: [10, 0], to: [10.2, 0] }),
      follow,
    );
    expect(moved?.operation).toEqual({ op: "move_vertex", area_id: 2, vertex: [10, 0], to: [10.2, 0] });
  });

  it("reshapes the halves on both sides of the line", () => {
    const line = {
      type: "LineString" as const,
      coordinates: [
        [10, 5],
        [11, 7],
        [10, 10],
      ],
    };
    expect(carriedOver(step({ op: "reshape", area_ids: [1, 4], line }), follow)?.operation).toEqual({
      op: "reshape",
      area_ids: [3, 4],
      line,
    });
  });

  it("is null when nothing is left that the step could mean", () => {
    expect(carriedOver(step({ op: "merge", area_ids: [7, 4] }), follow)).toBeNull();
    expect(
      carriedOver(step({ op: "split", area_id: 7, line: { type: "LineString", coordinates: [] } }), follow),
    ).toBeNull();
    expect(carriedOver(step({ op: "reparent", area_id: 4, parent_id: 7 }), follow)).toBeNull();
    expect(carriedOver(step({ op: "undo", change_set_id: 1, area_ids: [1] }), follow)).toBeNull();
  });
});

describe("allCarriedOver", () => {
  it("names what a step made by where that step stands now, and loses what rested on a lost one", () => {
    const cut = (area_id: number): Step =>
      step({
        op: "split",
        area_id,
        line: {
          type: "LineString",
          coordinates: [
            [15, 1],
            [15, 9],
          ],
        },
      });
    const give = (id: number): Step => step({ op: "transfer", area_ids: [id], community_id: 4 });
    const next = allCarriedOver([cut(99), cut(4), give(-20002), give(-10001)], follow);
    expect(next.map((each) => each?.operation.op ?? null)).toEqual([null, "split", "transfer", null]);
    expect(next[2]?.operation).toMatchObject({ area_ids: [-10002] });
  });
});
