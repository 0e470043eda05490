/** Sources: the health of each, its volumes, and deliveries that wait for a decision. */
import { html, nothing, svg, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { SourceDeliveriesPage, SourceDelivery, SourceHealthDocument, SourcesList } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { NONE, number, time } from "../texts/format";
import { t, pick, term } from "../texts/text";
import { backLink, busy, empty, facts, loaded, section, type Content } from "./pieces";
import { isSourceText, say } from "./source_texts";

const BAR = 8;
const HEIGHT = 48;
const NEWEST = 50;

interface Found {
  sources: readonly SourceHealthDocument[];
  deliveries: readonly SourceDelivery[];
}

async function found(signal: AbortSignal): Promise<Found> {
  const [{ sources }, { deliveries }] = await Promise.all([
    get<SourcesList>("v1/sources", signal),
    get<SourceDeliveriesPage>(`v1/deliveries?limit=${NEWEST}`, signal),
  ]);
  return { sources, deliveries };
}

/** A rule in words: those of a column as the contract writes them. */
function ruleOf(rule: string): string {
  const key = `rule.${rule}`;
  return isSourceText(key) ? say(key) : rule;
}

function volumes(of: SourceHealthDocument): Content {
  if (!of.volumes.length) return nothing;
  const most = Math.max(1, ...of.volumes.map(({ rows }) => rows ?? 0));
  const width = of.volumes.length * BAR;
  const bars = of.volumes.map(({ rows, state, received_at }, i) => {
    const height = Math.max(2, ((rows ?? 0) / most) * HEIGHT);
    const told = {
      at: time(received_at),
      rows: rows === null ? NONE : number(rows),
      state: term("delivery_state", state),
    };
    return svg`<rect class="volume delivery-${state}" x=${i * BAR} y=${HEIGHT - height} width=${BAR - 2} height=${height}>
      <title>${say("bar", told)}</title></rect>`;
  });
  return html`
    <figure class="volumes">
      <figcaption class="muted">${say("curve")} · ${number(most)}</figcaption>
      <svg viewBox="0 0 ${width} ${HEIGHT}" width=${width} height=${HEIGHT} role="img" aria-label=${say("curve")}>
        ${bars}
      </svg>
    </figure>
  `;
}

function sourceCard(of: SourceHealthDocument): TemplateResult {
  const worst = of.problems.length ? "wrong" : "well";
  const last = of.last_delivery;
  return html`
    <section class="row source source-${worst}" data-source=${of.name}>
      <span class="row-head">
        <b>${of.name}</b>
        ${
          of.problems.length
            ? of.problems.map(
                ({ kind }) => html`<span class="badge due" data-problem=${kind}>${say(`problem.${kind}`)}</span>`,
              )
            : html`<span class="badge state">${say("well")}</span>`
        }
      </span>
      ${of.problems.map((problem) => html`<p class="overdue">${pick(problem)}</p>`)}
      ${facts([
        [say("department"), of.department],
        [say("kind"), term("import_kind", of.kind)],
        [say("way"), term("source_way", of.way)],
        [say("good"), of.last_accepted_at ? time(of.last_accepted_at) : NONE],
        [say("due"), of.due_at && time(of.due_at)],
        [say("last"), last && `${time(last.received_at)} · ${term("delivery_state", last.state)}`],
        [say("next"), of.next_look_at ? time(of.next_look_at) : say("by_hand")],
      ])}
      ${volumes(of)}
    </section>
  `;
}

export class SourcesView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  readonly #found = new Loading(this, found);

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  async #decide(of: SourceDelivery, act: "release" | "refuse"): Promise<void> {
    const values = { id: of.id, name: of.file_name };
    const reason = await ask(say(`${act}_question`, values), say(act), say("reason"));
    if (reason === null) return;
    await post(`v1/deliveries/${of.id}/${act}`, { reason });
    tell(() => say(act === "release" ? "released" : "refused", values));
    await this.#found.load();
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("imports"), { view: "imports" })}
      <h2>${t("sources")}</h2>
      <p class="muted">${say("lead")}</p>
      ${loaded(this.#found, (all) => this.#all(all))}
    `;
  }

  #all({ sources, deliveries }: Found): Content {
    const held = deliveries.filter(({ state }) => state === "quarantined");
    const others = deliveries.filter(({ state }) => state !== "quarantined");
    return html`
      ${held.length ? section(say("problem.held"), this.#rows(held)) : nothing}
      ${
        sources.length
          ? html`<div class="rows">${repeat(sources, ({ name }) => name, sourceCard)}</div>`
          : empty(say("none"))
      }
      ${section(say("deliveries"), others.length ? this.#rows(others) : empty(say("no_deliveries")))}
    `;
  }

  #rows(deliveries: readonly SourceDelivery[]): TemplateResult {
    return html`<div class="rows">${repeat(
      deliveries,
      ({ id }) => id,
      (each) => this.#row(each),
    )}</div>`;
  }

  #row(of: SourceDelivery): TemplateResult {
    const report = `../v1/deliveries/${of.id}/report`;
    const decided = of.decided_at
      ? say("decided", { who: of.decided_by ?? NONE, at: time(of.decided_at), why: of.decision_reason ?? NONE })
      : null;
    return html`
      <div class="row delivery" data-delivery=${of.id}>
        <span class="row-head">
          <span class="badge state">${term("delivery_state", of.state)}</span>
          <b>${of.file_name}</b>
        </span>
        <span class="row-foot">
          <code>${of.id}</code><span>${of.source}</span>
          ${of.rows === null ? nothing : html`<span>${say("rows", { n: number(of.rows) })}</span>`}
          <span>${time(of.received_at)}</span>
        </span>
        ${of.same_as ? html`<span class="row-foot">${say("same", { id: of.same_as })}</span>` : nothing}
        ${of.rules.map(
          ({ rule, level, rows }) => html`<span class="row-foot" data-rule=${rule}>
            <span>${say(level === "hold" ? "hold" : "warn")}: ${ruleOf(rule)}</span>
            <span>${say("rows", { n: number(rows) })}</span>
          </span>`,
        )}
        ${decided ? html`<span class="row-foot">${decided}</span>` : nothing}
        ${
          of.rules.length
            ? html`<span class="row-foot">
                <a href=${report} target="_blank" rel="noopener">${say("report")}</a>
                <a href="${report}?f=csv" download>${say("table")}</a>
              </span>`
            : nothing
        }
        ${
          of.state === "quarantined"
            ? html`<div class="actions wrap">
                <button type="button" data-act="release" @click=${busy(() => this.#decide(of, "release"))}>
                  ${say("release")}
                </button>
                <button type="button" data-act="refuse" @click=${busy(() => this.#decide(of, "refuse"))}>
                  ${say("refuse")}
                </button>
              </div>`
            : nothing
        }
      </div>
    `;
  }
}
customElements.define("sources-view", SourcesView);

export const view = (_: RouteTo<"sources">, parts: Console) => html`<sources-view .parts=${parts}></sources-view>`;
