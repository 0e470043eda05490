/** The list of alerts: the worst first, filtered by level. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Feature, Point } from "geojson";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { allItems, get, itemsPath } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import type { AlertProperties, ModelsInForce } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { LEVELS } from "../map/palette";
import { brackets, fixed, number, time } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { budgetsOf } from "./budgets";
import { confirmedShare, shareAt } from "./calibration";
import { empty, follow, levelBadge, loaded } from "./pieces";
import { followRow, rowKeys } from "./row_keys";

const MOST = 2000;

type AlertFeature = Feature<Point, AlertProperties>;

function rank(level: string): number {
  const at = (LEVELS as readonly string[]).indexOf(level);
  return at < 0 ? LEVELS.length : at;
}

/** What the budget of the county has checked this week, then the worst level first, and the highest score in it. */
export function byWeight(a: AlertFeature, b: AlertFeature): number {
  const due = Number(b.properties.due) - Number(a.properties.due);
  return due || rank(a.properties.level) - rank(b.properties.level) || b.properties.score - a.properties.score;
}

/** Those that wait for a check, those that have one, and those whose evidence is gone. */
const STATUSES = ["open", "checked", "faded"] as const;
const OUTCOMES = ["confirmed", "legal_use", "cannot_tell"] as const;

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
  return { found: found.sort(byWeight), models };
}

function statusBar(chosen: string): TemplateResult {
  const choice = (status: string): TemplateResult => html`
    <button
      type="button"
      class="chip"
      data-status=${status}
      aria-pressed=${chosen === status ? "true" : "false"}
      @click=${() => go({ view: "alerts", ...(status !== "open" && { state: status }) })}
    >
      ${term("alert_status", status)}
    </button>
  `;
  return html`<div class="chips" role="group" aria-label=${t("alert.status")}>${STATUSES.map(choice)}</div>`;
}

function filterBar(found: readonly AlertFeature[], chosen: string, status: string, due: boolean): TemplateResult {
  const to = (level: string, only: boolean): RouteTo<"alerts"> => ({
    view: "alerts",
    ...(level && { level }),
    ...(status !== "open" && { state: status }),
    ...(only && { due: true }),
  });
  const nDue = found.filter((each) => each.properties.due).length;
  const choice = (level: string, name: string): TemplateResult => {
    const n = level ? found.filter((each) => each.properties.level === level).length : found.length;
    const pressed = chosen === level;
    return html`
      <button
        type="button"
        class="chip"
        data-level=${level}
        aria-pressed=${pressed ? "true" : "false"}
        @click=${() => go(to(level, due))}
      >
        ${name}<small>${number(n)}</small>
      </button>
    `;
  };
  return html`
    <div class="chips" role="group" aria-label=${t("alert.filter")}>
      ${
        nDue || due
          ? html`<button
              type="button"
              class="chip"
              data-due
              aria-pressed=${due ? "true" : "false"}
              @click=${() => go(to(chosen, !due))}
            >
              ${t("alert.due")}<small>${number(nDue)}</small>
            </button>`
          : nothing
      }
      ${choice("", t("all"))}${LEVELS.map((level) => choice(level, term("level", level)))}
    </div>
  `;
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
    level: {},
    status: {},
    due: { type: Boolean },
    item: {},
    outcome: {},
    budgets: { state: true },
  };
  declare budgets: boolean;
  declare parts: Console;
  declare level: string;
  declare due: boolean;
  declare status: string;
  /** The kind of alerts, by the model that raises them. */
  declare item: string;
  declare outcome: string;
  readonly #alerts = new Loading(this, (signal) => alerts(this.status, signal), ["alerts"]);

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render() {
    const opened = (open: boolean): void => {
      this.budgets = open;
    };
    return html`
      <h2>${t("alerts")}</h2>
      <p class="muted">
        ${t("alert.clue_long")} <a href=${linkTo({ view: "runs" })} @click=${follow({ view: "runs" })}>${t("runs")}</a> ·
        <a href=${linkTo({ view: "models" })} @click=${follow({ view: "models" })}>${t("models")}</a>
      </p>
      <div @budget-set=${() => this.#alerts.again()}>${budgetsOf(this.budgets, opened)}</div>
      ${statusBar(this.status)}
      ${loaded(this.#alerts, (queue) => {
        const { found } = queue;
        const shown = found.filter(
          ({ properties: p }) =>
            (!this.level || p.level === this.level) &&
            (!this.due || p.due) &&
            (!this.item || p.kind === this.item) &&
            (!this.outcome || p.outcome === this.outcome),
        );
        return html`
          ${filterBar(found, this.level, this.status, this.due)} ${this.#more(queue)}
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
      })}
    `;
  }

  /** Filters by the model, and of checked alerts by the outcome. */
  #more({ found, models }: Queue): TemplateResult {
    const choose =
      (name: "item" | "outcome") =>
      ({ target }: Event): void => {
        const { level, status, due, item, outcome } = this;
        const state = status === "open" ? "" : status;
        const next = { level, state, due, item, outcome, [name]: (target as HTMLSelectElement).value };
        go({ view: "alerts", ...Object.fromEntries(Object.entries(next).filter(([, value]) => value)) });
      };
    const select = (name: "item" | "outcome", title: string, options: readonly (readonly [string, string])[]) => {
      const of = (value: string) =>
        found.filter(({ properties: p }) => !value || (name === "item" ? p.kind : p.outcome) === value).length;
      const chosen = this[name];
      return html`
        <label>
          ${title}
          <select name="alert-${name}" .value=${chosen} @change=${choose(name)}>
            ${[["", t("all")] as const, ...options].map(
              ([value, text]) => html`
                <option value=${value} ?selected=${chosen === value}>${brackets(text, number(of(value)))}</option>
              `,
            )}
          </select>
        </label>
      `;
    };
    const kinds = [...new Set(found.map(({ properties }) => properties.kind))];
    const name = (kind: string): string => pick(models.find((each) => each.alert_kind === kind)?.title) || kind;
    return html`
      <div class="filter">
        ${
          kinds.length > 1 || this.item
            ? select(
                "item",
                t("alert.kind"),
                kinds.map((each) => [each, name(each)] as const),
              )
            : nothing
        }
        ${
          this.status === "checked"
            ? select(
                "outcome",
                t("alert.outcome"),
                OUTCOMES.map((each) => [each, term("outcome", each)] as const),
              )
            : nothing
        }
      </div>
    `;
  }
}
customElements.define("alerts-view", AlertsView);

export const view = (to: RouteTo<"alerts">, parts: Console) =>
  html`${keyed(
    to.state ?? "open",
    html`<alerts-view .parts=${parts} .level=${to.level ?? ""} .due=${to.due ?? false} .item=${to.item ?? ""} .outcome=${to.outcome ?? ""} .status=${to.state ?? "open"}></alerts-view>`,
  )}`;
