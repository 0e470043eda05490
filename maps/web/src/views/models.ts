/** Models: versions, who made them, old figures against new, reliability, and which one is in force. */
import { html, nothing, svg, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { RouteTo } from "../address/address";
import { linkTo, tabRoute } from "../address/router";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { BinOfReliability, ModelsInForce, VersionOfModel, VersionsOfModel } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { fixed, number, percent, time } from "../texts/format";
import { pick, t } from "../texts/text";
import { backLink, busy, empty, facts, follow, loaded, section, type Content } from "./pieces";

/** Measured on sites that were held out, as `wangge models fit` keeps it with a version. */
interface Measured {
  n: number;
  log_loss: number | null;
  brier: number | null;
  precision_at: Record<string, number>;
  recall_at: Record<string, number>;
  reliability: BinOfReliability[];
}

interface FittedFigures {
  old: Measured;
  new: Measured;
  warnings: { zh: string; en: string }[];
}

function fittedFigures(figures: VersionOfModel["figures"]): FittedFigures | null {
  return "old" in figures && "new" in figures ? (figures as unknown as FittedFigures) : null;
}

const SIDE = 200;
const LEFT = 46;
const x = (score: number): number => LEFT + score * SIDE;
const y = (share: number): number => 8 + (1 - share) * SIDE;

/** Mean score of each bin against its share confirmed, with the interval; on the dashed line the score is right. */
export function reliabilityPlot(bins: readonly BinOfReliability[]): TemplateResult {
  const told = (bin: BinOfReliability): string =>
    t("models.reliability_about", {
      n: number(bin.n),
      score: fixed(bin.mean_score, 2),
      share: percent(bin.share),
      low: percent(bin.low),
      high: percent(bin.high),
    });
  const ticks = [0, 0.5, 1];
  return html`
    <svg
      class="reliability"
      viewBox="0 0 ${LEFT + SIDE + 12} ${SIDE + 42}"
      role="img"
      aria-label=${t("models.reliability")}
    >
      <path class="axis" d="M${x(0)} ${y(1)}V${y(0)}H${x(1)}"></path>
      <path class="equal" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"></path>
      ${ticks.map(
        (tick) => svg`
          <text x=${x(tick)} y=${y(0) + 15} text-anchor="middle">${fixed(tick, 1)}</text>
          <text x=${LEFT - 6} y=${y(tick) + 4} text-anchor="end">${percent(tick)}</text>`,
      )}
      <text x=${x(0.5)} y=${y(0) + 30} text-anchor="middle">${t("models.score")}</text>
      <path class="line" d=${bins.map((bin, n) => `${n ? "L" : "M"}${x(bin.mean_score)} ${y(bin.share)}`).join("")}></path>
      ${bins.map(
        (bin) => svg`
          <g data-bin>
            <title>${told(bin)}</title>
            <path class="interval" d="M${x(bin.mean_score)} ${y(bin.low)}V${y(bin.high)}"></path>
            <circle class="dot" cx=${x(bin.mean_score)} cy=${y(bin.share)} r="4"></circle>
          </g>`,
      )}
    </svg>
  `;
}

function oldNew({ old, new: now }: FittedFigures): TemplateResult {
  const row = (name: string, before: string, after: string): TemplateResult => html`
    <tr><th scope="row">${name}</th><td>${before}</td><td>${after}</td></tr>
  `;
  const shares = (key: "precision_at" | "recall_at", text: "models.precision" | "models.recall"): TemplateResult[] =>
    Object.keys(now[key]).map((k) => row(t(text, { k }), percent(old[key][k]), percent(now[key][k])));
  return html`
    <table class="old-new">
      <thead>
        <tr><th>${t("models.held_out", { n: number(now.n) })}</th><th>${t("models.old")}</th><th>${t("models.new")}</th></tr>
      </thead>
      <tbody>
        ${row(t("models.log_loss"), fixed(old.log_loss, 3), fixed(now.log_loss, 3))}
        ${row(t("models.brier"), fixed(old.brier, 3), fixed(now.brier, 3))} ${shares("precision_at", "models.precision")}
        ${shares("recall_at", "models.recall")}
      </tbody>
    </table>
  `;
}

export class ModelsView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  readonly #models = new Loading(this, (signal) => get<ModelsInForce>("v1/models", signal));

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("alerts"), tabRoute("alerts"))}
      <h2>${t("models")}</h2>
      <p class="muted">${t("models.lead")}</p>
      ${loaded(this.#models, ({ models }) =>
        models.length
          ? html`<div class="rows">
              ${models.map((each) => {
                const to = { view: "models", name: each.name } as const;
                return html`
                  <a class="row" data-model=${each.name} href=${linkTo(to)} @click=${follow(to)}>
                    <span class="row-head"><b>${pick(each.title)}</b></span>
                    <span class="row-foot">
                      <span>${each.name}</span><span>${t("models.file_version", { version: each.version })}</span>
                    </span>
                  </a>
                `;
              })}
            </div>`
          : empty(t("models.none")),
      )}
    `;
  }
}
customElements.define("models-view", ModelsView);

export class ModelView extends Piece {
  static override properties = { parts: { attribute: false }, name: {} };
  declare parts: Console;
  declare name: string;
  readonly #versions = new Loading(this, (signal) =>
    Promise.all([
      get<VersionsOfModel>(`v1/models/${this.name}/versions`, signal),
      get<ModelsInForce>("v1/models", signal),
    ]),
  );

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("models"), { view: "models" })}
      ${loaded(this.#versions, ([found, { models }]) => {
        const title = models.find((each) => each.name === this.name)?.title;
        return html`<h2>${title ? pick(title) : this.name}</h2>${this.#found(found)}`;
      })}
    `;
  }

  #found(found: VersionsOfModel): Content {
    const now = found.in_force;
    return html`
      <p data-in-force>${now ? t("models.version_in_force", { version: now }) : t("models.file_in_force")}</p>
      ${
        found.may_put_back
          ? html`<div class="actions">
              <button type="button" data-put-back @click=${busy(() => this.#putBack())}>${t("models.back")}</button>
            </div>`
          : nothing
      }
      ${found.versions.length ? found.versions.map((each) => this.#version(each)) : empty(t("models.no_versions"))}
    `;
  }

  #version(each: VersionOfModel): Content {
    const figures = fittedFigures(each.figures);
    const who = (at: string | null, by: string | null): string => (at && by ? `${by} · ${time(at)}` : "");
    return section(
      each.version,
      html`
        <article data-version=${each.version}>
          ${each.is_in_force ? html`<p><span class="badge state">${t("models.in_force")}</span></p>` : nothing}
          ${facts([
            [t("models.made"), who(each.made_at, each.made_by)],
            [t("models.based_on"), each.based_on ?? t("models.the_file")],
            [t("models.put_at"), who(each.in_force_at, each.in_force_by)],
            [t("models.back_at"), who(each.put_back_at, each.put_back_by)],
            [t("models.note"), each.note],
          ])}
          ${
            figures
              ? html`
                  ${oldNew(figures)}
                  <h4>${t("models.reliability")}</h4>
                  ${reliabilityPlot(figures.new.reliability)}
                  <ul class="plain muted">${figures.warnings.map((each) => html`<li>${pick(each)}</li>`)}</ul>
                `
              : nothing
          }
          <details>
            <summary>${t("models.document")}</summary>
            <pre class="model-file" tabindex="0">${each.document}</pre>
          </details>
          ${
            each.may_put_in_force
              ? html`<div class="actions">
                  <button type="button" class="primary" data-put-in-force @click=${busy(() => this.#put(each.version))}>
                    ${t("models.put")}
                  </button>
                </div>`
              : nothing
          }
        </article>
      `,
    );
  }

  async #put(version: string): Promise<void> {
    const note = await ask(t("models.put_ask", { version }), t("models.put"), t("models.reason"));
    if (note === null) return;
    await post<VersionsOfModel>(`v1/models/${this.name}/in-force`, { version, note });
    tell(t("models.put_done", { version }));
    this.#versions.again();
  }

  async #putBack(): Promise<void> {
    const note = await ask(t("models.back_ask"), t("models.back"), t("models.reason"));
    if (note === null) return;
    await post<VersionsOfModel>(`v1/models/${this.name}/put-back`, { note });
    tell(t("models.back_done"));
    this.#versions.again();
  }
}
customElements.define("model-view", ModelView);

export const view = (to: RouteTo<"models">, parts: Console) =>
  to.name
    ? html`${keyed(to.name, html`<model-view .parts=${parts} .name=${to.name}></model-view>`)}`
    : html`<models-view .parts=${parts}></models-view>`;
