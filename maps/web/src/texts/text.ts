/** Texts in the language of the page. */
import type { TermGroup } from "./glossary";
import { textOf } from "./known_texts";
import { language, type Text } from "./language";
import type { MessageKey } from "./messages";

function filled(text: string, values: Record<string, string | number>): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The text of that key; `{name}` is replaced by `values.name`. */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  return filled(textOf(key)?.[language.get()] ?? key, values);
}

/** The name of a code of the API, such as `state` and `filed`; an unknown code stands as it came. */
export function term(group: TermGroup, code: string | null | undefined): string {
  if (!code) return "–";
  return textOf(`${group}.${code}`)?.[language.get()] ?? code;
}

/** What a case is called: its title as it was opened, in English what its alert is. */
export function caseTitle({ title, title_en }: { title: string; title_en: string }): string {
  return pick({ zh: title, en: title_en });
}

/** The half of a text that is in the language of the page, else the other one. */
export function pick(text: Partial<Text> | null | undefined): string {
  if (!text) return "";
  return (language.get() === "zh" ? text.zh : text.en) || text.en || text.zh || "";
}

/** The name of the city in the language of the page; the settings may not have come yet. */
export function cityName(settings: { city_zh?: string; city_en?: string }): string {
  return pick({ zh: settings.city_zh ?? "", en: settings.city_en ?? "" });
}
