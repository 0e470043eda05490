/** The list of alerts: the worst first, with filters. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Feature, Point } from "geojson";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { allItems, get, itemsPath } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { phone } from "../core/phone";
import { session } from "../core/session";
import type { AlertProperties, ModelsInForce } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { LEVELS } from "../map/palette";
import { brackets, fixed, number, time } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { byWeight, keeps, STATUSES, type AlertFilter } from "./alert_filter";
import { budgetsOf } from "./budgets";
import { confirmedShare, shareAt } from "./calibration";
import { crumbs, namedOptions } from "./crumbs";
import { empty, follow, levelBadge, loaded } from "./pieces";
import { followRow, rowKeys } from "./row_keys";

const MOST = 2000;
const OUTCOMES = ["confirmed", "legal_use", "cannot_tell"] as const;
const RUNS = { view: "runs" } as const;
const MODELS = { view: "models" } as const;

type AlertFeature = Feature<Point, AlertProperties>;

interface Queue {
  found: AlertFeature[];
  models: ModelsInForce["models"];
}

async function alerts(status: string, signal: AbortSignal): Promise<Queue> {
  const path = itemsPath("alerts", { limit: 500, sortby: "-score", status });
  const [found, { models }] = await Promise.all([
    allItems<AlertProperties, Point>(path, MOST, signal),
    get<ModelsInForce>("v1/models", signal),
  ]);
  return { found: found.sort((a, b) => byWeight(a.properties, b.properties)), models };
}

function row(parts: Console, { id, geometry, properties: p }: AlertFeature, { models }: Queue): TemplateResult {
  const to = { view: "alert", id: Number(id) } as const;
  const steps = models.find((each) => each.alert_kind === p.kind)?.calibration;
  return html`
    <a class="row" data-alert=${to.id} href=${linkTo(to)}
      @focus=${followRow(parts, geometry, p.fence_id ? 11 : 14)}
      @click=${follow(to, () => flyTo(parts, geometry, p.fence_id ? 11 : 14))}>
      <span class="row-head">
        ${levelBadge(p.level)}${p.due ? html`<span class="badge due">${t("alert.due")}</span>` : nothing}<b>${p.site_name || p.site_id || p.fence_id}</b>
        <span class="score" title=${t("alert.clue")}>${fixed(p.score, 2)}</span>
      </span>
      <span class="row-foot">
        <span>${[p.county, p.town].filter(Boolean).join(" › ")}</span>
        ${
          p.place === null || p.place === undefined
            ? nothing
            : html`<span data-place title=${t("alert.place_about")}
                >${t("alert.place", { n: number(p.place), k: number(p.checks_per_week) })}</span
              >`
        }
        ${steps ? html`<span data-confirmed>${confirmedShare(shareAt(steps.points, p.score))}</span>` : nothing}
        <span>${time(p.raised_at)}</span>
        ${p.outcome ? html`<span>${term("outcome", p.outcome)}</span>` : nothing}
        <span>${p.case_number ? `${t("alert.case")} ${p.case_number}` : t("alert.no_case")}</span>
      </span>
    </a>
  `;
}

export class AlertsView extends Piece {
  static override properties = {
    parts: { attribute: false },
    filter: { attribute: false },
    budgets: { state: true },
  };
  declare budgets: boolean;
  declare parts: Console;
  declare filter: AlertFilter;
  readonly #alerts = new Loading(this, (signal) => alerts(this.filter.state ?? "open", signal), ["alerts"]);

  protected override follows() {
    return [session, phone];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render() {
    return html`
      <h2>${t("alerts")}</h2>
      ${phone.get() ? nothing : this.#about()} ${this.#statuses()} ${loaded(this.#alerts, (queue) => this.#list(queue))}
      ${phone.get() ? this.#about() : nothing}
    `;
  }

  /** What an alert is, and the budgets of checks; on a phone below the list, which comes first. */
  #about(): TemplateResult {
    const opened = (open: boolean): void => {
      this.budgets = open;
    };
    return html`
      <p class="muted">
        ${t("alert.clue_long")} <a href=${linkTo(RUNS)} @click=${follow(RUNS)}>${t("runs")}</a> ·
        <a href=${linkTo(MODELS)} @click=${follow(MODELS)}>${t("models")}</a>
      </p>
      <div @budget-set=${() => this.#alerts.again()}>${budgetsOf(this.budgets, opened)}</div>
    `;
  }

  #list(queue: Queue): TemplateResult {
    const { found } = queue;
    const shown = found.filter(({ properties }) => this.#keeps(properties, this.filter));
    return html`
      ${crumbs(this.filter, (to) => this.#choose(to))} ${this.#filters(queue)}
      <p class="muted" role="status" data-count>${t("alert.shown", { n: number(shown.length) })}</p>
      ${found.length >= MOST ? html`<p class="muted">${t("list.most", { n: number(MOST) })}</p>` : nothing}
      ${
        shown.length
          ? html`<div class="rows" @keydown=${rowKeys}>
              ${repeat(
                shown,
                (each) => each.id,
                (each) => row(this.parts, each, queue),
              )}
            </div>`
          : empty(t("alert.none"))
      }
    `;
  }

  #keeps(of: AlertProperties, filter: AlertFilter): boolean {
    return keeps(of, filter, session.get().body ?? "");
  }

  #choose(part: AlertFilter): void {
    const next = Object.entries({ ...this.filter, ...part }).filter(([, value]) => value);
    go({ view: "alerts", ...Object.fromEntries(next) });
  }

  #statuses(): TemplateResult {
    const now = this.filter.state ?? "open";
    const choice = (status: string): TemplateResult => html`
      <button
        type="button"
        class="chip"
        data-status=${status}
        aria-pressed=${now === status ? "true" : "false"}
        @click=${() => this.#choose({ state: status === "open" ? "" : status, outcome: "" })}
      >
        ${term("alert_status", status)}
      </button>
    `;
    return html`<div class="chips" role="group" aria-label=${t("alert.status")}>${STATUSES.map(choice)}</div>`;
  }

  /** Filters; on a phone they open at a touch, so that the list is seen. */
  #filters(queue: Queue): TemplateResult {
    const { level, due, item, outcome, county, town, body, mine } = this.filter;
    const chosen = [level, due, item, outcome, county, town, body, mine].filter(Boolean).length;
    return html`
      <details class="filters" ?open=${!phone.get() || chosen > 0}>
        <summary>${chosen ? brackets(t("filters"), number(chosen)) : t("filters")}</summary>
        ${this.#chips(queue.found)} ${this.#selects(queue)}
      </details>
    `;
  }

  #chips(found: readonly AlertFeature[]): TemplateResult {
    const { filter } = this;
    const count = (part: AlertFilter): number =>
      found.filter(({ properties }) => this.#keeps(properties, { ...filter, ...part })).length;
    const level = (value: string, name: string): TemplateResult => html`
      <button
        type="button"
        class="chip"
        data-level=${value}
        aria-pressed=${(filter.level ?? "") === value ? "true" : "false"}
        @click=${() => this.#choose({ level: value })}
      >
        ${name}<small>${number(count({ level: value }))}</small>
      </button>
    `;
    const only = (name: "due" | "mine", text: string, there: boolean) =>
      there || filter[name]
        ? html`<button
            type="button"
            class="chip"
            ?data-due=${name === "due"}
            ?data-mine=${name === "mine"}
            aria-pressed=${filter[name] ? "true" : "false"}
            @click=${() => this.#choose({ [name]: !filter[name] })}
          >
            ${text}<small>${number(count({ [name]: true }))}</small>
          </button>`
        : nothing;
    return html`
      <div class="chips" role="group" aria-label=${t("alert.filter")}>
        ${only(
          "due",
          t("alert.due"),
          found.some((each) => each.properties.due),
        )}
        ${only("mine", t("case.mine"), Boolean(session.get().body))} ${level("", t("all"))}
        ${LEVELS.map((each) => level(each, term("level", each)))}
      </div>
    `;
  }

  /** A choice with how many alerts each would show beside what else is chosen. */
  #select(
    found: readonly AlertFeature[],
    name: "item" | "outcome" | "county" | "town" | "body",
    title: string,
    options: readonly (readonly [string, string])[],
  ): TemplateResult {
    const chosen = this.filter[name] ?? "";
    const count = (value: string): string =>
      number(found.filter(({ properties }) => this.#keeps(properties, { ...this.filter, [name]: value })).length);
    const choose = ({ target }: Event): void => this.#choose({ [name]: (target as HTMLSelectElement).value });
    return html`
      <label>
        ${title}
        <select name="alert-${name}" .value=${chosen} @change=${choose}>
          ${options.map(
            ([value, text]) =>
              html`<option value=${value} ?selected=${chosen === value}>${brackets(text, count(value))}</option>`,
          )}
        </select>
      </label>
    `;
  }

  #selects({ found, models }: Queue): TemplateResult {
    const { filter } = this;
    const all = found.map(({ properties }) => properties);
    const within = all.filter((each) => !filter.county || each.county === filter.county);
    const kinds = [...new Set(all.map(({ kind }) => kind))];
    const kindName = (kind: string): string => pick(models.find((each) => each.alert_kind === kind)?.title) || kind;
    const named = (name: "county" | "town" | "body", title: string, values: readonly (string | null)[]) =>
      this.#select(found, name, title, namedOptions(values, filter[name]));
    return html`
      <div class="filter">
        ${
          kinds.length > 1 || filter.item
            ? this.#select(found, "item", t("alert.kind"), [
                ["", t("all")],
                ...kinds.map((each) => [each, kindName(each)] as const),
              ])
            : nothing
        }
        ${
          filter.state === "checked"
            ? this.#select(found, "outcome", t("alert.outcome"), [
                ["", t("all")],
                ...OUTCOMES.map((each) => [each, term("outcome", each)] as const),
              ])
            : nothing
        }
        ${named(
          "county",
          t("kind.county"),
          all.map((each) => each.county),
        )}
        ${named(
          "town",
          t("kind.town"),
          within.map((each) => each.town),
        )}
        ${named(
          "body",
          t("case.body"),
          all.map((each) => each.lead_body),
        )}
      </div>
    `;
  }
}
customElements.define("alerts-view", AlertsView);

export const view = ({ view: _, ...filter }: RouteTo<"alerts">, parts: Console) =>
  html`${keyed(filter.state ?? "open", html`<alerts-view .parts=${parts} .filter=${filter}></alerts-view>`)}`;
