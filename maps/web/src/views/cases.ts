/** The list of cases that the person may see. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { Feature, Point } from "geojson";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { allItems, itemsPath } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { may, session } from "../core/session";
import type { CaseProperties } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { brackets, day, number } from "../texts/format";
import { caseTitle, t, term } from "../texts/text";
import { empty, follow, loaded, stateBadge } from "./pieces";

const MOST = 2000;
const OVERDUE = "overdue";

type CaseFeature = Feature<Point, CaseProperties>;

const FIGURES = { view: "figures" } as const;
const INTAKE = { view: "intake" } as const;
const CALLS = { view: "dispatches" } as const;
const REGISTERS = { view: "registers" } as const;

async function cases(signal: AbortSignal): Promise<CaseFeature[]> {
  const path = itemsPath("cases", { limit: 500, sortby: "-opened_at" });
  const found = await allItems<CaseProperties, Point>(path, MOST, signal);
  return found.sort((a, b) => Number(b.properties.overdue) - Number(a.properties.overdue));
}

function inState({ properties: p }: CaseFeature, state: string): boolean {
  return !state || (state === OVERDUE ? p.overdue : p.state === state);
}

function row(parts: Console, { geometry, properties: p }: CaseFeature): TemplateResult {
  const to = { view: "case", number: p.number } as const;
  const due = t(p.overdue ? "case.overdue_since" : "case.due", { day: day(p.due_at) });
  return html`
    <a class="row" data-number=${p.number} href=${linkTo(to)} @click=${follow(to, () => flyTo(parts, geometry, 14))}>
      <span class="row-head">${stateBadge(p.state)}<b>${caseTitle(p)}</b></span>
      <span class="row-foot">
        <code>${p.number}</code><span>${[p.county, p.town, p.community].filter(Boolean).join(" · ")}</span>
      </span>
      <span class="row-foot">
        <span>${p.lead_body ?? t("case.no_lead")}</span>
        ${p.due_at ? html`<span class=${p.overdue ? "overdue" : ""}>${due}</span>` : nothing}
      </span>
    </a>
  `;
}

export class CasesView extends Piece {
  static override properties = { parts: { attribute: false }, state: {} };
  declare parts: Console;
  declare state: string;
  readonly #cases = new Loading(this, cases, ["cases"]);

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render() {
    const area = session.get().area?.name;
    return html`
      <h2>${t("cases")}</h2>
      <p class="muted">
        ${area ? t("case.scope", { area }) : t("case.scope_city")} ·
        <a href=${linkTo(FIGURES)} @click=${follow(FIGURES)}>${t("figures")}</a>
        ${
          may("report_clues")
            ? html` · <a href=${linkTo(INTAKE)} data-intake @click=${follow(INTAKE)}>${t("intake")}</a>`
            : nothing
        }
        ${
          may("read_dispatches")
            ? html` ·
              <a href=${linkTo(CALLS)} data-calls @click=${follow(CALLS)}>
                ${t(may("see_officers") ? "dispatches" : "dispatch.mine")}
              </a>`
            : nothing
        }
        · <a href=${linkTo(REGISTERS)} @click=${follow(REGISTERS)}>${t("registers")}</a>
      </p>
      ${loaded(this.#cases, (found) => {
        const shown = found.filter((each) => inState(each, this.state));
        return html`
          ${this.#filter(found)}
          ${found.length >= MOST ? html`<p class="muted">${t("list.most", { n: number(MOST) })}</p>` : nothing}
          ${
            shown.length
              ? html`<div class="rows">
                  ${repeat(
                    shown,
                    (each) => each.properties.number,
                    (each) => row(this.parts, each),
                  )}
                </div>`
              : empty(t("case.none"))
          }
        `;
      })}
    `;
  }

  #filter(found: readonly CaseFeature[]): TemplateResult {
    const states = new Set<string>(found.map((each) => each.properties.state));
    if (found.some((each) => each.properties.overdue)) states.add(OVERDUE);
    if (this.state) states.add(this.state);
    const option = (state: string, name: string): TemplateResult => {
      const n = number(found.filter((each) => inState(each, state)).length);
      return html`<option value=${state} ?selected=${this.state === state}>${brackets(name, n)}</option>`;
    };
    const choose = ({ target }: Event): void => {
      const state = (target as HTMLSelectElement).value;
      go({ view: "cases", ...(state && { state }) });
    };
    return html`
      <div class="filter">
        <label>
          ${t("case.filter")}
          <select name="case-state" .value=${this.state} @change=${choose}>
            ${option("", t("all"))}
            ${[...states].map((state) => option(state, state === OVERDUE ? t("case.overdue") : term("state", state)))}
          </select>
        </label>
      </div>
    `;
  }
}
customElements.define("cases-view", CasesView);

export const view = (to: RouteTo<"cases">, parts: Console) =>
  html`<cases-view .parts=${parts} .state=${to.state ?? ""}></cases-view>`;
