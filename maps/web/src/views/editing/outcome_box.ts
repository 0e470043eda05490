/** What the server says of a draft: the preview, the rule that it breaks, or who was faster. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import { explain } from "../../core/api";
import { Piece } from "../../core/element";
import { complain, tell } from "../../core/notices";
import type { Operation, Trial } from "../../core/edit_types";
import type { ChangeSetDocument } from "../../core/types";
import { fateOf } from "../../edit/fates";
import type { EditSession, Outcome } from "../../edit/session";
import type { Step } from "../../edit/steps";
import type { Refusal } from "../../edit/transact";
import { colors, type MapColors } from "../../map/palette";
import { label, list, number, time } from "../../texts/format";
import type { MessageKey } from "../../texts/messages";
import { pick, t, term } from "../../texts/text";
import { busy, facts, type Content } from "../pieces";
import { approvers, reviewButtons, undoButton } from "./approval";
import { codes, newCodes } from "./codes";
import { codeTable, sideSwitch, warnings } from "./code_table";
import { loadTable } from "./load_table";

type Entry = [mark: string, color: keyof MapColors, text: MessageKey];

/** What the map shows of these operations: only what is there. */
function fateEntries(operations: readonly Operation[]): Entry[] {
  const fates = new Set(operations.map(fateOf));
  const entries: Entry[] = [];
  if (fates.has("ends")) entries.push(["line", "voided", "edit.legend_ends"], ["fill", "result", "edit.legend_new"]);
  if (fates.has("changes"))
    entries.push(["line", "reshapedFrom", "edit.legend_changes_from"], ["fill", "reshaped", "edit.legend_changes"]);
  if (operations.some((each) => each.op === "transfer")) entries.push(["fill", "moved", "edit.legend_moves"]);
  if (operations.some((each) => each.op === "reparent")) entries.push(["fill", "moved", "edit.legend_moves_areas"]);
  return entries;
}

function legend(...entries: Entry[]): TemplateResult {
  return html`
    <ul class="legend edit-legend" aria-label=${t("edit.legend")}>
      ${entries.map(
        ([mark, color, text]) =>
          html`<li><span class="mark ${mark}" style=${styleMap({ "--color": colors()[color] })}></span>${t(text)}</li>`,
      )}
    </ul>
  `;
}

/** From when it is to hold: a date that has passed is told, it holds from the approval on. */
function effective(from: string | null): string {
  if (!from) return t("edit.at_once");
  return new Date(from) > new Date() ? time(from) : t("edit.date_passed", { day: time(from) });
}

function previewBody(editor: EditSession, trial: Trial): TemplateResult {
  const { operations, preview, effective_at } = trial;
  return html`
    ${sideSwitch(editor, trial)} ${warnings(editor, trial)}
    ${facts([
      [t("edit.voided"), codes("void", preview.voided_codes)],
      [t("edit.new_codes"), codes("new", preview.new_codes)],
      ...(preview.kept_codes?.length
        ? [[t("edit.kept_codes"), codes("new", preview.kept_codes)] as [string, Content]]
        : []),
      [t("edit.outlines"), list(preview.outlines ?? [])],
      [t("edit.sites"), number(preview.affected_sites ?? 0)],
      [t("edit.open_cases"), preview.open_cases?.length ? list(preview.open_cases) : "0"],
      [t("edit.effective"), effective(effective_at)],
    ])}
    <p class="muted">${t("edit.cases_keep")}</p>
    ${legend(
      ...fateEntries(operations),
      ["dot", "affectedSite", "edit.legend_site"],
      ["dot", "openCase", "edit.legend_case"],
    )}
    ${codeTable(trial)} ${loadTable(preview)}
  `;
}

function reviewPanel(editor: EditSession, changeSet: ChangeSetDocument): TemplateResult {
  const { id, author, title = "", reason = "" } = changeSet;
  return html`
    <div class="preview" data-change-set=${id}>
      <h3>${t("edit.review_of", { author, id })}</h3>
      <p>${title && reason ? label(title, reason) : title || reason}</p>
      <p class="muted" data-status=${changeSet.status}>
        ${term("change", changeSet.status)} · ${time(changeSet.applied_at ?? changeSet.created_at)}
      </p>
      ${previewBody(editor, changeSet)}${facts([[t("edit.may_approve"), approvers(changeSet)]])}
      ${reviewButtons(editor, changeSet)}
    </div>
  `;
}

function reasonForParts(editor: EditSession, attempt: Step): TemplateResult {
  const again = async (): Promise<void> => {
    const field = document.querySelector<HTMLInputElement>("[name=parts-reason]");
    const reason = field?.value.trim() ?? "";
    if (reason) await editor.addWithReason(attempt, reason);
    else field?.focus();
  };
  return html`
    <div class="draft-about">
      <label>${t("edit.parts_reason")}<input name="parts-reason" maxlength="1000" /></label>
      <button type="button" class="small" data-edit="parts" @click=${busy(again)}>${t("edit.parts_again")}</button>
    </div>
  `;
}

function refusedPanel(editor: EditSession, refusal: Refusal, attempt: Step | null): TemplateResult {
  const parts =
    attempt &&
    ["merge", "transfer", "reparent"].includes(attempt.operation.op) &&
    ["multipart", "not_neighbours"].includes(refusal.rule);
  return html`
    <div class="refused" role="alert" data-rule=${refusal.rule}>
      <h3>${t(refusal.rule === "code_not_kept" ? "edit.codes_not_kept" : attempt ? "edit.refused" : "edit.refused_stored")}</h3>
      <p><b>${term("rule", refusal.rule)}</b></p>
      <p>${pick(refusal.detail)}</p>
      ${facts([[t("edit.zones"), list(refusal.zones)]])}
      ${
        refusal.clash
          ? html`
              <p class="muted">${t("edit.place")}</p>
              ${legend(["dash", "sketch", "edit.legend_sketch"], ["line", "clash", "edit.legend_clash"])}
            `
          : nothing
      }
      ${parts ? reasonForParts(editor, attempt) : nothing}
      <div class="actions wrap">
        <button type="button" class="small" data-edit="dismiss" @click=${() => void editor.check()}>
          ${t("edit.close")}
        </button>
      </div>
    </div>
  `;
}

async function carry(editor: EditSession, work: () => Promise<number>): Promise<void> {
  const lost = await work();
  if (lost) tell(() => t("edit.lost_steps", { n: number(lost) }), "bad");
  else if (editor.outcome.get().name === "preview") tell(() => t("edit.taken_up"));
}

function conflictPanel(editor: EditSession, outcome: Outcome & { name: "conflict" }): TemplateResult {
  const { conflict, attempt, stored } = outcome;
  const work = (): Promise<void> => carry(editor, () => (stored ? editor.takeUp(stored) : editor.carryOver(attempt)));
  return html`
    <div class="refused" role="alert" data-conflict>
      <h3>${t("edit.conflict")}</h3>
      <p>${pick(conflict.detail)}</p>
      ${facts([[t("edit.zones"), list(conflict.zones)]])}
      ${stored ? nothing : html`<p>${t("edit.conflict_kept")}</p>`}
      <div class="actions wrap">
        <button type="button" class="primary" data-edit=${stored ? "take-up" : "carry-over"} @click=${busy(work)}>
          ${t(stored ? "edit.take_up" : "edit.carry_over")}
        </button>
        <button
          type="button"
          data-edit="start-again"
          @click=${() => (stored ? editor.dismiss() : editor.clearDraft())}
        >
          ${t(stored ? "edit.close" : "edit.start_again")}
        </button>
      </div>
    </div>
  `;
}

/** That the draft is being checked, and for how long. */
class CheckingNote extends Piece {
  static override properties = { editor: { attribute: false } };
  declare editor: EditSession;
  #began = 0;
  #tick = 0;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#began = Date.now();
    this.#tick = window.setInterval(() => this.requestUpdate(), 1000);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.#tick);
  }

  protected override render() {
    const s = Math.round((Date.now() - this.#began) / 1000);
    return html`
      <div class="loading" role="status" aria-busy="true">
        <span class="spinner"></span><span>${t("edit.checking", { s })}</span>
        <button type="button" class="small" @click=${() => this.editor.stop()}>${t("edit.stop")}</button>
      </div>
    `;
  }
}
customElements.define("checking-note", CheckingNote);

/** When it came into force, and which date was asked for when the approval came later. */
function began({ applied_at, effective_at }: ChangeSetDocument): string {
  const late = applied_at && effective_at && new Date(applied_at) > new Date(effective_at);
  return late ? t("edit.began_late", { at: time(applied_at), day: time(effective_at) }) : time(applied_at);
}

function appliedPanel(editor: EditSession, changeSet: ChangeSetDocument): TemplateResult {
  return html`
    <div class="preview" data-applied=${changeSet.id}>
      <h3>${t("edit.in_force")}</h3>
      ${facts([
        [t("edit.new_codes"), codes("new", newCodes(changeSet))],
        [t("edit.voided"), codes("void", changeSet.preview.voided_codes)],
        [t("edit.began"), began(changeSet)],
        [t("edit.approver"), changeSet.approved_by],
        [t("edit.may_undo"), approvers(changeSet)],
      ])}
      <div class="actions wrap">
        ${undoButton(editor, changeSet)}
        <button type="button" @click=${() => editor.dismiss()}>${t("edit.close")}</button>
      </div>
    </div>
  `;
}

function submittedPanel(editor: EditSession, changeSet: ChangeSetDocument): TemplateResult {
  const { id, status, effective_at } = changeSet;
  const words =
    status === "approved" ? t("edit.approved_waits", { id, day: time(effective_at) }) : t("edit.submitted", { id });
  const waits = status === "draft" && !changeSet.may_approve;
  return html`
    <div class="preview" data-submitted=${id}>
      <p role="status">${words}</p>
      ${waits ? html`<p class="muted">${t("edit.waits_for", { who: approvers(changeSet) })}</p>` : nothing}
      <div class="actions wrap">
        <button type="button" @click=${() => void editor.review(changeSet).catch(complain)}>${t("edit.review")}</button>
        <button type="button" @click=${() => editor.dismiss()}>${t("edit.close")}</button>
      </div>
    </div>
  `;
}

/** The panel of what was said last. */
export function outcomeBox(editor: EditSession): Content {
  const outcome = editor.outcome.get();
  switch (outcome.name) {
    case "none":
      return nothing;
    case "waiting":
      return html`<checking-note .editor=${editor}></checking-note>`;
    case "preview":
      return html`<div class="preview" data-preview><h3>${t("edit.draft")}</h3>${previewBody(editor, outcome.trial)}</div>`;
    case "refused":
      return refusedPanel(editor, outcome.refusal, outcome.attempt);
    case "conflict":
      return conflictPanel(editor, outcome);
    case "unchecked":
      return html`
        <div class="refused" role="alert" data-unchecked>
          <h3>${t("edit.unchecked")}</h3>
          <p>${explain(outcome.error)}</p>
        </div>
      `;
    case "review":
      return reviewPanel(editor, outcome.changeSet);
    case "submitted":
      return submittedPanel(editor, outcome.changeSet);
    case "applied":
      return appliedPanel(editor, outcome.changeSet);
  }
}
