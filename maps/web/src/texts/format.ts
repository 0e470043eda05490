/** How times, numbers, units and lists are written. `maps/formats.py` follows the same rules; tests/maps/formats.json holds both to them. */
import { Value } from "../core/value";
import { locale } from "./language";
import { t, term } from "./text";

/** Where there is no value. */
export const NONE = "–";

/** The time zone of the city: every time on the page is in it. */
export const timeZone = new Value<string>("Asia/Shanghai");

type Maybe<T> = T | null | undefined;

function known(value: Maybe<number>): value is number {
  return value !== null && value !== undefined && Number.isFinite(value);
}

/** At most so many digits after the point. */
export function number(value: Maybe<number>, digits = 0): string {
  if (!known(value)) return NONE;
  return value.toLocaleString(locale(), { maximumFractionDigits: digits }).replace(/^-/, "−");
}

/** Exactly so many digits after the point. */
export function fixed(value: Maybe<number>, digits: number): string {
  if (!known(value)) return NONE;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value.toLocaleString(locale(), options).replace(/^-/, "−");
}

/** With its sign, unless it is written as zero. */
export function signed(value: Maybe<number>, digits: number): string {
  if (!known(value)) return NONE;
  const size = fixed(Math.abs(value), digits);
  if (!/[1-9]/.test(size)) return size;
  return (value < 0 ? "−" : "+") + size;
}

/** A share of 1. */
export function percent(share: Maybe<number>, digits = 0): string {
  return known(share) ? t("written.percent", { n: number(share * 100, digits) }) : NONE;
}

/** A number with its unit. */
export function quantity(value: Maybe<number>, unit: string, digits = 0): string {
  return known(value) ? `${number(value, digits)} ${unit}` : NONE;
}

/** Square metres, as km² when there are many. */
export function surface(area_m2: Maybe<number>): string {
  if (!known(area_m2)) return NONE;
  return area_m2 >= 1e6 ? quantity(area_m2 / 1e6, "km²", 2) : quantity(area_m2, "m²");
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const HAS_ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i;

/** The moment that a text names; a time without a zone is UTC. */
function moment(iso: string): Date | null {
  const made = new Date(HAS_ZONE.test(iso) ? iso : `${iso}Z`);
  return Number.isNaN(made.getTime()) ? null : made;
}

function inZone(at: Date, options: Intl.DateTimeFormatOptions): string {
  return at.toLocaleString("sv-SE", { timeZone: timeZone.get(), ...options });
}

/** A time in the city, to the minute; a day stays a day. */
export function time(iso: Maybe<string>): string {
  if (!iso) return NONE;
  if (DAY.test(iso)) return iso;
  const at = moment(iso);
  return at ? inZone(at, { dateStyle: "short", timeStyle: "short" }).slice(0, 16) : iso;
}

/** The day in the city. */
export function day(iso: Maybe<string>): string {
  return iso ? time(iso).slice(0, 10) : NONE;
}

/** Month, day and time of day, where the year is clear. */
export function shortTime(iso: Maybe<string>): string {
  const written = time(iso);
  return written.length === 16 ? written.slice(5) : written;
}

/** The time of day in the city, to the second. */
export function clock(at: Date): string {
  return at.toLocaleTimeString("sv-SE", { timeZone: timeZone.get() });
}

/** Today's date in the city. */
export function today(): string {
  return inZone(new Date(), { dateStyle: "short" });
}

/** From one day or time to another; without an end until now. */
export function span(from: Maybe<string>, to: Maybe<string>): string {
  return `${time(from)} – ${to ? time(to) : t("written.open_end")}`;
}

/** Seconds as hours and minutes. */
export function duration(seconds: Maybe<number>): string {
  if (!known(seconds)) return NONE;
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours
    ? t("written.hours", { h: number(hours), m: String(minutes % 60).padStart(2, "0") })
    : t("written.minutes", { m: minutes });
}

/** Time until a deadline or since it: from two days on in days and hours. */
export function timeLeft(seconds: Maybe<number>): string {
  const hours = known(seconds) ? Math.floor(seconds / 3600) : 0;
  if (hours < 48) return duration(seconds);
  return t("written.days", { d: number(Math.floor(hours / 24)), h: hours % 24 });
}

/** A name and what belongs to it, with the colon of the language. */
export function label(name: string, value: string): string {
  return t("written.label", { name, value });
}

/** A text and what is added to it, with the brackets of the language. */
export function brackets(text: string, more: string | number): string {
  return t("written.in_brackets", { text, more });
}

/** Several names in a row. */
export function list(names: readonly string[]): string {
  return names.join(t("written.list_separator"));
}

/** How far the clocks of the city are from UTC at that time, such as `+08:00`. */
function offset(at: Date): string {
  const name = new Intl.DateTimeFormat("en-GB", { timeZone: timeZone.get(), timeZoneName: "longOffset" })
    .formatToParts(at)
    .find((part) => part.type === "timeZoneName")?.value;
  return name?.replace("GMT", "") || "+00:00";
}

/** The beginning of a day in the city, as a time with its zone. */
export function dayBegins(day: string): string {
  return `${day}T00:00:00${offset(new Date(`${day}T00:00:00Z`))}`;
}

/** How far the clocks of the city are from UTC now, such as `UTC+8`. */
export function zoneOffset(): string {
  const distance = offset(new Date()).replace(/^([+-])0?(\d+):(\d\d)$/, (_, sign, hours, minutes) =>
    minutes === "00" ? sign + hours : `${sign}${hours}:${minutes}`,
  );
  return `UTC${distance}`;
}

/** The time zone by its name and its distance from UTC, said once on a page. */
export function zoneNote(): string {
  return t("written.zone", { name: term("time_zone", timeZone.get()), offset: zoneOffset() });
}
