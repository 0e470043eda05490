/** Approving, turning down, withdrawing and undoing change sets. */
import { html, nothing, type TemplateResult } from "lit";
import { tell } from "../../core/notices";
import { session } from "../../core/session";
import type { Trial } from "../../core/edit_types";
import type { ChangeSetDocument } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { ask } from "../../frame/ask";
import { day, list } from "../../texts/format";
import { pick, t } from "../../texts/text";
import { busy } from "../pieces";
import { newCodes } from "./codes";

/** States of change sets that wait for an approval or their date. */
export const WAITING: readonly string[] = ["draft", "approved"];

/** Who may approve a change set and take it back, in the language of the page. */
export function approvers({ approvers_zh, approvers_en }: Pick<Trial, "approvers_zh" | "approvers_en">): string {
  return pick({ zh: approvers_zh, en: approvers_en });
}

function own(changeSet: ChangeSetDocument): boolean {
  return changeSet.author === session.get().username;
}

async function turnDown(editor: EditSession, changeSet: ChangeSetDocument): Promise<void> {
  const { id } = changeSet;
  const withdraw = own(changeSet);
  const act = t(withdraw ? "edit.withdraw" : "edit.reject");
  const reason = await ask(`${act} #${id}`, act, withdraw ? undefined : t("edit.reject_reason"));
  if (reason === null) return;
  await editor.turnDown(changeSet, reason);
  tell(() => t(withdraw ? "edit.withdrawn" : "edit.rejected", { id }));
}

async function approve(editor: EditSession, changeSet: ChangeSetDocument): Promise<void> {
  await editor.approve(changeSet);
  const outcome = editor.outcome.get();
  if (outcome.name === "applied") tell(() => t("edit.applied", { codes: list(newCodes(outcome.changeSet)) }));
}

/** What may be done with a change set that waits. */
export function reviewButtons(editor: EditSession, changeSet: ChangeSetDocument): TemplateResult {
  const { status, may_approve, effective_at } = changeSet;
  const later = effective_at && new Date(effective_at).getTime() > Date.now();
  const words = later ? t("edit.approve_on", { day: day(effective_at) }) : t("edit.apply");
  const waits = WAITING.includes(status) && (may_approve || own(changeSet));
  return html`
    <div class="actions wrap">
      ${
        status === "draft" && may_approve
          ? html`<button
              type="button"
              class="primary"
              data-edit="apply"
              @click=${busy(() => approve(editor, changeSet))}
            >
              ${words}
            </button>`
          : nothing
      }
      ${status === "draft" && !may_approve ? html`<p class="muted">${t("edit.not_yours", { who: approvers(changeSet) })}</p>` : nothing}
      ${
        waits
          ? html`<button type="button" data-edit="reject" @click=${busy(() => turnDown(editor, changeSet))}>
              ${t(own(changeSet) ? "edit.withdraw" : "edit.reject")}
            </button>`
          : nothing
      }
      ${status === "applied" ? undoButton(editor, changeSet) : nothing}
      <button type="button" data-edit="close" @click=${() => void editor.check()}>${t("edit.close")}</button>
    </div>
  `;
}

async function undo(editor: EditSession, changeSet: ChangeSetDocument): Promise<void> {
  const question = t("edit.undo_sure", { id: changeSet.id, codes: list(newCodes(changeSet)) });
  if ((await ask(question, t("edit.undo"))) === null) return;
  if (await editor.undo(changeSet)) tell(() => t("edit.undone"));
}

/** Taking back needs who may approve. */
export function undoButton(
  editor: EditSession,
  changeSet: ChangeSetDocument,
  small = false,
): TemplateResult | typeof nothing {
  if (!changeSet.may_approve) return nothing;
  return html`
    <button
      type="button"
      class=${small ? "danger small" : "danger"}
      data-edit="undo"
      data-undo=${small ? changeSet.id : nothing}
      @click=${busy(() => undo(editor, changeSet))}
    >
      ${t("edit.undo")}
    </button>
  `;
}
