/** Runs of the models: window, what was found, what could not be seen, seconds. */
import { html, nothing, type TemplateResult } from "lit";
import type { RouteTo } from "../address/address";
import { tabRoute } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { session } from "../core/session";
import type { RunOfModel, RunsOfModels } from "../core/types";
import { mark, type Console } from "../console";
import { fixed, number, time } from "../texts/format";
import type { MessageKey } from "../texts/messages";
import { pick, t } from "../texts/text";
import { backLink, empty, loaded, section, type Content } from "./pieces";

/** Counts that are told, each with the words for it. */
const COUNTS: readonly [string, MessageKey][] = [
  ["alerts_raised", "runs.raised"],
  ["alerts_lowered", "runs.lowered"],
  ["alerts_faded", "runs.faded"],
  ["alerts_suppressed", "runs.suppressed"],
  ["cases_opened", "runs.cases"],
];

function counts(found: Record<string, unknown>): Content {
  const known = COUNTS.filter(([name]) => typeof found[name] === "number");
  return known.map(([name, key]) => html`<span>${t(key)} <b>${number(found[name] as number)}</b></span>`);
}

function blind(run: RunOfModel): Content {
  const spots = run.blind_spots;
  if (spots === null) return html`<p class="muted">${t("runs.city_only")}</p>`;
  if (run.window_from === null) return nothing;
  if (!spots.length) return html`<p class="muted">${t("runs.seen")}</p>`;
  return html`
    <details>
      <summary>${t("runs.blind", { n: spots.length })}</summary>
      <ul class="plain">${spots.map((spot) => html`<li data-blind=${spot.code}>${pick(spot)}</li>`)}</ul>
    </details>
  `;
}

function item(run: RunOfModel): TemplateResult {
  const seconds = Object.values(run.seconds).reduce((sum, each) => sum + each, 0);
  const window = run.window_from && run.window_to ? `${time(run.window_from)} – ${time(run.window_to)}` : "–";
  return section(
    `${run.id} · ${run.model} ${run.version}`,
    html`
      <article data-run=${run.id}>
        <p>${t("runs.window")} ${window}${seconds ? ` · ${t("runs.seconds", { n: fixed(seconds, 1) })}` : ""}</p>
        <p class="row-foot">${run.counts ? counts(run.counts) : nothing}</p>
        ${blind(run)}
      </article>
    `,
  );
}

export class RunsView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  readonly #runs = new Loading(this, (signal) => get<RunsOfModels>("v1/model-runs?limit=30", signal), ["alerts"]);

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("alerts"), tabRoute("alerts"))}
      <h2>${t("runs")}</h2>
      <p class="muted">${t("runs.lead")}</p>
      ${loaded(this.#runs, ({ runs }) => (runs.length ? runs.map(item) : empty(t("runs.none"))))}
    `;
  }
}
customElements.define("runs-view", RunsView);

export const view = (_: RouteTo<"runs">, parts: Console) => html`<runs-view .parts=${parts}></runs-view>`;
