/** The columns of the registers as a person edits them, and their values as text and back. */
import type { RegisterName } from "../address/address";
import type { RegisterEntry } from "../core/types";
import { t, term } from "../texts/text";
import type { MessageKey } from "../texts/messages";

export type Register = RegisterName;
export type RegisterVersion = RegisterEntry["version"];

export interface Field {
  name: string;
  form: "text" | "date" | "number" | "list" | "flag" | "level" | "domain" | "post";
  required?: true;
}

const text = (...names: string[]): Field[] => names.map((name) => ({ name, form: "text" }));
const STAGES = ["overall", "verify", "file", "dispatch", "arrive", "dispose", "feed_back", "review", "check", "close"];

export const FIELDS: Record<Register, readonly Field[]> = {
  bodies: [
    { name: "name", form: "text", required: true },
    ...text("short_name"),
    { name: "former_names", form: "list" },
    { name: "level", form: "level", required: true },
    ...text("area_code"),
    { name: "domains", form: "list" },
    ...text("parent_code", "phone"),
  ],
  officers: [
    { name: "name", form: "text", required: true },
    { name: "certificate_from", form: "date" },
    { name: "certificate_to", form: "date" },
    { name: "body_code", form: "text", required: true },
    { name: "area_codes", form: "list" },
    { name: "domains", form: "list" },
    { name: "on_duty", form: "flag" },
    ...text("phone", "username"),
  ],
  matters: [
    { name: "name", form: "text", required: true },
    ...text("name_en"),
    { name: "domain", form: "domain", required: true },
    ...text(...STAGES.map((stage) => `limit_${stage}`)),
    { name: "suspension_stops_clock", form: "flag" },
    { name: "extension_days_at_most", form: "number" },
    { name: "evidence", form: "list" },
    { name: "legal_review", form: "flag" },
    { name: "duplicate_radius_m", form: "number" },
    { name: "duplicate_days", form: "number" },
    { name: "public", form: "flag" },
    ...text("alert_kind"),
    { name: "keywords", form: "list" },
  ],
  grid_workers: [
    { name: "name", form: "text", required: true },
    { name: "area_codes", form: "list", required: true },
    { name: "post", form: "post", required: true },
    { name: "on_duty", form: "flag" },
    ...text("phone"),
  ],
  grid_households: [
    { name: "households", form: "number", required: true },
    { name: "residents", form: "number" },
  ],
};

export type Value = string | number | boolean | null | readonly string[];

export function valueIn(version: RegisterVersion, name: string): Value {
  return (version as unknown as Record<string, Value | undefined>)[name] ?? null;
}

export function labelOf(field: string): string {
  return t(`register.${field}` as MessageKey);
}

/** The value as a person reads it: names for codes where they are known. */
export function shown({ name, form }: Field, value: Value, names: Record<string, string>): string {
  if (value === null || value === "") return "";
  if (typeof value === "boolean") return t(value ? "registers.yes" : "registers.no");
  if (form === "level") return term("level_of", String(value));
  if (form === "domain") return term("domain", String(value));
  if (form === "post") return t(`register.post.${String(value)}` as MessageKey);
  const named = (code: string): string =>
    name === "domains" ? term("domain", code) : names[code] ? `${names[code]} ${code}` : code;
  return Array.isArray(value) ? value.map(named).join("; ") : named(String(value));
}

/** The value as it stands in an input. */
export function typed(value: Value): string {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  return Array.isArray(value) ? value.join("; ") : String(value);
}

/** What an input says, as the service takes it. */
export function given({ form }: Field, written: string): Value {
  const plain = written.trim();
  if (form === "list")
    return plain
      .split(/[;；]/)
      .map((part) => part.trim())
      .filter(Boolean);
  if (form === "flag") return plain === "yes";
  return plain || null;
}
