/** Carrying a drawing over to the areas that hold now, after somebody else changed those that it was made for. */
import type { Feature, Geometry, Position } from "geojson";
import type { Operation, ZoneName } from "../core/edit_types";
import type { AreaProperties } from "../core/types";
import { edges, middle } from "../geometry/corners";
import { contains, halfWay, insidePoint } from "../geometry/inside";
import { along } from "../geometry/snap";
import { draftId, madeBy, movesCorners, operandIds, plain, targetId, type Step } from "./steps";

export type AreaFeature = Feature<Geometry, AreaProperties>;

/** Areas that took the land of an ended one: their middle lies in it, or its middle in them. */
export function successors(ended: Geometry, now: readonly AreaFeature[]): AreaFeature[] {
  const centre = insidePoint(ended);
  return now.filter((each) => {
    const inside = insidePoint(each.geometry);
    return (inside !== null && contains(ended, inside)) || (centre !== null && contains(each.geometry, centre));
  });
}

function distance(geometry: Geometry, [x = 0, y = 0]: Position): number {
  let least = Infinity;
  for (const [[ax = 0, ay = 0], [bx = 0, by = 0]] of edges(geometry)) {
    const share = along({ x, y }, { x: ax, y: ay }, { x: bx, y: by });
    least = Math.min(least, Math.hypot(ax + share * (bx - ax) - x, ay + share * (by - ay) - y));
  }
  return least;
}

/** The area that holds a place, else the nearest. */
function at(place: Position | null, areas: readonly AreaFeature[]): AreaFeature | undefined {
  if (!place) return areas[0];
  return (
    areas.find((each) => contains(each.geometry, place)) ??
    [...areas].sort((a, b) => distance(a.geometry, place) - distance(b.geometry, place))[0]
  );
}

/** The place that says which of several areas a drawing is meant for. */
function placeOf(operation: Operation): Position | null {
  switch (operation.op) {
    case "split":
    case "reshape":
      return halfWay(operation.line.coordinates);
    case "move_vertex":
    case "delete_vertex":
      return operation.vertex;
    case "move_edge":
    case "insert_vertex":
      return middle(operation.edge.coordinates[0] ?? [], operation.edge.coordinates[1] ?? []);
    default:
      return null;
  }
}

export function nameOf(area: AreaFeature): ZoneName {
  return { id: Number(area.id), code: area.properties.code, name: area.properties.name };
}

function withAreas(operation: Operation, ids: number[], target: number | null): Operation | null {
  const [first] = ids;
  if (first === undefined) return null;
  switch (operation.op) {
    case "split":
    case "move_vertex":
    case "move_edge":
    case "insert_vertex":
    case "delete_vertex":
      return plain({ ...operation, area_id: first });
    case "merge":
      return ids.length < 2 ? null : { ...operation, area_ids: ids };
    case "reshape":
      return ids.length === 2 ? { ...operation, area_ids: ids } : null;
    case "transfer":
      return { ...operation, area_ids: ids, community_id: target ?? operation.community_id };
    case "reparent":
      return { ...operation, area_id: first, parent_id: target ?? operation.parent_id };
    case "undo":
      return null;
  }
}

type Follow = (id: number) => readonly AreaFeature[];

/** All steps on the areas of now, null for one that is lost; what a step made is named as the step that makes it now. */
export function allCarriedOver(steps: readonly Step[], follow: Follow): (Step | null)[] {
  const places: (number | null)[] = [];
  let kept = 0;
  return steps.map((each) => {
    const next = carriedOver(each, follow, (step) => places[step - 1] ?? null);
    places.push(next && ++kept);
    return next;
  });
}

/**
 * The same step on the areas of now; null when nothing is left that it could mean.
 * `follow` gives what took the land of a stored area: the area itself when it still holds; `placeOfStep` where the
 * step stands now that makes an area of the draft, null when it is lost.
 */
export function carriedOver(
  step: Step,
  follow: Follow,
  placeOfStep: (step: number) => number | null = (each) => each,
): Step | null {
  const { operation } = step;
  const named = movesCorners(operation) ? [operation.area_id] : operandIds(operation);
  const place = placeOf(operation);
  const whole = operation.op === "merge" || operation.op === "transfer";
  const names = new Map(step.zones.map((each) => [each.id, each]));
  const found = named.flatMap((id): ZoneName[] => {
    const made = madeBy(id);
    if (made) {
      const stands = placeOfStep(made.step);
      return stands === null
        ? []
        : [{ ...(names.get(id) ?? { code: "", name: "" }), id: draftId(stands, made.number) }];
    }
    const now = follow(id);
    if (whole) return now.map(nameOf);
    const one = at(place, now);
    return one ? [nameOf(one)] : [];
  });
  const areas = [...new Map(found.map((each) => [each.id, each])).values()];
  const wanted = targetId(operation);
  const target = wanted === null ? undefined : follow(wanted)[0];
  if (wanted !== null && !target) return null;
  const next = withAreas(
    operation,
    areas.map((each) => each.id),
    target ? Number(target.id) : null,
  );
  return next && { operation: next, zones: areas, ...(target && { target: nameOf(target) }) };
}
