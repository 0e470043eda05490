/** The one path of every edit: preview, draft, approve or turn down, undo. The server decides; a refusal names its place. */
import type { Geometry } from "geojson";
import { get, post, Problem } from "../core/api";
import { time } from "../texts/format";
import type { Text } from "../texts/language";
import type { Operation, Trial } from "../core/edit_types";
import type { ChangeSetDocument } from "../core/types";

export interface Refusal {
  rule: string;
  /** Zones by name and code. */
  zones: string[];
  clash: Geometry | null;
  /** In both languages: the page may change its language while it stands there. */
  detail: Text;
}

/** Somebody else was faster: which zones, and who made what of them, when. */
export interface Conflict {
  zones: string[];
  detail: Text;
}

export interface Asked {
  operations: Operation[];
  effective_at?: string;
  title?: string;
  reason?: string;
  keep_codes?: boolean;
}

export type Answer<T> = { done: T } | { refusal: Refusal } | { conflict: Conflict };

/** Answers that say in both languages why a step is not possible. */
const REFUSED = [400, 403, 404, 422];

/** What the server says: done, refused by a rule, or overtaken by somebody else. Other errors are thrown. */
async function answer<T>(work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { done: await work() };
  } catch (error) {
    if (error instanceof Problem && error.kind === "topology-fault") return { refusal: refusalOf(error) };
    if (error instanceof Problem && error.kind === "not-allowed" && error.body.detail_zh)
      return { refusal: { ...refusalOf(error), rule: "out_of_reach" } };
    if (error instanceof Problem && error.kind === "invalid-body" && error.body.rule)
      return { refusal: refusalOf(error) };
    if (error instanceof Problem && error.kind === "edit-conflict")
      return { conflict: { zones: zonesOf(error), detail: detailOf(error) } };
    if (error instanceof Problem && REFUSED.includes(error.status) && error.body.detail_zh)
      return { refusal: { ...refusalOf(error), rule: "not_possible" } };
    throw error;
  }
}

function zonesOf({ body }: Problem): string[] {
  return Array.isArray(body.zones) ? body.zones.map(String) : [];
}

/** The server's sentence in both languages, with times as people write them. */
function detailOf({ body }: Problem): Text {
  const written = (text: unknown): string =>
    String(text ?? "").replace(/\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)/g, (iso) => time(iso));
  return { en: written(body.detail), zh: written(body.detail_zh ?? body.detail) };
}

function refusalOf(problem: Problem): Refusal {
  const { rule, clash } = problem.body;
  return {
    rule: String(rule ?? ""),
    zones: zonesOf(problem),
    clash: clash && typeof clash === "object" && "type" in clash ? (clash as Geometry) : null,
    detail: detailOf(problem),
  };
}

export function preview(asked: Asked, signal: AbortSignal): Promise<Answer<Trial>> {
  return answer(() => post<Trial>("v1/change-sets/preview", asked, signal));
}

export function draft(asked: Asked): Promise<Answer<ChangeSetDocument>> {
  return answer(() => post<ChangeSetDocument>("v1/change-sets", asked));
}

export function approve(id: number): Promise<Answer<ChangeSetDocument>> {
  return answer(() => post<ChangeSetDocument>(`v1/change-sets/${id}/apply`));
}

export function turnDown(id: number, reason: string): Promise<Answer<ChangeSetDocument>> {
  return answer(() => post<ChangeSetDocument>(`v1/change-sets/${id}/reject`, { reason }));
}

export function undo(id: number): Promise<Answer<ChangeSetDocument>> {
  return answer(() => post<ChangeSetDocument>(`v1/change-sets/${id}/undo`));
}

export function changeSet(id: number): Promise<ChangeSetDocument> {
  return get<ChangeSetDocument>(`v1/change-sets/${id}`);
}

export async function history(limit: number, signal: AbortSignal): Promise<ChangeSetDocument[]> {
  return (await get<{ change_sets: ChangeSetDocument[] }>(`v1/change-sets?limit=${limit}`, signal)).change_sets;
}
