/** Small pieces that several views are made of. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import { explain } from "../core/api";
import { icon, type Icon } from "../core/icons";
import type { Loading } from "../core/loading";
import { complain } from "../core/notices";
import { go, linkTo } from "../address/router";
import type { Route } from "../address/address";
import { levelColors } from "../map/palette";
import { t, term } from "../texts/text";

/** What a template may hold: a template, a text, a number, nothing, or a row of them. */
export type Content = unknown;

export function loading(): TemplateResult {
  return html`<div class="loading" role="status"><span class="spinner"></span>${t("loading")}</div>`;
}

export function empty(text: string, drawing: Icon = "inbox"): TemplateResult {
  return html`<p class="empty">${icon(drawing)}<span>${text}</span></p>`;
}

export function failure(error: unknown, again?: () => void): TemplateResult {
  return html`
    <div class="failure" role="alert">
      <p>${explain(error)}</p>
      ${again ? html`<button type="button" @click=${again}>${t("try_again")}</button>` : nothing}
    </div>
  `;
}

/** What was loaded; until then that it is loading, or why it failed. */
export function loaded<T>(from: Loading<T>, show: (value: T) => Content): Content {
  if (from.value !== undefined) return show(from.value);
  return from.error === undefined ? loading() : failure(from.error, from.again);
}

/** A listener that does its work once at a time: the button cannot be pressed again meanwhile. */
export function busy(work: () => Promise<unknown>): (event: Event) => void {
  return ({ currentTarget }) => {
    const button = currentTarget as HTMLButtonElement;
    button.disabled = true;
    button.classList.add("busy");
    work()
      .catch(complain)
      .finally(() => {
        button.disabled = false;
        button.classList.remove("busy");
      });
  };
}

/** A listener of a link to a view of this page: a plain click goes there, others (a new tab) are the browser's. */
export function follow(to: Route, then?: () => void): (event: MouseEvent) => void {
  return (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
    event.preventDefault();
    go(to);
    then?.(); // after the new entry of the history, so that the entry of before keeps its place of the map
  };
}

export function levelBadge(level: string): TemplateResult {
  const { fill, edge } = levelColors(level);
  const style = styleMap({ "--level": fill, "--edge": edge });
  return html`<span class="badge level level-${level}" style=${style}>${term("level", level)}</span>`;
}

export function stateBadge(state: string): TemplateResult {
  return html`<span class="badge state state-${state}">${term("state", state)}</span>`;
}

/** Names and values in two columns; a row without a value is left out. */
export function facts(rows: readonly [string, Content][]): TemplateResult {
  const there = rows.filter(
    ([, value]) => value !== null && value !== undefined && value !== false && value !== "" && value !== nothing,
  );
  return html`<dl class="facts">${there.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

export function section(title: string, ...children: Content[]): TemplateResult {
  return html`<section class="part"><h3>${title}</h3>${children}</section>`;
}

/** A link back to the list that a thing is of. */
export function backLink(text: string, to: Route): TemplateResult {
  return html`<a class="back" href=${linkTo(to)} @click=${follow(to)}>${icon("back")}${text}</a>`;
}

export function download(name: string, content: unknown): void {
  save(name, new Blob([JSON.stringify(content, null, 2)], { type: "application/json" }));
}

/** Hand a file to the person. */
export function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
