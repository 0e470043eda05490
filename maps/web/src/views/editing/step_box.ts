/** The draft: its steps, what is said of it, and handing it in. */
import { html, nothing, type TemplateResult } from "lit";
import { tell } from "../../core/notices";
import type { EditSession } from "../../edit/session";
import type { ZoneName } from "../../core/edit_types";
import { corrects, isPast, madeBy, type Step } from "../../edit/steps";
import { ask } from "../../frame/ask";
import { list, number, today } from "../../texts/format";
import { t, term } from "../../texts/text";
import { busy, empty, section } from "../pieces";
import { approvers } from "./approval";

/** An area by name and code; a grid of the draft by the step that makes it, since its code may still change. */
function zoneName({ id, name, code }: ZoneName): string {
  const made = madeBy(id);
  return made ? t("edit.new_grid", { n: number(made.step) }) : `${name} ${code}`.trim();
}

function stepRow({ operation, zones, target }: Step): TemplateResult {
  const names = list(zones.map(zoneName));
  return html`
    <li data-step=${operation.op}>
      <b>${term("op", operation.op)}</b> <span>${names}</span>
      ${target ? html`<span>→ ${target.name || target.code}</span>` : nothing}
    </li>
  `;
}

function about(editor: EditSession): TemplateResult {
  const { title, reason, day, keepCodes, steps } = editor.sheet.get();
  const write =
    (name: "title" | "reason" | "day") =>
    ({ target }: Event): void =>
      editor.write({ [name]: (target as HTMLInputElement).value });
  return html`
    <div class="draft-about">
      <label>
        ${t("edit.title")}
        <input name="draft-title" type="text" required maxlength="200" .value=${title} @change=${write("title")} />
      </label>
      <label>
        ${t("edit.reason")}
        <textarea name="draft-reason" required rows="2" maxlength="4000" .value=${reason} @change=${write("reason")}></textarea>
      </label>
      <label>
        ${t("edit.day")}
        <input name="draft-day" type="date" min=${today()} .value=${day} @change=${write("day")} />
      </label>
      ${
        steps.some(corrects)
          ? html`<label class="check">
              <input
                name="keep-codes"
                type="checkbox"
                .checked=${keepCodes}
                @change=${({ target }: Event) => editor.write({ keepCodes: (target as HTMLInputElement).checked })}
              />
              ${t("edit.keep_codes")}
            </label>`
          : nothing
      }
    </div>
  `;
}

async function emptyIt(editor: EditSession): Promise<void> {
  const n = number(editor.sheet.get().steps.length);
  if ((await ask(t("edit.step_clear_sure", { n }), t("edit.step_clear"))) !== null) editor.clearDraft();
}

/** Hand it in, when it has a title and a reason: whoever approves reads them. */
async function submit(editor: EditSession, approved: boolean): Promise<void> {
  const { title, reason } = editor.sheet.get();
  const lacking = title.trim() ? (reason.trim() ? null : "draft-reason") : "draft-title";
  if (lacking === null) return editor.submit(approved);
  tell(() => t("edit.say_why"), "bad");
  const field = document.querySelector<HTMLInputElement>(`[name=${lacking}]`);
  field?.focus();
  field?.reportValidity();
}

function handIn(editor: EditSession): TemplateResult {
  if (isPast(editor.sheet.get().day, today()))
    return html`<p class="fault" role="alert" data-past-day>${t("edit.past_day")}</p>`;
  const outcome = editor.outcome.get();
  if (outcome.name !== "preview")
    return html`
      <button type="button" data-edit="check" @click=${busy(() => editor.check())}>${t("edit.preview_again")}</button>
    `;
  const { day } = editor.sheet.get();
  const approve = outcome.trial.effective_at ? t("edit.approve_on", { day }) : t("edit.apply");
  return html`
    <div class="actions wrap">
      <button type="button" class="primary" data-edit="submit" @click=${busy(() => submit(editor, false))}>
        ${t("edit.submit")}
      </button>
      ${
        outcome.trial.may_approve
          ? html`<button type="button" data-edit="apply" @click=${busy(() => submit(editor, true))}>${approve}</button>`
          : html`<p class="muted">${t("edit.not_yours", { who: approvers(outcome.trial) })}</p>`
      }
    </div>
  `;
}

/** The steps, and what is said of them when there is one. */
export function stepBox(editor: EditSession): TemplateResult {
  const { steps } = editor.sheet.get();
  return section(
    t("edit.steps"),
    steps.length ? html`<ol class="draft-steps">${steps.map(stepRow)}</ol>` : empty(t("edit.no_steps")),
    steps.length ? about(editor) : nothing,
  );
}

/** Taking back, doing again and handing in: at the foot of the panel, in sight wherever it is scrolled to. */
export function actionBar(editor: EditSession): TemplateResult {
  const { steps, undone } = editor.sheet.get();
  const waiting = editor.outcome.get().name === "waiting";
  const button = (name: string, text: string, off: boolean, act: () => void, keys = ""): TemplateResult => html`
    <button
      type="button"
      class="small"
      data-edit=${name}
      title=${keys || nothing}
      ?disabled=${off || waiting}
      @click=${act}
    >
      ${text}
    </button>
  `;
  return html`
    <div class="edit-bar">
      <div class="actions wrap">
        ${button("step-undo", t("edit.step_undo"), !steps.length, () => editor.undoStep(), "Ctrl+Z")}
        ${button("step-redo", t("edit.step_redo"), !undone.length, () => editor.redoStep(), "Ctrl+Y")}
        ${button("step-clear", t("edit.step_clear"), !steps.length, () => void emptyIt(editor))}
      </div>
      ${steps.length && !waiting ? handIn(editor) : nothing}
    </div>
  `;
}
