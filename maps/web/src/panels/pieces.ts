/** Small pieces that several panels are made of. */
import { explain, isAbort } from "../core/api";
import { h, fill, type Child } from "../core/dom";
import { t, term } from "../texts/text";
import { complain } from "../core/notices";
import { LEVEL_COLORS, LEVEL_EDGES } from "../map/palette";

export function loading(): HTMLElement {
  return h("div", { class: "loading", role: "status" }, h("span", { class: "spinner" }), t("loading"));
}

export function empty(text: string): HTMLElement {
  return h("p", { class: "empty" }, text);
}

export function failure(error: unknown, again?: () => void): HTMLElement {
  return h(
    "div",
    { class: "failure", role: "alert" },
    h("p", {}, explain(error)),
    again && h("button", { onclick: again }, t("try_again")),
  );
}

/** Show the loading state, then what `work` makes, or why it failed. */
export async function show(into: HTMLElement, work: () => Promise<Child>, again: () => void): Promise<void> {
  fill(into, loading());
  try {
    fill(into, await work());
  } catch (error) {
    if (!isAbort(error)) fill(into, failure(error, again));
  }
}

/** A button that cannot be pressed again while its work is done. */
export function actionButton(
  text: string,
  work: () => Promise<void>,
  attributes: Record<string, unknown> = {},
): HTMLButtonElement {
  const button = h("button", { type: "button", ...attributes }, text);
  button.addEventListener("click", () => {
    button.disabled = true;
    button.classList.add("busy");
    work()
      .catch(complain)
      .finally(() => {
        button.disabled = false;
        button.classList.remove("busy");
      });
  });
  return button;
}

export function levelBadge(level: string): HTMLElement {
  const style = `--level:${LEVEL_COLORS[level] ?? "#8895a1"};--edge:${LEVEL_EDGES[level] ?? "#55616d"}`;
  return h("span", { class: `badge level level-${level}`, style }, term("level", level));
}

export function stateBadge(state: string): HTMLElement {
  return h("span", { class: `badge state state-${state}` }, term("state", state));
}

/** Names and values in two columns; a row without a value is left out. */
export function facts(rows: [string, Child][]): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    rows
      .filter(([, value]) => value !== null && value !== undefined && value !== "")
      .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]),
  );
}

export function section(title: string, ...children: Child[]): HTMLElement {
  return h("section", { class: "part" }, h("h3", {}, title), ...children);
}

export function backButton(text: string, act: () => void): HTMLElement {
  return h("button", { class: "back", onclick: act }, "‹ ", text);
}

export function download(name: string, content: unknown): void {
  save(name, new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
}

/** Hand a file to the person. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
