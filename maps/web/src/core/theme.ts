/** Light or dark: as the desk has it, or as somebody chose in this browser. `public/theme.js` puts the choice in force before anything is painted. */
import { Value } from "./value";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
export type Shade = "light" | "dark";

const STORED = "wangge.theme";
const dark = globalThis.matchMedia?.("(prefers-color-scheme: dark)");

function initial(): Theme {
  try {
    const stored = localStorage.getItem(STORED);
    return THEMES.find((each) => each === stored) ?? "system";
  } catch {
    return "system"; // storage may be closed
  }
}

function shadeOf(chosen: Theme): Shade {
  if (chosen !== "system") return chosen;
  return dark?.matches ? "dark" : "light";
}

/** What was chosen. */
export const theme = new Value<Theme>(initial());
/** What is shown. */
export const shade = new Value<Shade>(shadeOf(theme.get()));

/** Choose a theme and remember it for the next visit. */
export function chooseTheme(chosen: Theme): void {
  theme.set(chosen);
  try {
    if (chosen === "system") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, chosen);
  } catch {
    // storage may be closed: the choice lasts as long as the page
  }
}

/** Put the theme in force, now and whenever it, the desk's own or another tab's choice changes. */
export function followTheme(): void {
  const apply = (): void => {
    const chosen = theme.get();
    if (chosen === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    shade.set(shadeOf(chosen));
  };
  apply();
  theme.subscribe(apply);
  dark?.addEventListener("change", apply);
  window.addEventListener("storage", ({ key }) => {
    if (key === STORED) theme.set(initial());
  });
}
