/** The list of cases that the person may see: the queue by the time left, and filters. */
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
import { brackets, number, time, timeLeft } from "../texts/format";
import { caseTitle, t, term } from "../texts/text";
import { ALL, byTimeLeft, DUES, keeps, lateBy, OVERDUE, secondsLeft, type CaseFilter } from "./case_filter";
import { crumbs, namedOptions } from "./crumbs";
import { empty, follow, loaded, stateBadge } from "./pieces";
import { followRow, rowKeys } from "./row_keys";

const MOST = 2000;

type CaseFeature = Feature<Point, CaseProperties>;

const FIGURES = { view: "figures" } as const;
const INTAKE = { view: "intake" } as const;
const CALLS = { view: "dispatches" } as const;
const REGISTERS = { view: "registers" } as const;

async function cases(signal: AbortSignal): Promise<CaseFeature[]> {
  const path = itemsPath("cases", { limit: 500, sortby: "-opened_at" });
  return await allItems<CaseProperties, Point>(path, MOST, signal);
}

/** The time left or over; of a closed case how late it was. */
function clock(p: CaseProperties): TemplateResult | typeof nothing {
  const late = lateBy(p);
  if (late !== null)
    return html`<span class="overdue" data-late>${t("case.closed_late", { time: timeLeft(late) })}</span>`;
  if (p.closed_at) return html`<span>${t("case.closed_on", { time: time(p.closed_at) })}</span>`;
  if (p.paused_since) return html`<span>${t("case.paused", { time: time(p.paused_since) })}</span>`;
  const left = secondsLeft(p, Date.now());
  if (left === null) return nothing;
  const words = t(left < 0 ? "case.time_over" : "case.time_left", { time: timeLeft(Math.abs(left)) });
  return html`<span class=${left < 0 ? "overdue" : ""} title=${time(p.due_at)}>${words}</span>`;
}

function row(parts: Console, { geometry, properties: p }: CaseFeature): TemplateResult {
  const to = { view: "case", number: p.number } as const;
  return html`
    <a
      class="row"
      data-number=${p.number}
      href=${linkTo(to)}
      @focus=${followRow(parts, geometry, 14)}
      @click=${follow(to, () => flyTo(parts, geometry, 14))}
    >
      <span class="row-head">${stateBadge(p.state)}<b>${caseTitle(p)}</b></span>
      <span class="row-foot">
        <code>${p.number}</code><span>${[p.county, p.town, p.community].filter(Boolean).join(" › ")}</span>
      </span>
      <span class="row-foot"><span>${p.lead_body ?? t("case.no_lead")}</span>${clock(p)}</span>
    </a>
  `;
}

export class CasesView extends Piece {
  static override properties = { parts: { attribute: false }, filter: { attribute: false } };
  declare parts: Console;
  declare filter: CaseFilter;
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
        const now_ms = Date.now();
        const shown = found.filter(({ properties }) => this.#keeps(properties, this.filter));
        shown.sort((a, b) => byTimeLeft(a.properties, b.properties, now_ms));
        return html`
          ${crumbs(this.filter, (to) => this.#choose(to))} ${this.#filters(found)}
          <p class="muted" role="status" data-count>${t("case.shown", { n: number(shown.length) })}</p>
          ${found.length >= MOST ? html`<p class="muted">${t("list.most", { n: number(MOST) })}</p>` : nothing}
          ${
            shown.length
              ? html`<div class="rows" @keydown=${rowKeys}>
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

  #keeps(of: CaseProperties, filter: CaseFilter): boolean {
    return keeps(of, filter, session.get().body ?? "", Date.now());
  }

  #choose(part: CaseFilter): void {
    const next = Object.entries({ ...this.filter, ...part }).filter(([, value]) => value);
    go({ view: "cases", ...Object.fromEntries(next) });
  }

  /** A choice with how many cases each would show beside what else is chosen. */
  #select(
    found: readonly CaseFeature[],
    name: keyof CaseFilter,
    title: string,
    options: readonly (readonly [string, string])[],
  ): TemplateResult {
    const chosen = String(this.filter[name] ?? "");
    const count = (value: string): string => {
      const filter = { ...this.filter, [name]: value };
      return number(found.filter(({ properties }) => this.#keeps(properties, filter)).length);
    };
    const choose = ({ target }: Event): void => this.#choose({ [name]: (target as HTMLSelectElement).value });
    return html`
      <label>
        ${title}
        <select name="case-${name}" .value=${chosen} @change=${choose}>
          ${options.map(
            ([value, text]) =>
              html`<option value=${value} ?selected=${chosen === value}>${brackets(text, count(value))}</option>`,
          )}
        </select>
      </label>
    `;
  }

  #filters(found: readonly CaseFeature[]): TemplateResult {
    const all = found.map((each) => each.properties);
    const within = all.filter((each) => !this.filter.county || each.county === this.filter.county);
    const { filter } = this;
    const chosenState = filter.state && filter.state !== ALL && filter.state !== OVERDUE ? [filter.state] : [];
    const states = [...new Set([...all.map((each) => each.state as string), ...chosenState])].map(
      (each) => [each, term("state", each)] as const,
    );
    const bodies = all.flatMap((each) => [each.lead_body, ...each.co_handlers]);
    const chosen = [filter.county, filter.town, filter.item, filter.body, filter.due].filter(Boolean).length;
    return html`
      <div class="filter">
        ${this.#select(found, "state", t("case.filter"), [
          ["", t("case.queue")],
          [OVERDUE, t("case.overdue")],
          ...states,
          [ALL, t("all")],
        ])}
      </div>
      ${
        session.get().body
          ? html`<div class="chips">
              <button
                type="button"
                class="chip"
                data-mine
                aria-pressed=${filter.mine ? "true" : "false"}
                @click=${() => this.#choose({ mine: !filter.mine })}
              >
                ${t("case.mine")}<small>${number(
                  found.filter(({ properties }) => this.#keeps(properties, { ...filter, mine: true })).length,
                )}</small>
              </button>
            </div>`
          : nothing
      }
      <details class="filters" ?open=${chosen > 0}>
        <summary>${chosen ? brackets(t("case.filters"), number(chosen)) : t("case.filters")}</summary>
        <div class="filter">
          ${this.#select(
            found,
            "county",
            t("kind.county"),
            namedOptions(
              all.map((each) => each.county),
              filter.county,
            ),
          )}
          ${this.#select(
            found,
            "town",
            t("kind.town"),
            namedOptions(
              within.map((each) => each.town),
              filter.town,
            ),
          )}
          ${this.#select(
            found,
            "item",
            t("case.matter"),
            namedOptions(
              all.map((each) => each.item_code),
              filter.item,
            ),
          )}
          ${this.#select(found, "body", t("case.body"), namedOptions(bodies, filter.body))}
          ${this.#select(found, "due", t("case.due_at"), [
            ["", t("all")],
            ...DUES.map((each) => [each, t(`case.due_${each}`)] as const),
          ])}
        </div>
      </details>
    `;
  }
}
customElements.define("cases-view", CasesView);

export const view = ({ view: _, ...filter }: RouteTo<"cases">, parts: Console) =>
  html`<cases-view .parts=${parts} .filter=${filter}></cases-view>`;
