/** Moving a corner, or an edge by both of its ends, in every grid that has it. */
import type { Position } from "geojson";
import type { Operation } from "../core/edit_types";

const flat = (each: Position): [number, number] => [each[0] ?? 0, each[1] ?? 0];

export function moveVertex(areaId: number, vertex: Position, to: Position): Operation {
  return { op: "move_vertex", area_id: areaId, vertex: flat(vertex), to: flat(to) };
}

export function moveEdge(areaId: number, edge: readonly Position[], to: readonly Position[]): Operation {
  return {
    op: "move_edge",
    area_id: areaId,
    edge: { type: "LineString", coordinates: edge.map(flat) },
    to: { type: "LineString", coordinates: to.map(flat) },
  };
}

export function insertVertex(areaId: number, edge: readonly Position[], to: Position): Operation {
  const line = { type: "LineString" as const, coordinates: edge.map(flat) };
  return { op: "insert_vertex", area_id: areaId, edge: line, to: flat(to) };
}

export function deleteVertex(areaId: number, vertex: Position): Operation {
  return { op: "delete_vertex", area_id: areaId, vertex: flat(vertex) };
}
