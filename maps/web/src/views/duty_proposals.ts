/** Duty lists as changing law: proposed with their impact, approved by another person, undone. */
import { html, nothing, type TemplateResult } from "lit";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { get, post, postFile } from "../core/api";
import { Piece } from "../core/element";
import { submitting } from "../core/forms";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { DutyImpact, DutyProposal, DutyProposalDocument, DutyProposals } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { number, time, today } from "../texts/format";
import { language } from "../texts/language";
import type { MessageKey } from "../texts/messages";
import { t } from "../texts/text";
import { backLink, busy, empty, facts, follow, loaded, section, type Content } from "./pieces";

const MOST = 200;

function statusBadge(status: string): TemplateResult {
  return html`<span class="badge state">${t(`proposals.status.${status}` as MessageKey)}</span>`;
}

function bodies(lead: string | null, others: readonly string[]): string {
  return [lead ?? t("case.no_lead"), ...others].join(", ");
}

/** What a list touches: cases, towns, officers, and the lines that end and begin. */
function impactOf(impact: DutyImpact): Content {
  const line = (each: DutyImpact["ended"][number]): TemplateResult =>
    html`<li>${each.item_code} ${each.item} · ${each.body} · ${each.area_code}</li>`;
  const part = (key: MessageKey, rows: readonly unknown[], shown: () => TemplateResult[]): Content =>
    rows.length
      ? section(t(key, { n: number(rows.length) }), html`<ul data-impact=${key}>${shown().slice(0, MOST)}</ul>`)
      : nothing;
  return html`
    ${part("proposals.faults", impact.faults, () =>
      impact.faults.map((each) => html`<li class="overdue">${language.get() === "zh" ? each.zh : each.en}</li>`),
    )}
    ${part("proposals.cases", impact.cases, () =>
      impact.cases.map((each) => {
        const to = { view: "case", number: each.number } as const;
        return html`<li>
          <a href=${linkTo(to)} @click=${follow(to)}><code>${each.number}</code></a>
          ${bodies(each.lead_now, each.co_handlers_now)} → ${bodies(each.lead_new, each.co_handlers_new)}
        </li>`;
      }),
    )}
    ${part("proposals.towns", impact.towns, () =>
      impact.towns.map(
        (each) =>
          html`<li>${each.town_code} ${each.body}: ${t(`proposals.${each.change}`)} ${each.item_code} ${each.item}</li>`,
      ),
    )}
    ${part("proposals.officers", impact.officers, () =>
      impact.officers.map(
        (each) => html`<li>${each.body} · ${each.item_code} · ${each.area_code}: ${each.certificates.join(", ")}</li>`,
      ),
    )}
    ${part("proposals.ended", impact.ended, () => impact.ended.map(line))}
    ${part("proposals.dropped", impact.dropped, () => impact.dropped.map(line))}
    ${part("proposals.begun", impact.begun, () => impact.begun.map(line))}
  `;
}

export class ProposalsView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  #impact: DutyImpact | null = null;
  readonly #found = new Loading(this, (signal) => get<DutyProposals>("v1/duty-proposals?limit=100", signal));

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("registers"), { view: "registers" })}
      <h2>${t("proposals")}</h2>
      <p class="muted">${t("proposals.lead")}</p>
      ${this.#form()} ${this.#impact ? html`<div data-preview>${this.#preview(this.#impact)}</div>` : nothing}
      ${loaded(this.#found, ({ proposals }) =>
        proposals.length
          ? html`<div class="rows">${proposals.map((each) => this.#row(each))}</div>`
          : empty(t("proposals.none")),
      )}
    `;
  }

  #preview(impact: DutyImpact): Content {
    const touched = impact.ended.length + impact.begun.length + impact.dropped.length;
    return touched ? impactOf(impact) : empty(t("proposals.no_change"));
  }

  #form(): TemplateResult {
    const send = submitting(async (form, at) => {
      const file = form.get("file") as File;
      const preview = (document.activeElement as HTMLElement | null)?.dataset.act === "preview";
      const query = new URLSearchParams({
        effective_on: String(form.get("effective_on")),
        covers: String(form.get("covers")),
        name: file.name || "duties",
        ...(preview ? {} : { title: String(form.get("title")), reason: String(form.get("reason")) }),
      });
      const path = `v1/duty-proposals${preview ? "/preview" : ""}?${query.toString()}`;
      const sent = new Blob([file], { type: "application/octet-stream" });
      if (preview) {
        this.#impact = await postFile<DutyImpact>(path, sent);
        this.requestUpdate();
        return;
      }
      const made = await postFile<DutyProposalDocument>(path, sent);
      at.reset();
      go({ view: "proposals", id: made.id });
    });
    return html`
      <details class="form">
        <summary data-propose>${t("proposals.propose")}</summary>
        <form class="stack" data-form="propose" @submit=${send}>
          <label>${t("proposals.file")}<input name="file" type="file" accept=".csv,.xlsx,.parquet" required /></label>
          <label>
            ${t("proposals.effective_on")}<input name="effective_on" type="date" .value=${today()} required />
          </label>
          <label>
            ${t("proposals.covers")}
            <select name="covers">
              <option value="whole">${t("proposals.covers.whole")}</option>
              <option value="items">${t("proposals.covers.items")}</option>
            </select>
          </label>
          <label>${t("proposals.title")}<input name="title" maxlength="200" /></label>
          <label>${t("registers.reason")}<input name="reason" maxlength="2000" /></label>
          <p class="fault" role="alert"></p>
          <div class="actions wrap">
            <button type="submit" data-act="propose" class="primary">${t("proposals.propose")}</button>
            <button type="submit" data-act="preview">${t("proposals.preview")}</button>
          </div>
        </form>
      </details>
    `;
  }

  #row(each: DutyProposal): TemplateResult {
    const to = { view: "proposals", id: each.id } as const;
    return html`
      <a class="row" data-proposal=${each.id} href=${linkTo(to)} @click=${follow(to)}>
        <span class="row-head">${statusBadge(each.status)}<b>${each.title || each.file_name}</b></span>
        <span class="row-foot">
          <span>${t("registers.period", { from: each.effective_on })}</span><span>${each.author}</span>
        </span>
      </a>
    `;
  }
}
customElements.define("proposals-view", ProposalsView);

export class ProposalCard extends Piece {
  static override properties = { parts: { attribute: false }, number: { attribute: false } };
  declare parts: Console;
  declare number: number;
  #asked = 0;
  readonly #proposal = new Loading(this, (signal) =>
    get<DutyProposalDocument>(`v1/duty-proposals/${this.number}`, signal),
  );

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
    this.#asked = this.number;
  }

  protected override updated(): void {
    if (this.#asked === this.number) return;
    this.#asked = this.number;
    this.#proposal.again();
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("proposals"), { view: "proposals" })} ${loaded(this.#proposal, (found) => this.#card(found))}
    `;
  }

  async #act(action: "approve" | "reject" | "undo", of: DutyProposalDocument): Promise<void> {
    const name = t(`proposals.${action}`);
    const question = t("proposals.question", { action: name, name: of.title || of.file_name, day: of.effective_on });
    const reason = await ask(question, name, action === "approve" ? undefined : t("registers.reason"));
    if (reason === null) return;
    await post(`v1/duty-proposals/${of.id}/${action}`, action === "approve" ? {} : { reason });
    tell(() => t("proposals.done", { name: of.title || of.file_name }));
    await this.#proposal.load();
  }

  #card(of: DutyProposalDocument): Content {
    const button = (action: "approve" | "reject" | "undo", offered: boolean): Content =>
      offered
        ? html`<button
            type="button"
            class=${action === "approve" ? "primary" : ""}
            data-act=${action}
            @click=${busy(() => this.#act(action, of))}
          >
            ${t(`proposals.${action}`)}
          </button>`
        : nothing;
    return html`
      <h2>${of.title || of.file_name}</h2>
      <p class="row-head">${statusBadge(of.status)}</p>
      ${facts([
        [t("proposals.effective_on"), of.effective_on],
        [t("proposals.covers"), t(`proposals.covers.${of.covers}`)],
        [t("proposals.file"), `${of.file_name} · ${number(of.n_lines)}`],
        [t("registers.reason"), of.reason],
      ])}
      <div class="actions wrap">
        ${button("approve", of.may_approve)} ${button("reject", of.may_reject)} ${button("undo", of.may_undo)}
      </div>
      ${impactOf(of.preview)}
      ${section(
        t("proposals.steps"),
        html`<ol class="timeline">
          ${of.steps.map(
            (each) => html`<li data-step=${each.action}>
              <div class="row-head"><b>${t(`proposals.step.${each.action}`)}</b><span class="muted">${each.actor}</span></div>
              <div class="row-foot"><span>${time(each.at)}</span></div>
              ${each.note ? html`<p class="note">${each.note}</p>` : nothing}
            </li>`,
          )}
        </ol>`,
      )}
    `;
  }
}
customElements.define("proposal-card", ProposalCard);

export const view = ({ id }: RouteTo<"proposals">, parts: Console): TemplateResult =>
  id
    ? html`<proposal-card .parts=${parts} .number=${id}></proposal-card>`
    : html`<proposals-view .parts=${parts}></proposals-view>`;
