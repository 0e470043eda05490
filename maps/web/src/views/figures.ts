/** Indicators (行政问效): rates of a period by area, body or matter; each opens its cases. */
import { html, nothing, type TemplateResult } from "lit";
import { linkTo, tabRoute } from "../address/router";
import type { RouteTo } from "../address/address";
import { address, get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { session } from "../core/session";
import type { FigureCases, IndicatorTable } from "../core/types";
import { mark, type Console } from "../console";
import { fixed, number, percent, today } from "../texts/format";
import { t, term } from "../texts/text";
import { messages, type MessageKey } from "../texts/messages";
import { backLink, busy, empty, follow, loaded, type Content } from "./pieces";

type Row = IndicatorTable["rows"][number];
const PERIODS = [7, 30, 90, 365] as const;
const LEVELS = ["city", "county", "town", "community", "unit_grid"] as const;
const OTHERS = ["domain", "item_code", "lead_body", "source", "stage"] as const;
type By = "all" | (typeof LEVELS)[number] | (typeof OTHERS)[number];
const BY: readonly By[] = ["all", ...LEVELS, ...OTHERS];

/** A day some days before another one, both as YYYY-MM-DD. */
function daysBefore(day: string, days: number): string {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - days);
  return at.toISOString().slice(0, 10);
}

/** The words of a figure, a breakdown or a source; what has none is its own. */
function words(key: string, own: string): string {
  return key in messages ? t(key as MessageKey) : own;
}

export class FiguresView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  #days = 30;
  #by: By = "all";
  #within: { code: string; name: string } | null = null;
  #opened: { title: string; numbers: readonly string[] } | null = null;
  readonly #table = new Loading(this, (signal) => get<IndicatorTable>(`v1/indicators?${this.#query()}`, signal), [
    "cases",
  ]);

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  #query(more: Record<string, string> = {}): string {
    const until = daysBefore(today(), -1);
    return new URLSearchParams({
      since: daysBefore(until, this.#days),
      until,
      ...(this.#by !== "all" && { by: this.#by }),
      ...(this.#within && { within: this.#within.code }),
      ...more,
    }).toString();
  }

  #change(change: () => void): void {
    change();
    this.#opened = null;
    this.#table.again();
    this.requestUpdate();
  }

  async #open(row: Row, figure: string, whole: boolean): Promise<void> {
    const more = { figure, whole: String(whole), ...(row.key !== null && this.#by !== "all" && { key: row.key }) };
    const { cases } = await get<FigureCases>(`v1/indicators/cases?${this.#query(more)}`);
    const title = t("figures.cases", { figure: this.#nameOfFigure(figure), n: number(cases.length) });
    this.#opened = { title: `${this.#nameOf(row)} · ${title}`, numbers: cases };
    this.requestUpdate();
    await this.updateComplete;
    this.querySelector(".opened")?.scrollIntoView({ block: "nearest" });
  }

  #nameOfFigure(figure: string): string {
    return words(`figures.${figure}`, figure);
  }

  #nameOf({ key, name }: Row): string {
    if (this.#by === "all") return t("figures.total");
    if (key === null) return t("figures.without");
    if (this.#by === "domain") return term("domain", key);
    if (this.#by === "stage") return term("action", key);
    if (this.#by === "source") return words(`figures.source.${key}`, key);
    return name ?? key;
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("cases"), tabRoute("cases"))}
      <h2>${t("figures")}</h2>
      <p class="muted">${t("figures.lead")}</p>
      ${this.#filter()} ${loaded(this.#table, (found) => this.#rows(found))} ${this.#cases()}
    `;
  }

  #filter(): TemplateResult {
    const value = ({ target }: Event): string => (target as HTMLSelectElement).value;
    const file = (f: string): TemplateResult => html`
      <a href=${address(`v1/indicators?${this.#query({ f })}`)} download>${f.toUpperCase()}</a>
    `;
    return html`
      <div class="filter">
        <label>
          ${t("figures.period")}
          <select name="figures-days" @change=${(e: Event) => this.#change(() => (this.#days = Number(value(e))))}>
            ${PERIODS.map(
              (n) => html`<option value=${n} ?selected=${n === this.#days}>${t("figures.days", { n })}</option>`,
            )}
          </select>
        </label>
        <label>
          ${t("figures.by")}
          <select name="figures-by" @change=${(e: Event) => this.#change(() => (this.#by = value(e) as By))}>
            ${BY.map((by) => html`<option value=${by} ?selected=${by === this.#by}>${t(`figures.by.${by}`)}</option>`)}
          </select>
        </label>
        <span>${file("csv")} ${file("xlsx")}</span>
      </div>
      ${
        this.#within
          ? html`<p class="muted">
              ${t("figures.within", { area: this.#within.name })}
              <button type="button" class="plain" @click=${() => this.#change(() => (this.#within = null))}>
                ${t("figures.all_areas")}
              </button>
            </p>`
          : nothing
      }
    `;
  }

  #rows({ rows }: IndicatorTable): Content {
    if (!rows.length) return empty(t("figures.none"));
    const ranked = [...rows].sort((a, b) => (a.rank ?? rows.length + 1) - (b.rank ?? rows.length + 1));
    return html`<div class="rows">${ranked.map((row) => this.#row(row))}</div>`;
  }

  #row(row: Row): TemplateResult {
    const at = LEVELS.indexOf(this.#by as (typeof LEVELS)[number]);
    const next = at >= 0 && row.key !== null ? LEVELS[at + 1] : undefined;
    const inside = (): void =>
      this.#change(() => {
        this.#within = { code: row.key ?? "", name: this.#nameOf(row) };
        this.#by = next ?? this.#by;
      });
    const scores = [
      row.rank !== null && this.#by !== "all" ? t("figures.rank", { n: row.rank }) : null,
      row.score !== null ? t("figures.score", { score: fixed(row.score, 1) }) : null,
      row.score_before !== null ? t("figures.before", { value: fixed(row.score_before, 1) }) : null,
      row.score_year_before !== null ? t("figures.year_before", { value: fixed(row.score_year_before, 1) }) : null,
    ].filter(Boolean);
    return html`
      <section class="part" data-key=${row.key ?? ""}>
        <h3>
          ${this.#nameOf(row)}
          ${next ? html`<button type="button" class="plain" @click=${inside}>${t("figures.inside")}</button>` : nothing}
        </h3>
        <p class="muted">${scores.join(" · ")}</p>
        <dl class="facts">
          ${Object.entries(row.figures).map(
            ([name, figure]) => html`
              <dt>${this.#nameOfFigure(name)}</dt>
              <dd data-figure=${name}>
                <b>${percent(figure.value, 1)}</b>
                ${this.#opener(row, name, false, figure.part)} / ${this.#opener(row, name, true, figure.whole)}
                ${figure.small ? html`<span class="overdue">${t("figures.few")}</span>` : nothing}
                ${
                  figure.before === null
                    ? nothing
                    : html`<span class="muted">${t("figures.before", { value: percent(figure.before, 1) })}</span>`
                }
              </dd>
            `,
          )}
        </dl>
      </section>
    `;
  }

  #opener(row: Row, figure: string, whole: boolean, n: number): TemplateResult {
    if (!n) return html`<span>0</span>`;
    return html`
      <button type="button" class="plain" data-whole=${whole} @click=${busy(() => this.#open(row, figure, whole))}>
        ${number(n)}
      </button>
    `;
  }

  #cases(): Content {
    if (!this.#opened) return nothing;
    return html`
      <section class="part opened">
        <h3>${this.#opened.title}</h3>
        <div class="rows">
          ${this.#opened.numbers.map((each) => {
            const to = { view: "case", number: each } as const;
            return html`<a class="row" href=${linkTo(to)} @click=${follow(to)}><code>${each}</code></a>`;
          })}
        </div>
      </section>
    `;
  }
}
customElements.define("figures-view", FiguresView);

export const view = (_to: RouteTo<"figures">, parts: Console) => html`<figures-view .parts=${parts}></figures-view>`;
