/** What the service answers, as far as the console reads it. */
import type { FeatureCollection, Geometry } from "geojson";
import type { Text } from "../texts/language";

export interface AreaName {
  id?: number;
  code: string;
  name: string;
}

export interface Session {
  role: string;
  username?: string;
  display_name?: string;
  area?: AreaName | null;
  body?: string | null;
  csrf_token?: string;
}

export interface Settings {
  tile_url?: string;
  tile_crs?: string;
  version?: string;
  city?: string;
}

export interface AreaProperties {
  code: string;
  name: string;
  kind: string;
  parent_id: number | null;
  valid_from: string;
  valid_to: string | null;
  area_m2: number;
  indicative: boolean;
  void_reason?: string | null;
}

/** An area by the names that people know it by. */
export interface ZoneName {
  id: number;
  code: string;
  name: string;
}

export interface SiteProperties {
  site_id: string;
  kind: string;
  enterprise_name: string;
  uscc: string;
  industry?: string;
  hazard: string;
  status: string;
  status_since: string | null;
  boundary: Geometry | null;
}

export interface AlertProperties {
  site_id: string;
  site_name: string;
  level: string;
  score: number;
  raised_at: string;
  status: string;
  case_number: string | null;
}

export interface CaseProperties {
  number: string;
  title: string;
  state: string;
  domain: string;
  item_code: string;
  lead_body: string | null;
  co_handlers: string[];
  grid_code: string | null;
  community: string | null;
  town: string | null;
  county: string | null;
  opened_at: string;
  due_at: string | null;
  closed_at: string | null;
  overdue: boolean;
}

export interface Evidence {
  signal: string;
  value: number | null;
  baseline: number | null;
  period?: unknown;
  contribution: number;
  family?: string;
  quality?: number | string | null;
  sentence_zh?: string;
  sentence_en?: string;
}

export interface Reading {
  day: string;
  value: number | null;
  quality: string;
}

export interface CardVisit {
  vehicle_id: string;
  plate_masked: string | null;
  plate?: string | null;
  entered_at: string;
  left_at: string;
  seen_s?: number;
  unseen_s?: number;
  share: number;
  night?: number;
  excluded_by?: string | null;
}

export interface EvidenceCard {
  alert: { id: number; status: string; outcome: string | null; raised_at: string };
  site: { site_id: string; kind?: string; lon?: number; lat?: number; geometry?: Geometry };
  enterprise: {
    name: string;
    uscc: string;
    hazard?: string;
    industry?: string;
    status: string;
    status_since: string | null;
  };
  level: string;
  score: number;
  evidence: Evidence[];
  would_lower: Text[];
  notices?: { kind: string; valid_from: string; valid_to: string | null }[];
  meters: Record<string, Reading[]>;
  visits: CardVisit[];
  case_number: string | null;
}

export interface ExplanationStep {
  step?: number | string;
  rule?: string;
  zh: string;
  en: string;
  chosen?: unknown;
  not_chosen?: unknown;
}

export interface CoHandler {
  body: string;
  level?: string;
  /** Chinese; English in `reason_en`. */
  reason?: string;
  reason_en?: string;
}

export interface Candidate {
  code: string;
  name: string;
  share?: number;
}

export interface Assignment {
  outcome: string;
  areas: Record<string, AreaName | AreaName[] | null | undefined>;
  lead: { body: string; level: string; item_code: string; legal_basis: string; area_code?: string } | null;
  co_handlers: CoHandler[];
  copied_to?: CoHandler[];
  candidates?: Candidate[];
  explanation: ExplanationStep[];
}

export interface CaseEvent {
  seq: number;
  at: string;
  actor: string;
  role: string;
  action: string;
  from_state: string | null;
  to_state: string;
  payload: Record<string, unknown>;
  prev_hash: string;
  hash: string;
}

export interface CaseDocument extends CaseProperties {
  id: number;
  geometry: Geometry | null;
  alert_id: number | null;
  assignment: Assignment | null;
  explanation: ExplanationStep[];
  events: CaseEvent[];
  available_actions: string[];
}

export interface DutyItem {
  item_code: string;
  item: string;
  domain: string;
  legal_basis: string;
  body: string;
  role: string;
}

export interface UnitLoad {
  code: string;
  sites?: number;
  cases?: number;
  area_m2?: number;
}

export interface Preview {
  affected_sites?: number;
  open_cases?: string[];
  new_codes?: string[];
  voided_codes?: string[];
  /** Codes of larger areas that go on with another outline. */
  outlines?: string[];
  load?: { before?: UnitLoad[]; after?: UnitLoad[] } | UnitLoad[];
  result?: FeatureCollection;
}

interface Named {
  id: number;
  code: string;
}

/** What a draft of the operations would be; nothing of it is kept. */
export interface Trial {
  id: number | null;
  operations: Operation[];
  preview: Preview;
  effective_at?: string | null;
  may_approve?: boolean;
}

export interface ChangeSet extends Trial {
  id: number;
  status: string;
  author: string;
  approved_by?: string | null;
  created_at: string;
  applied_at: string | null;
  title?: string;
  reason?: string;
  undoes_id?: number | null;
  /** What was done when it came into force (codes may differ from the preview's), or why it was turned down. */
  result?: { created?: Named[]; voided?: Named[]; rejected_by?: string; reason?: string; reason_zh?: string } | null;
}

interface Line {
  type: "LineString";
  coordinates: number[][];
}

export type Operation =
  | { op: "split"; area_id: number; line: Line }
  | { op: "merge"; area_ids: number[]; parts_reason?: string }
  | { op: "move_vertex"; area_id: number; area_ids?: number[]; vertex: number[]; to: number[] }
  | { op: "move_edge"; area_id: number; area_ids?: number[]; edge: Line; to: Line }
  | { op: "reshape"; area_ids: number[]; line: Line }
  | { op: "transfer"; area_ids: number[]; community_id: number; parts_reason?: string }
  | { op: "reparent"; area_id: number; parent_id: number; code?: string; parts_reason?: string }
  | { op: "undo"; change_set_id: number; area_ids: number[] };

/** What one community has to carry; a load of 1 is the mean. */
export interface ZoneLoad {
  id: number;
  code: string;
  name: string;
  households: number;
  enterprises: number;
  cases: number;
  area_m2: number;
  road_length_m: number;
  load: number;
  load_after: number;
}

export interface BalanceMove {
  area_id: number;
  code: string;
  from_code: string;
  to_id: number;
  to_code: string;
  gain: number;
}

export interface Balance {
  zones: ZoneLoad[];
  spread: number;
  spread_after: number;
  moves: BalanceMove[];
  weights: Record<string, number>;
}
