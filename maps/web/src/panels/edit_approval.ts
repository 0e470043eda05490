/** Approving, turning down, withdrawing and undoing change sets, and the lists of them. */
import { fill, h, type Child } from "../core/dom";
import { language, t, term, time } from "../core/language";
import { complain, tell } from "../core/notices";
import { session } from "../core/session";
import type { ChangeSet } from "../core/types";
import type { EditSession } from "../edit/session";
import { history } from "../edit/transact";
import { ask } from "./ask";
import { actionButton, empty, show } from "./pieces";

const SHOWN = 20;
const WAITING = ["draft", "approved"];

/** The codes that were given; of a draft, those that would be. */
export function newCodes({ result, preview }: ChangeSet): string[] {
  return result?.created?.map((each) => each.code) ?? preview.new_codes ?? [];
}

export function codes(kind: "new" | "void", list: string[] | undefined): Child {
  return list?.length ? h("span", { class: `code-list ${kind}` }, list.map((code) => h("code", {}, code))) : null;
}

function own(changeSet: ChangeSet): boolean {
  return changeSet.author === session.get().username;
}

async function turnDown(editor: EditSession, changeSet: ChangeSet): Promise<void> {
  const { id } = changeSet;
  const withdraw = own(changeSet);
  const question = `${t(withdraw ? "edit.withdraw" : "edit.reject")} #${id}`;
  const reason = await ask(question, t(withdraw ? "edit.withdraw" : "edit.reject"), withdraw ? undefined : t("edit.reject_reason"));
  if (reason === null) return;
  await editor.turnDown(changeSet, reason);
  tell(() => t(withdraw ? "edit.withdrawn" : "edit.rejected", { id }));
}

/** What may be done with a change set that waits. */
export function reviewButtons(editor: EditSession, changeSet: ChangeSet): HTMLElement {
  const { status, may_approve, effective_at } = changeSet;
  const later = effective_at && new Date(effective_at).getTime() > Date.now();
  const approve = later ? t("edit.approve_on", { day: time(effective_at).slice(0, 10) }) : t("edit.apply");
  const work = async (): Promise<void> => {
    await editor.approve(changeSet);
    const outcome = editor.outcome.get();
    if (outcome.name === "applied") tell(() => t("edit.applied", { codes: newCodes(outcome.changeSet).join(", ") }));
  };
  return h(
    "div",
    { class: "actions wrap" },
    status === "draft" && may_approve ? actionButton(approve, work, { class: "primary", "data-edit": "apply" }) : null,
    status === "draft" && !may_approve ? h("p", { class: "muted" }, t("edit.not_yours")) : null,
    WAITING.includes(status) && (may_approve || own(changeSet)) ? actionButton(t(own(changeSet) ? "edit.withdraw" : "edit.reject"), () => turnDown(editor, changeSet), { "data-edit": "reject" }) : null,
    h("button", { "data-edit": "close", onclick: () => void editor.check() }, t("edit.close")),
  );
}

/** Taking back needs who may approve. */
export function undoButton(editor: EditSession, changeSet: ChangeSet): HTMLElement | null {
  if (!changeSet.may_approve) return null;
  const work = async (): Promise<void> => {
    const { id } = changeSet;
    if ((await ask(t("edit.undo_sure", { id, codes: newCodes(changeSet).join(", ") }), t("edit.undo"))) === null) return;
    if (await editor.undo(changeSet)) tell(() => t("edit.undone"));
  };
  return actionButton(t("edit.undo"), work, { class: "danger", "data-edit": "undo" });
}

function turnedDown({ result }: ChangeSet): string {
  const why = (language.get() === "zh" && result?.reason_zh) || result?.reason;
  return t("edit.rejected_by", { who: result?.rejected_by ?? "", reason: why ?? "" });
}

function rowText(changeSet: ChangeSet): Child {
  const { status, author, approved_by, effective_at, undoes_id, reason } = changeSet;
  const lines = [
    t("edit.by", { author }),
    approved_by && status !== "draft" ? t("edit.approved_by", { who: approved_by }) : null,
    effective_at ? `${t("edit.effective")} ${time(effective_at)}` : null,
    undoes_id ? t("edit.undoes", { id: undoes_id }) : null,
    status === "rejected" ? turnedDown(changeSet) : null,
    reason,
  ];
  return lines.filter(Boolean).join(" · ");
}

function row(editor: EditSession, changeSet: ChangeSet): HTMLElement {
  const { id, status, title, preview, operations } = changeSet;
  const ops = [...new Set(operations.map((each) => term("op", each.op)))].join(", ");
  const take = actionButton(t("edit.take_up"), async () => void (await editor.takeUp(changeSet)), { class: "small", "data-take": id });
  const look = h("button", { class: "small", "data-review": id, onclick: () => void editor.review(changeSet).catch(complain) }, t("edit.review"));
  const undo = status === "applied" ? undoButton(editor, changeSet) : null;
  undo?.classList.add("small");
  undo?.setAttribute("data-undo", String(id));
  return h(
    "div",
    { class: "body", "data-row": id },
    h("small", {}, term("change", status)),
    h("b", {}, title || ops, ` #${id}`),
    h("span", {}, time(changeSet.applied_at ?? changeSet.created_at)),
    h("p", {}, title ? `${ops} · ` : "", rowText(changeSet)),
    h("p", {}, codes("void", preview.voided_codes), " → ", codes("new", newCodes(changeSet))),
    h("div", { class: "actions wrap" }, WAITING.includes(status) ? look : null, undo, status === "rejected" || status === "undone" ? take : null),
  );
}

/** The two lists: what waits, and what is in force or past. The result loads them anew. */
export function changeLists(editor: EditSession, waiting: HTMLElement, past: HTMLElement, signal: AbortSignal): () => void {
  const list = (): void => {
    const sets = history(SHOWN * 2, signal);
    const some = (waits: boolean) => async (): Promise<Child> => {
      const found = (await sets).filter((each) => WAITING.includes(each.status) === waits).slice(0, SHOWN);
      return found.length ? found.map((each) => row(editor, each)) : empty(t(waits ? "edit.no_drafts" : "edit.no_history"));
    };
    void show(waiting, some(true), list);
    void show(past, some(false), list);
  };
  fill(waiting);
  return list;
}
