/** Approving, turning down, withdrawing and undoing change sets, and the lists of them. */
import { isAbort } from "../core/api";
import { fill, h, type Child } from "../core/dom";
import { time } from "../texts/format";
import { language } from "../texts/language";
import { t, term } from "../texts/text";
import { complain, tell } from "../core/notices";
import { session } from "../core/session";
import type { ChangeSetDocument } from "../core/types";
import type { EditSession } from "../edit/session";
import { history } from "../edit/transact";
import { ask } from "./ask";
import { actionButton, empty, failure, loading } from "./pieces";

const SHOWN = 20;
/** A list of so many codes is shown whole; of a longer one the first. */
const FEW_CODES = 12;
const FIRST_CODES = 6;
const LOOK_MS = 15_000;
const WAITING = ["draft", "approved"];

/** The codes that were given; of a draft, those that would be. */
export function newCodes({ result, preview }: ChangeSetDocument): string[] {
  return result?.created?.map((each) => each.code) ?? preview.new_codes ?? [];
}

/** Codes; of a long list the first, the others when they are asked for. */
export function codes(kind: "new" | "void", list: string[] | undefined): Child {
  if (!list?.length) return null;
  const some = (part: readonly string[]): HTMLElement =>
    h(
      "span",
      { class: `code-list ${kind}` },
      part.map((code) => h("code", {}, code)),
    );
  if (list.length <= FEW_CODES) return some(list);
  return [
    some(list.slice(0, FIRST_CODES)),
    h(
      "details",
      {},
      h("summary", {}, t("edit.more_codes", { n: list.length - FIRST_CODES })),
      some(list.slice(FIRST_CODES)),
    ),
  ];
}

function own(changeSet: ChangeSetDocument): boolean {
  return changeSet.author === session.get().username;
}

async function turnDown(editor: EditSession, changeSet: ChangeSetDocument): Promise<void> {
  const { id } = changeSet;
  const withdraw = own(changeSet);
  const question = `${t(withdraw ? "edit.withdraw" : "edit.reject")} #${id}`;
  const reason = await ask(
    question,
    t(withdraw ? "edit.withdraw" : "edit.reject"),
    withdraw ? undefined : t("edit.reject_reason"),
  );
  if (reason === null) return;
  await editor.turnDown(changeSet, reason);
  tell(() => t(withdraw ? "edit.withdrawn" : "edit.rejected", { id }));
}

/** What may be done with a change set that waits. */
export function reviewButtons(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement {
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
    WAITING.includes(status) && (may_approve || own(changeSet))
      ? actionButton(t(own(changeSet) ? "edit.withdraw" : "edit.reject"), () => turnDown(editor, changeSet), {
          "data-edit": "reject",
        })
      : null,
    h("button", { "data-edit": "close", onclick: () => void editor.check() }, t("edit.close")),
  );
}

/** Taking back needs who may approve. */
export function undoButton(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement | null {
  if (!changeSet.may_approve) return null;
  const work = async (): Promise<void> => {
    const { id } = changeSet;
    if ((await ask(t("edit.undo_sure", { id, codes: newCodes(changeSet).join(", ") }), t("edit.undo"))) === null)
      return;
    if (await editor.undo(changeSet)) tell(() => t("edit.undone"));
  };
  return actionButton(t("edit.undo"), work, { class: "danger", "data-edit": "undo" });
}

function reasonOf({ result }: ChangeSetDocument): string {
  return ((language.get() === "zh" && result?.reason_zh) || result?.reason) ?? "";
}

function turnedDown(changeSet: ChangeSetDocument): string {
  return t("edit.rejected_by", { who: changeSet.result?.rejected_by ?? "", reason: reasonOf(changeSet) });
}

function rowText(changeSet: ChangeSetDocument): Child {
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

function row(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement {
  const { id, status, title, preview, operations } = changeSet;
  const ops = [...new Set(operations.map((each) => term("op", each.op)))].join(", ");
  const take = actionButton(t("edit.take_up"), async () => void (await editor.takeUp(changeSet)), {
    class: "small",
    "data-take": id,
  });
  const look = h(
    "button",
    { class: "small", "data-review": id, onclick: () => void editor.review(changeSet).catch(complain) },
    t("edit.review"),
  );
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
    h(
      "div",
      { class: "actions wrap" },
      WAITING.includes(status) ? look : null,
      undo,
      status === "rejected" || status === "undone" ? take : null,
    ),
  );
}

/** The two lists: what waits, and what is in force or past. The result loads them anew. */
export function changeLists(
  editor: EditSession,
  waiting: HTMLElement,
  past: HTMLElement,
  signal: AbortSignal,
): () => void {
  let drawn = "";
  const draw = (sets: readonly ChangeSetDocument[]): void => {
    const told = JSON.stringify(sets);
    if (told === drawn) return;
    drawn = told;
    for (const [box, waits] of [
      [waiting, true],
      [past, false],
    ] as const) {
      const found = sets.filter((each) => WAITING.includes(each.status) === waits).slice(0, SHOWN);
      fill(
        box,
        found.length ? found.map((each) => row(editor, each)) : empty(t(waits ? "edit.no_drafts" : "edit.no_history")),
      );
    }
  };
  const list = async (): Promise<void> => {
    try {
      const sets = await history(SHOWN * 2, signal);
      tellOf(editor.heard(sets));
      draw(sets);
    } catch (error) {
      if (isAbort(error)) return;
      drawn = "";
      fill(waiting, failure(error, again));
      fill(past);
    }
  };
  const again = (): void => {
    for (const box of [waiting, past]) fill(box, loading());
    void list();
  };
  again();
  // Drafts that others hand in or turn down change no area, so no event tells of them.
  const timer = window.setInterval(() => document.hidden || void list(), LOOK_MS);
  signal.addEventListener("abort", () => clearInterval(timer));
  return () => void list();
}

/** Tell the author what somebody else decided. */
function tellOf(changeSet: ChangeSetDocument | null): void {
  if (!changeSet) return;
  const { id, status, approved_by, result } = changeSet;
  if (status === "rejected")
    tell(() => t("edit.heard_rejected", { id, who: result?.rejected_by ?? "", reason: reasonOf(changeSet) }), "bad");
  else if (approved_by) tell(() => t("edit.heard_approved", { id, who: approved_by }));
}
