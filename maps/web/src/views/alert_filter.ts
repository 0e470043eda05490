/** Which alerts a list shows, and in which order. */
import type { AlertProperties } from "../core/types";
import { LEVELS } from "../map/palette";

/** Those that wait for a check, those that have one, and those whose evidence is gone. */
export const STATUSES = ["open", "checked", "faded"] as const;

/** What is chosen; what is not named keeps every alert. */
export interface AlertFilter {
  /** A status; nothing: those that wait for a check. The service is asked for these only. */
  state?: string;
  level?: string;
  /** Only those that the budget of the county has checked this week. */
  due?: boolean;
  /** The kind of alerts, by the model that raises them. */
  item?: string;
  outcome?: string;
  county?: string;
  town?: string;
  /** The body that leads the case of the alert. */
  body?: string;
  /** Only those whose case the person's body leads. */
  mine?: boolean;
}

/** Whether the list shows an alert; `own` is the body of the person. */
export function keeps(of: AlertProperties, filter: AlertFilter, own: string): boolean {
  return (
    (!filter.level || of.level === filter.level) &&
    (!filter.due || of.due) &&
    (!filter.item || of.kind === filter.item) &&
    (!filter.outcome || of.outcome === filter.outcome) &&
    (!filter.county || of.county === filter.county) &&
    (!filter.town || of.town === filter.town) &&
    (!filter.body || of.lead_body === filter.body) &&
    (!filter.mine || of.lead_body === own)
  );
}

function rank(level: string): number {
  const at = (LEVELS as readonly string[]).indexOf(level);
  return at < 0 ? LEVELS.length : at;
}

/** What the budget of the county has checked this week, then the worst level first, and the highest score in it. */
export function byWeight(a: AlertProperties, b: AlertProperties): number {
  const place = (alert: AlertProperties): number => alert.place ?? Number.MAX_SAFE_INTEGER;
  return Number(b.due) - Number(a.due) || rank(a.level) - rank(b.level) || b.score - a.score || place(a) - place(b);
}
