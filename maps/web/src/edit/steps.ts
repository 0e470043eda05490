/** The change set that is being drawn up: its steps, taken back and done again, and what is said of it. Kept for the person until it is handed in. */
import type { Position } from "geojson";
import type { Operation, ZoneName } from "../core/edit_types";
import { dayBegins } from "../texts/format";

export interface Step {
  operation: Operation;
  /** The areas that change, as far as the browser knows. */
  zones: ZoneName[];
  /** The larger area that takes them. */
  target?: ZoneName;
}

export interface Sheet {
  steps: Step[];
  /** Steps that were taken back, the last one first. */
  undone: Step[];
  title: string;
  reason: string;
  /** The day from which it is to hold; empty: at once. */
  day: string;
}

export const EMPTY: Sheet = { steps: [], undone: [], title: "", reason: "", day: "" };

export function added(sheet: Sheet, step: Step): Sheet {
  return { ...sheet, steps: [...sheet.steps, step], undone: [] };
}

export function takenBack(sheet: Sheet): Sheet {
  const last = sheet.steps.at(-1);
  return last ? { ...sheet, steps: sheet.steps.slice(0, -1), undone: [last, ...sheet.undone] } : sheet;
}

export function doneAgain(sheet: Sheet): Sheet {
  const [next, ...rest] = sheet.undone;
  return next ? { ...sheet, steps: [...sheet.steps, next], undone: rest } : sheet;
}

/** The corners that a move takes elsewhere; null: another operation. */
function movedCorners(operation: Operation): Position[] | null {
  if (operation.op === "move_vertex") return [operation.vertex];
  return operation.op === "move_edge" ? operation.edge.coordinates : null;
}

/** Whether two steps may change one area: moves of different corners are one movement. */
function goTogether(one: Operation, other: Operation): boolean {
  const [mine, others] = [movedCorners(one), movedCorners(other)];
  if (!mine || !others) return false;
  return !mine.some(([x, y]) => others.some(([u, v]) => x === u && y === v));
}

/** Areas of a step that an earlier one names already: each may be part of one step only, or of moves of several corners. */
export function namedTwice(steps: readonly Step[], step: Step): ZoneName[] {
  const others = steps.filter((each) => !goTogether(each.operation, step.operation));
  const named = new Set(others.flatMap((each) => each.zones.map((zone) => zone.id)));
  return step.zones.filter((zone) => named.has(zone.id));
}

/** The beginning of a day in the city as a time with its zone; a day that has begun is at once. */
export function effectiveAt(day: string, now: Date): string | undefined {
  if (!day) return undefined;
  const moment = dayBegins(day);
  return new Date(moment).getTime() > now.getTime() ? moment : undefined;
}

/** An operation as it is asked for: the server's notes on a stored one are left out. */
export function plain(operation: Operation): Operation {
  if (!("area_ids" in operation) || (operation.op !== "move_vertex" && operation.op !== "move_edge")) return operation;
  const { area_ids: _resolved, ...asked } = operation;
  return asked;
}

export function operandIds(operation: Operation): number[] {
  if ("area_ids" in operation && operation.area_ids) return operation.area_ids;
  return "area_id" in operation ? [operation.area_id] : [];
}

export function targetId(operation: Operation): number | null {
  if (operation.op === "transfer") return operation.community_id;
  return operation.op === "reparent" ? operation.parent_id : null;
}

const name = (username: string): string => `wangge.draft.${username}`;

/** Keep a sheet in the page's storage, for this person; an empty one is forgotten. */
export function keep(username: string, sheet: Sheet): void {
  try {
    if (sheet.steps.length || sheet.undone.length || sheet.title || sheet.reason)
      sessionStorage.setItem(name(username), JSON.stringify(sheet));
    else sessionStorage.removeItem(name(username));
  } catch {
    // storage may be closed: the draft lasts as long as the page
  }
}

export function kept(username: string): Sheet {
  try {
    const stored = sessionStorage.getItem(name(username));
    if (stored) return { ...EMPTY, ...(JSON.parse(stored) as Partial<Sheet>) };
  } catch {
    // storage may be closed, or hold something else
  }
  return EMPTY;
}
