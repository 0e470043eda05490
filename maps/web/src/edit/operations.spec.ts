import { expect, it } from "vitest";
import { moveEdge, moveVertex } from "./move";
import { parentKind, reparent } from "./reparent";
import { reshape, reshapeBar } from "./reshape";
import { takes, transfer } from "./transfer";
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

it("moves corners and edges at full precision, without heights", () => {
  expect(moveVertex(3, [120.123456789012, 32, 9], [120.2, 32.1])).toEqual({
    op: "move_vertex",
    area_id: 3,
    vertex: [120.123456789012, 32],
    to: [120.2, 32.1],
  });
  expect(
    moveEdge(
      3,
      [
        [0, 0],
        [1, 0],
      ],
      [
        [0, 1],
        [1, 1],
      ],
    ),
  ).toEqual({
    op: "move_edge",
    area_id: 3,
    edge: {
      type: "LineString",
      coordinates: [
        [0, 0],
        [1, 0],
      ],
    },
    to: {
      type: "LineString",
      coordinates: [
        [0, 1],
        [1, 1],
      ],
    },
  });
});

it("reshapes two grids, of one community or of two", () => {
  expect(reshapeBar([unit(1, 9)])).toBe("not_two");
  expect(reshapeBar([unit(1, 9), unit(2, 8)])).toBeNull();
  expect(reshapeBar([unit(1, 9), unit(2, 9)])).toBeNull();
  expect(
    reshape(
      [unit(1, 9), unit(2, 9)],
      [
        [1, 2],
        [3, 4],
      ],
    ),
  ).toEqual({
    op: "reshape",
    area_ids: [1, 2],
    line: {
      type: "LineString",
      coordinates: [
        [1, 2],
        [3, 4],
      ],
    },
  });
});

it("transfers to a community that does not have them, with a reason only when there is one", () => {
  expect(takes([unit(1, 9)], 9)).toBe(false);
  expect(takes([unit(1, 9), unit(2, 8)], 7)).toBe(true);
  expect(takes([], 7)).toBe(false);
  expect(transfer([1, 2], 7)).toEqual({ op: "transfer", area_ids: [1, 2], community_id: 7 });
  expect(transfer([1], 7, "an island")).toEqual({
    op: "transfer",
    area_ids: [1],
    community_id: 7,
    parts_reason: "an island",
  });
});

it("gives communities to towns and towns to counties", () => {
  expect([parentKind("community"), parentKind("town")]).toEqual(["town", "county"]);
  expect(reparent(5, 6)).toEqual({ op: "reparent", area_id: 5, parent_id: 6 });
});
