/** The panel at the left: tabs, and the view that the route names. */
import { h, fill } from "../core/dom";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { go, route, tabOf, type Route, type Tab } from "../core/route";
import { loggedIn, may, session } from "../core/session";
import type { Console } from "../console";
import { alerts } from "./alerts";
import { assign } from "./assign";
import { card } from "./card";
import { caseView } from "./case";
import { cases } from "./cases";
import { edit } from "./edit";
import { overview } from "./overview";
import type { View } from "./view";

const LAYERS_OF: Record<Route["view"], string[]> = {
  overview: ["areas", "sites"],
  alerts: ["alerts"],
  alert: ["alerts"],
  cases: ["cases"],
  case: ["cases"],
  assign: [],
  edit: [],
};

function viewOf(to: Route): View {
  switch (to.view) {
    case "overview":
      return overview;
    case "alerts":
      return alerts;
    case "alert":
      return card(to.id);
    case "cases":
      return cases;
    case "case":
      return caseView(to.number);
    case "assign":
      return assign;
    case "edit":
      return edit;
  }
}

function tabs(): Tab[] {
  return [
    "overview",
    ...(loggedIn() ? (["alerts", "cases"] as const) : []),
    "assign",
    ...(may("edit_areas") ? (["edit"] as const) : []),
  ];
}

export class SidePanel {
  readonly element = h("section", { class: "side" });
  readonly #console: Console;
  readonly #bar = h("nav", { class: "tabs" });
  readonly #body = h("div", { class: "side-body" });
  readonly #fold = h("button", { class: "fold" });
  #ended = new AbortController();

  constructor(console: Console) {
    this.#console = console;
    this.element.append(this.#bar, this.#body, this.#fold);
    this.#fold.addEventListener("click", () => {
      this.element.classList.toggle("folded");
      this.#labels();
    });
    route.subscribe(() => {
      this.element.classList.remove("folded");
      this.draw();
    });
    language.subscribe(() => this.#drawInPlace());
    session.subscribe(() => {
      if (tabs().includes(tabOf(route.get()))) this.draw();
      else go({ view: "overview" });
    });
  }

  /** Width that covers the map, in pixels. */
  get width(): number {
    return this.element.classList.contains("folded") ? 0 : this.element.offsetWidth;
  }

  draw(): void {
    const current = route.get();
    this.#labels();
    const tab = (name: Tab): HTMLElement =>
      h(
        "button",
        {
          "aria-current": tabOf(current) === name ? "page" : undefined,
          "data-tab": name,
          onclick: () => go({ view: name }),
        },
        t(name),
      );
    fill(this.#bar, tabs().map(tab));
    this.#ended.abort();
    this.#ended = new AbortController();
    this.#body.replaceChildren();
    const into = h("div", { class: `view view-${current.view}` });
    this.#body.append(into);
    viewOf(current)({ console: this.#console, into, signal: this.#ended.signal, again: () => this.draw() });
  }

  /** Layers changed: draw anew what shows one of them, unless somebody is writing in the panel. */
  changed(layers: readonly string[]): void {
    if (!LAYERS_OF[route.get().view].some((each) => layers.includes(each)) || this.#isWriting()) return;
    this.#drawInPlace();
  }

  /** Draw anew, scrolled as it was. */
  #drawInPlace(): void {
    const top = this.#body.scrollTop;
    this.draw();
    requestAnimationFrame(() => (this.#body.scrollTop = top));
  }

  #isWriting(): boolean {
    return [...this.#body.querySelectorAll("textarea")].some(
      (each) => each.value !== "" || each === document.activeElement,
    );
  }

  #labels(): void {
    this.#bar.setAttribute("aria-label", t("tabs"));
    const folded = this.element.classList.contains("folded");
    this.#fold.textContent = folded ? "›" : "‹";
    this.#fold.setAttribute("aria-label", t(folded ? "panel_show" : "panel_hide"));
    this.#fold.title = t(folded ? "panel_show" : "panel_hide");
  }
}
