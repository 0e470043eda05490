/** Runs of the models: window, what was found, what could not be seen, seconds. */
import { html, nothing, type TemplateResult } from "lit";
import type { RouteTo } from "../address/address";
import { tabRoute } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { session } from "../core/session";
import type { FiguresOfRun, RunOfModel, RunsOfModels, WholeRunOfModel } from "../core/types";
import { mark, type Console } from "../console";
import { fixed, NONE, number, percent, time } from "../texts/format";
import type { MessageKey } from "../texts/messages";
import { pick, t } from "../texts/text";
import { reliabilityPlot } from "./models";
import { backLink, empty, facts, loaded, section, type Content } from "./pieces";

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

function precision(found: { k: number; judged: number; precision: number | null }): string {
  const share = found.precision === null ? NONE : percent(found.precision);
  return `${share} · ${t("runs.judged", { n: number(found.judged), k: number(found.k) })}`;
}

function figuresOf(found: FiguresOfRun): Content {
  const { lead_days: lead, within_budget: budget } = found;
  return html`
    ${facts([
      [t("runs.checked"), `${number(found.checked)} / ${number(found.queue)}`],
      [t("runs.confirmed"), number(found.confirmed)],
      [t("runs.false_alarms"), number(found.legal_use)],
      ...found.precision_at.map((each): [string, string] => [
        t("models.precision", { k: number(each.k) }),
        precision(each),
      ]),
      [t("runs.within_budget"), budget && precision(budget)],
      [t("runs.lead_time"), lead.median !== null && t("runs.lead_days", { n: fixed(lead.median, 1) })],
      ...found.counties
        .filter((each) => each.legal_use > 0)
        .map((each): [string, string] => [
          t("runs.false_alarms_in", { name: each.name ?? NONE }),
          `${number(each.legal_use)} / ${number(each.queue)}`,
        ]),
    ])}
    ${found.reliability.length ? reliabilityPlot(found.reliability) : nothing}
  `;
}

/** What the checks since a run say of its queue; asked for when it is opened. */
export class RunFigures extends Piece {
  static override properties = { run: { type: Number } };
  declare run: number;
  readonly #whole = new Loading(this, (signal) => get<WholeRunOfModel>(`v1/model-runs/${this.run}`, signal), [
    "alerts",
  ]);

  protected override render(): TemplateResult {
    return html`${loaded(this.#whole, ({ figures }) =>
      figures?.checked ? figuresOf(figures) : html`<p class="muted">${t("runs.no_checks")}</p>`,
    )}`;
  }
}
customElements.define("run-figures", RunFigures);

/** A part of a run that is opened, and then asks for its figures. */
export class RunSince extends Piece {
  static override properties = { run: { type: Number }, opened: { state: true } };
  declare run: number;
  declare opened: boolean;

  protected override render(): TemplateResult {
    const open = ({ currentTarget }: Event): void => {
      this.opened ||= (currentTarget as HTMLDetailsElement).open;
    };
    return html`
      <details data-figures=${this.run} @toggle=${open}>
        <summary>${t("runs.since")}</summary>
        ${this.opened ? html`<run-figures .run=${this.run}></run-figures>` : nothing}
      </details>
    `;
  }
}
customElements.define("run-since", RunSince);

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
        ${run.counts ? html`<run-since .run=${run.id}></run-since>` : nothing}
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
