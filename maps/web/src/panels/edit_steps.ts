/** The draft: its steps, what is said of it, and handing it in. */
import { h } from "../core/dom";
import { t, term } from "../texts/text";
import type { EditSession } from "../edit/session";
import type { Step } from "../edit/steps";
import { ask } from "./ask";
import { actionButton, empty, section } from "./pieces";

function stepRow({ operation, zones, target }: Step): HTMLElement {
  const names = zones.map((each) => `${each.name} ${each.code}`.trim()).join(", ");
  return h(
    "li",
    { "data-step": operation.op },
    h("b", {}, term("op", operation.op)),
    " ",
    h("span", {}, names),
    target ? h("span", {}, ` → ${target.name || target.code}`) : null,
  );
}

function today(): string {
  return new Date().toLocaleDateString("sv-SE", { timeZone: "Asia/Shanghai" });
}

function about(editor: EditSession): HTMLElement {
  const { title, reason, day } = editor.sheet.get();
  const field = (name: "title" | "day", type: string, value: string): HTMLInputElement =>
    h("input", {
      name: `draft-${name}`,
      type,
      value,
      ...(type === "date" ? { min: today() } : { maxlength: 200 }),
      onchange: (event: Event) => editor.write({ [name]: (event.target as HTMLInputElement).value }),
    });
  const why = h(
    "textarea",
    {
      name: "draft-reason",
      rows: 2,
      maxlength: 4000,
      onchange: (event: Event) => editor.write({ reason: (event.target as HTMLTextAreaElement).value }),
    },
    reason,
  );
  return h(
    "div",
    { class: "draft-about" },
    h("label", {}, t("edit.title"), field("title", "text", title)),
    h("label", {}, t("edit.reason"), why),
    h("label", {}, t("edit.day"), field("day", "date", day)),
  );
}

async function emptyIt(editor: EditSession): Promise<void> {
  const n = editor.sheet.get().steps.length;
  if ((await ask(t("edit.step_clear_sure", { n }), t("edit.step_clear"))) !== null) editor.clearDraft();
}

function handIn(editor: EditSession): HTMLElement | null {
  const outcome = editor.outcome.get();
  if (outcome.name !== "preview")
    return actionButton(t("edit.preview_again"), () => editor.check(), { "data-edit": "check" });
  const { day } = editor.sheet.get();
  const approve = day > today() ? t("edit.approve_on", { day }) : t("edit.apply");
  return h(
    "div",
    { class: "actions wrap" },
    actionButton(t("edit.submit"), () => editor.submit(false), { class: "primary", "data-edit": "submit" }),
    outcome.trial.may_approve ? actionButton(approve, () => editor.submit(true), { "data-edit": "apply" }) : null,
    outcome.trial.may_approve ? null : h("p", { class: "muted" }, t("edit.not_yours")),
  );
}

/** Steps with taking back and doing again; the rest only when there is a step. */
export function stepBox(editor: EditSession): HTMLElement {
  const { steps, undone } = editor.sheet.get();
  const waiting = editor.outcome.get().name === "waiting";
  const history = h(
    "div",
    { class: "actions wrap" },
    h(
      "button",
      {
        type: "button",
        class: "small",
        "data-edit": "step-undo",
        title: "Ctrl+Z",
        disabled: !steps.length || waiting,
        onclick: () => editor.undoStep(),
      },
      t("edit.step_undo"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "small",
        "data-edit": "step-redo",
        title: "Ctrl+Y",
        disabled: !undone.length || waiting,
        onclick: () => editor.redoStep(),
      },
      t("edit.step_redo"),
    ),
    h(
      "button",
      {
        type: "button",
        class: "small",
        "data-edit": "step-clear",
        disabled: !steps.length || waiting,
        onclick: () => void emptyIt(editor),
      },
      t("edit.step_clear"),
    ),
  );
  return section(
    t("edit.steps"),
    steps.length ? h("ol", { class: "draft-steps" }, steps.map(stepRow)) : empty(t("edit.no_steps")),
    history,
    steps.length ? about(editor) : null,
    steps.length && !waiting ? handIn(editor) : null,
  );
}
