/** The list of alerts: the worst first, filtered by level. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { repeat } from "lit/directives/repeat.js";
import type { Feature, Point } from "geojson";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { allItems, itemsPath } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import type { AlertProperties } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { LEVELS } from "../map/palette";
import { fixed, number, time } from "../texts/format";
import { t, term } from "../texts/text";
import { empty, follow, levelBadge, loaded } from "./pieces";

const MOST = 2000;

type AlertFeature = Feature<Point, AlertProperties>;

function rank(level: string): number {
  const at = (LEVELS as readonly string[]).indexOf(level);
  return at < 0 ? LEVELS.length : at;
}

/** The worst level first, and the highest score in it. */
export function byWeight(a: AlertFeature, b: AlertFeature): number {
  return rank(a.properties.level) - rank(b.properties.level) || b.properties.score - a.properties.score;
}

/** Those that wait for a check, those that have one, and those whose evidence is gone. */
const STATUSES = ["open", "checked", "faded"] as const;

async function alerts(status: string, signal: AbortSignal): Promise<AlertFeature[]> {
  const path = itemsPath("alerts", { limit: 500, sortby: "-score", status });
  return (await allItems<AlertProperties, Point>(path, MOST, signal)).sort(byWeight);
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

function filterBar(found: readonly AlertFeature[], chosen: string, status: string): TemplateResult {
  const choice = (level: string, name: string): TemplateResult => {
    const n = level ? found.filter((each) => each.properties.level === level).length : found.length;
    const pressed = chosen === level;
    return html`
      <button
        type="button"
        class="chip"
        data-level=${level}
        aria-pressed=${pressed ? "true" : "false"}
        @click=${() => go({ view: "alerts", ...(level && { level }), ...(status !== "open" && { state: status }) })}
      >
        ${name}<small>${number(n)}</small>
      </button>
    `;
  };
  return html`
    <div class="chips" role="group" aria-label=${t("alert.filter")}>
      ${choice("", t("all"))}${LEVELS.map((level) => choice(level, term("level", level)))}
    </div>
  `;
}

function row(parts: Console, { id, geometry, properties: p }: AlertFeature): TemplateResult {
  const to = { view: "alert", id: Number(id) } as const;
  return html`
    <a class="row" data-alert=${to.id} href=${linkTo(to)} @click=${follow(to, () => flyTo(parts, geometry, 14))}>
      <span class="row-head">
        ${levelBadge(p.level)}<b>${p.site_name || p.site_id}</b>
        <span class="score" title=${t("alert.clue")}>${fixed(p.score, 2)}</span>
      </span>
      <span class="row-foot">
        <span>${time(p.raised_at)}</span>
        ${p.outcome ? html`<span>${term("outcome", p.outcome)}</span>` : nothing}
        <span>${p.case_number ? `${t("alert.case")} ${p.case_number}` : t("alert.no_case")}</span>
      </span>
    </a>
  `;
}

export class AlertsView extends Piece {
  static override properties = { parts: { attribute: false }, level: {}, status: {} };
  declare parts: Console;
  declare level: string;
  declare status: string;
  readonly #alerts = new Loading(this, (signal) => alerts(this.status, signal), ["alerts"]);

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render() {
    return html`
      <h2>${t("alerts")}</h2>
      <p class="muted">
        ${t("alert.clue_long")} <a href=${linkTo({ view: "runs" })} @click=${follow({ view: "runs" })}>${t("runs")}</a>
      </p>
      ${statusBar(this.status)}
      ${loaded(this.#alerts, (found) => {
        const shown = found.filter((each) => !this.level || each.properties.level === this.level);
        return html`
          ${filterBar(found, this.level, this.status)}
          ${found.length >= MOST ? html`<p class="muted">${t("list.most", { n: number(MOST) })}</p>` : nothing}
          ${
            shown.length
              ? html`<div class="rows">
                  ${repeat(
                    shown,
                    (each) => each.id,
                    (each) => row(this.parts, each),
                  )}
                </div>`
              : empty(t("alert.none"))
          }
        `;
      })}
    `;
  }
}
customElements.define("alerts-view", AlertsView);

export const view = (to: RouteTo<"alerts">, parts: Console) =>
  html`${keyed(
    to.state ?? "open",
    html`<alerts-view .parts=${parts} .level=${to.level ?? ""} .status=${to.state ?? "open"}></alerts-view>`,
  )}`;
