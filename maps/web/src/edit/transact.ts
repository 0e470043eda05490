/** The one path of every edit: draft, apply, undo. The server decides; a refusal names its place. */
import type { Geometry } from "geojson";
import { get, post, Problem } from "../core/api";
import { pick } from "../core/language";
import type { ChangeSet, Operation } from "../core/types";

export interface Refusal {
  rule: string;
  zones: string[];
  clash: Geometry | null;
  text: string;
}

export type Drafted = { changeSet: ChangeSet } | { refusal: Refusal };

export async function draft(operations: Operation[]): Promise<Drafted> {
  try {
    return { changeSet: await post<ChangeSet>("v1/change-sets", { operations }) };
  } catch (error) {
    if (error instanceof Problem && error.kind === "topology-fault") return { refusal: refusalOf(error) };
    throw error;
  }
}

function refusalOf(problem: Problem): Refusal {
  const { rule, zones, clash, detail, detail_zh } = problem.body;
  return {
    rule: String(rule ?? ""),
    zones: Array.isArray(zones) ? zones.map(String) : [],
    clash: clash && typeof clash === "object" && "type" in clash ? (clash as Geometry) : null,
    text: pick({ en: String(detail ?? ""), zh: String(detail_zh ?? detail ?? "") }),
  };
}

export function apply(id: number): Promise<ChangeSet> {
  return post<ChangeSet>(`v1/change-sets/${id}/apply`);
}

export function undo(id: number): Promise<ChangeSet> {
  return post<ChangeSet>(`v1/change-sets/${id}/undo`);
}

export async function history(limit: number, signal: AbortSignal): Promise<ChangeSet[]> {
  return (await get<{ change_sets: ChangeSet[] }>(`v1/change-sets?limit=${limit}`, signal)).change_sets;
}
