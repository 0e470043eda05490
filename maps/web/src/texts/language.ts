/** The language of the page. */
import { Value } from "../core/value";

export type Language = "zh" | "en";

export interface Text {
  zh: string;
  en: string;
}

const STORED = "wangge.language";

export function isLanguage(value: unknown): value is Language {
  return value === "zh" || value === "en";
}

/** What was chosen in this browser before, else the language of the browser. */
function initial(): Language {
  try {
    const stored = localStorage.getItem(STORED);
    if (isLanguage(stored)) return stored;
  } catch {
    // storage may be closed: the browser's language is used
  }
  return globalThis.navigator?.language.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export const language = new Value<Language>(initial());
/** The languages that the city offers. */
export const languages = new Value<readonly Language[]>(["zh", "en"]);

/** Offer the city's languages: a page in another one changes to the first of them. */
export function offerLanguages(offered: readonly Language[]): void {
  const [first] = offered;
  if (!first) return;
  languages.set(offered);
  if (!offered.includes(language.get())) language.set(first);
}

/** The tag of the language in HTML and for number formats. */
export function locale(): string {
  return language.get() === "zh" ? "zh-CN" : "en-GB";
}

/** Say in the document which language it is in, now and whenever it changes. */
export function announceLanguage(): void {
  const announce = (): void => {
    document.documentElement.lang = language.get() === "zh" ? "zh-CN" : "en";
  };
  announce();
  language.subscribe(announce);
}

/** Remember the language for the next visit. */
export function rememberLanguage(chosen: Language): void {
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // storage may be closed: the choice lasts as long as the page
  }
}
