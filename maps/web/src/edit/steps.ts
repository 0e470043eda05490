/** The change set that is being drawn up: its steps, taken back and done again, and what is said of it. Kept for the person until it is handed in. */
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
  /** Grids whose borders are only corrected keep their codes. */
  keepCodes: boolean;
}

export const EMPTY: Sheet = { steps: [], undone: [], title: "", reason: "", day: "", keepCodes: false };

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

/** Distance of the ids of two steps: the first grid that step 2 makes is -20001. */
const STEP_IDS = 10_000;

/** The step that makes a grid of the draft, and which of its grids it is; null: the area is stored. */
export function madeBy(id: number): { step: number; number: number } | null {
  return id < 0 ? { step: Math.floor(-id / STEP_IDS), number: -id % STEP_IDS } : null;
}

/** The id of a grid of the draft when the step that makes it stands elsewhere. */
export function draftId(step: number, number: number): number {
  return -(STEP_IDS * step + number);
}

/** Whether a day lies before another. */
export function isPast(day: string, on: string): boolean {
  return day !== "" && day < on;
}

/** The beginning of a day in the city as a time with its zone; today is at once, and of a day before the server says what is wrong. */
export function effectiveAt(day: string, on: string): string | undefined {
  return !day || day === on ? undefined : dayBegins(day);
}

type Moving = Extract<Operation, { op: "move_vertex" | "move_edge" | "insert_vertex" | "delete_vertex" }>;

const CORRECTIONS = ["move_vertex", "move_edge", "insert_vertex", "delete_vertex", "reshape"];

/** Whether a step only corrects a border, so that the grids may keep their codes. */
export function corrects({ operation }: Step): boolean {
  return CORRECTIONS.includes(operation.op);
}

/** Whether an operation moves corners in every grid that has them. */
export function movesCorners(operation: Operation): operation is Moving {
  return ["move_vertex", "move_edge", "insert_vertex", "delete_vertex"].includes(operation.op);
}

/** An operation as it is asked for: the server's notes on a stored one are left out. */
export function plain(operation: Operation): Operation {
  if (!movesCorners(operation)) return operation;
  const { op, area_id } = operation;
  switch (op) {
    case "move_vertex":
      return { op, area_id, vertex: operation.vertex, to: operation.to };
    case "delete_vertex":
      return { op, area_id, vertex: operation.vertex };
    case "insert_vertex":
      return { op, area_id, edge: operation.edge, to: operation.to };
    case "move_edge":
      return { op, area_id, edge: operation.edge, to: operation.to };
  }
}

export function operandIds(operation: Operation): number[] {
  if ("area_ids" in operation && operation.area_ids) return operation.area_ids;
  return "area_id" in operation ? [operation.area_id] : [];
}

export function targetId(operation: Operation): number | null {
  if (operation.op === "transfer") return operation.community_id;
  return operation.op === "reparent" ? operation.parent_id : null;
}

/** The draft on the server that a kept sheet is, and whether it has what was not sent yet. */
export interface KeptAs {
  id: number;
  version: number;
  dirty: boolean;
}

const name = (username: string): string => `wangge.draft.${username}`;

/** Keep a sheet in the page's storage, for this person, until the server has it; an empty one is forgotten. */
export function keep(username: string, sheet: Sheet, as: KeptAs | null): void {
  try {
    if (as || sheet.steps.length || sheet.undone.length || sheet.title || sheet.reason)
      sessionStorage.setItem(name(username), JSON.stringify({ ...sheet, as }));
    else sessionStorage.removeItem(name(username));
  } catch {
    // storage may be closed: the server has the draft
  }
}

export function kept(username: string): [Sheet, KeptAs | null] {
  try {
    const stored = sessionStorage.getItem(name(username));
    if (stored) {
      const { as = null, ...sheet } = JSON.parse(stored) as Partial<Sheet> & { as?: KeptAs | null };
      return [{ ...EMPTY, ...sheet }, as];
    }
  } catch {
    // storage may be closed, or hold something else
  }
  return [EMPTY, null];
}
