/** The language of the page, and everything that is written differently in another one. */
import { Value } from "./value";
import { messages, type MessageKey, type Text } from "./messages";

export type Language = "zh" | "en";

const STORED = "wangge.language";
const CITY_TIME_ZONE = "Asia/Shanghai";

function initial(): Language {
  try {
    const stored = localStorage.getItem(STORED);
    if (stored === "zh" || stored === "en") return stored;
  } catch {
    // storage may be closed: the browser's language is used
  }
  return navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = new Value<Language>(initial());

function announce(now: Language): void {
  document.documentElement.lang = now === "zh" ? "zh-CN" : "en";
}
announce(language.get());
language.subscribe((now) => {
  announce(now);
  try {
    localStorage.setItem(STORED, now);
  } catch {
    // storage may be closed: the choice lasts as long as the page
  }
});

/** The text of that key; `{name}` is replaced by `values.name`. */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return messages[key][language.get()].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of a group and a code of the API, such as `state` and `filed`; an unknown code stands as it came. */
export function term(group: string, code: string | null | undefined): string {
  if (!code) return "–";
  const key = `${group}.${code}`;
  return key in messages ? t(key as MessageKey) : code;
}

export function pick(text: Partial<Text> | null | undefined): string {
  if (!text) return "";
  return (language.get() === "zh" ? text.zh : text.en) || text.en || text.zh || "";
}

function locale(): string {
  return language.get() === "zh" ? "zh-CN" : "en-GB";
}

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return value.toLocaleString(locale(), { maximumFractionDigits: digits, minimumFractionDigits: 0 });
}

/** A time in the city's time zone, to the minute. */
export function time(iso: string | null | undefined): string {
  if (!iso) return "–";
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  return moment
    .toLocaleString("sv-SE", { timeZone: CITY_TIME_ZONE, dateStyle: "short", timeStyle: "short" })
    .slice(0, 16);
}

/** The time of day in the city, to the second. */
export function clock(moment: Date): string {
  return moment.toLocaleTimeString("sv-SE", { timeZone: CITY_TIME_ZONE });
}

export function day(iso: string | null | undefined): string {
  if (!iso) return "–";
  return iso.length === 10 ? iso : time(iso).slice(0, 10);
}

/** Seconds as hours and minutes. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  const minutes = Math.round(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return hours
    ? t("duration.hours", { h: hours, m: String(minutes % 60).padStart(2, "0") })
    : t("duration.minutes", { m: minutes });
}

/** Square metres, as km² when there are many. */
export function surface(area_m2: number | null | undefined): string {
  if (area_m2 === null || area_m2 === undefined) return "–";
  return area_m2 >= 1e6 ? `${number(area_m2 / 1e6, 2)} km²` : `${number(area_m2)} m²`;
}
