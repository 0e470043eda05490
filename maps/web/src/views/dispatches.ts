/** Calls: the own ones of an officer; of dispatchers and supervisors all, and the towns that are short of officers. */
import { html, nothing, type TemplateResult } from "lit";
import type { RouteTo } from "../address/address";
import { go, tabRoute } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { may, session } from "../core/session";
import type { ShortTowns } from "../core/types";
import { mark, type Console } from "../console";
import { number } from "../texts/format";
import { t, term } from "../texts/text";
import "./dispatch_rows";
import { DISPATCH_STATES, dispatchesOf, OPEN_CALLS } from "./dispatch_rows";
import { backLink, empty, loaded, section, type Content } from "./pieces";

export class DispatchesView extends Piece {
  static override properties = { parts: { attribute: false }, state: {} };
  declare parts: Console;
  declare state: string;
  readonly #calls = new Loading(this, (signal) => this.#load(signal), ["cases"]);
  readonly #short = new Loading(this, async (signal) =>
    may("see_officers") ? await get<ShortTowns>("v1/short-towns", signal) : null,
  );

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.get("state") !== undefined) void this.#calls.load();
  }

  async #load(signal: AbortSignal) {
    const states = this.state ? [this.state] : OPEN_CALLS;
    const found = await Promise.all(
      (this.state === "all" ? [""] : states).map((state) =>
        dispatchesOf({ limit: "200", ...(state && { state }), ...(!may("see_officers") && { mine: "true" }) }, signal),
      ),
    );
    return found.flat().sort((a, b) => b.id - a.id);
  }

  protected override render() {
    return html`
      ${backLink(t("cases"), tabRoute("cases"))}
      <h2>${t(may("see_officers") ? "dispatches" : "dispatch.mine")}</h2>
      ${this.#filter()}
      <div @case-moved=${() => void this.#calls.load()}>
        ${loaded(this.#calls, (rows) =>
          rows.length
            ? html`<dispatch-rows .rows=${rows} .withCase=${true}></dispatch-rows>`
            : empty(t("dispatch.none")),
        )}
      </div>
      ${may("see_officers") ? section(t("officers.short"), loaded(this.#short, shortTowns)) : nothing}
    `;
  }

  #filter(): TemplateResult {
    const option = (value: string, name: string): TemplateResult =>
      html`<option value=${value} ?selected=${this.state === value}>${name}</option>`;
    const choose = ({ target }: Event): void => {
      const state = (target as HTMLSelectElement).value;
      go({ view: "dispatches", ...(state && { state }) });
    };
    return html`
      <div class="filter">
        <label>
          ${t("case.filter")}
          <select name="dispatch-state" .value=${this.state} @change=${choose}>
            ${option("", t("dispatch.open"))} ${option("all", t("all"))}
            ${DISPATCH_STATES.map((state) => option(state, term("dispatch_state", state)))}
          </select>
        </label>
      </div>
    `;
  }
}
customElements.define("dispatches-view", DispatchesView);

function shortTowns(found: ShortTowns | null): Content {
  if (!found?.towns.length) return empty(t("officers.none_short"));
  return html`
    <p class="muted">${t("officers.short_lead", { n: found.enough })}</p>
    <table class="data" data-short-towns>
      <thead><tr><th>${t("kind.town")}</th><th>${t("officers.certified")}</th></tr></thead>
      <tbody>
        ${found.towns.map((town) => html`<tr><td>${town.name}</td><td>${number(town.officers)}</td></tr>`)}
      </tbody>
    </table>
  `;
}

export const view = (to: RouteTo<"dispatches">, parts: Console) =>
  html`<dispatches-view .parts=${parts} .state=${to.state ?? ""}></dispatches-view>`;
