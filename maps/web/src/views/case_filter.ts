/** Which cases a list shows, and in which order: the queue has those that somebody must still act on, the least time first. */
import type { CaseProperties } from "../core/types";

export const OVERDUE = "overdue";
export const ALL = "all";
export const DUES = ["day", "week", "late"] as const;
export type Due = (typeof DUES)[number];

/** What is chosen; what is not named keeps every case. */
export interface CaseFilter {
  /** A state, `overdue` or `all`; nothing: the queue. */
  state?: string;
  county?: string;
  town?: string;
  item?: string;
  body?: string;
  due?: Due;
  /** Only those in which the person's body takes part. */
  mine?: boolean;
}

const DAY_S = 86_400;

/** Whether nobody must act any more. */
export function isDone({ state }: Pick<CaseProperties, "state">): boolean {
  return state === "closed" || state === "merged";
}

/** Seconds until the deadline, negative after it; null without one, while the clock stands still, and of what is done. */
export function secondsLeft(of: CaseProperties, now_ms: number): number | null {
  if (!of.due_at || of.paused_since || isDone(of)) return null;
  return (Date.parse(of.due_at) - now_ms) / 1000;
}

/** By how many seconds a case was closed after its deadline; null: in time, or not closed. */
export function lateBy({ due_at, closed_at }: Pick<CaseProperties, "due_at" | "closed_at">): number | null {
  if (!due_at || !closed_at) return null;
  const seconds = (Date.parse(closed_at) - Date.parse(due_at)) / 1000;
  return seconds > 0 ? seconds : null;
}

function inState(of: CaseProperties, state = ""): boolean {
  if (state === ALL) return true;
  if (state === OVERDUE) return of.overdue;
  return state ? of.state === state : !isDone(of);
}

function isDue(of: CaseProperties, due: Due | undefined, now_ms: number): boolean {
  if (!due) return true;
  if (due === "late") return of.late;
  const left = secondsLeft(of, now_ms);
  return left !== null && left >= 0 && left <= (due === "day" ? DAY_S : 7 * DAY_S);
}

/** Whether the list shows a case; `own` is the body of the person. */
export function keeps(of: CaseProperties, filter: CaseFilter, own: string, now_ms: number): boolean {
  return (
    inState(of, filter.state) &&
    (!filter.county || of.county === filter.county) &&
    (!filter.town || of.town === filter.town) &&
    (!filter.item || of.item_code === filter.item) &&
    (!filter.body || of.lead_body === filter.body || of.co_handlers.includes(filter.body)) &&
    (!filter.mine || of.lead_body === own || of.co_handlers.includes(own)) &&
    isDue(of, filter.due, now_ms)
  );
}

/** The least time left first; then those without a clock, then the done ones, the newest first. */
export function byTimeLeft(a: CaseProperties, b: CaseProperties, now_ms: number): number {
  const done = Number(isDone(a)) - Number(isDone(b));
  if (done) return done;
  const [left, right] = [secondsLeft(a, now_ms) ?? Infinity, secondsLeft(b, now_ms) ?? Infinity];
  if (left !== right) return left - right;
  return Date.parse(b.closed_at ?? b.opened_at) - Date.parse(a.closed_at ?? a.opened_at);
}
