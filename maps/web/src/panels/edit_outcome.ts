/** What the server says of a draft: the preview, the rule that it breaks, or who was faster. */
import { explain } from "../core/api";
import { h, type Child } from "../core/dom";
import { number, surface, time } from "../texts/format";
import { pick, t, term } from "../texts/text";
import { complain, tell } from "../core/notices";
import type { MessageKey } from "../texts/messages";
import type { Operation, Trial } from "../core/edit_types";
import type { ChangePreview, ChangeSetDocument, GridLoad } from "../core/types";
import { fateOf } from "../edit/fates";
import type { EditSession, Outcome } from "../edit/session";
import type { Step } from "../edit/steps";
import type { Refusal } from "../edit/transact";
import { COLORS } from "../map/palette";
import { codes, newCodes, reviewButtons, undoButton } from "./edit_approval";
import { actionButton, facts, section } from "./pieces";

function loadsOf({ load, voided_codes = [] }: ChangePreview): { before: GridLoad[]; after: GridLoad[] } {
  if (!load) return { before: [], after: [] };
  if (!Array.isArray(load)) return { before: load.before ?? [], after: load.after ?? [] };
  const before = load.filter((each) => voided_codes.includes(each.code));
  return { before, after: load.filter((each) => !before.includes(each)) };
}

const MEASURES = ["sites", "cases", "area_m2"] as const;

/** A number with a bar behind it, as long as its share of the largest. */
function measured(value: number, most: number, text: string, when: string): HTMLElement {
  const share = most > 0 ? (value / most) * 100 : 0;
  return h("td", { class: `num load ${when}` }, h("i", { style: `width:${share.toFixed(1)}%` }), h("span", {}, text));
}

function loadTable(preview: ChangePreview): Child {
  const { before, after } = loadsOf(preview);
  if (!before.length && !after.length) return null;
  const most = MEASURES.map((name) => Math.max(...[...before, ...after].map((each) => each[name] ?? 0)));
  const row =
    (when: string) =>
    (each: GridLoad): HTMLElement =>
      h(
        "tr",
        {},
        h("td", {}, h("code", {}, each.code)),
        MEASURES.map((name, i) =>
          measured(
            each[name] ?? 0,
            most[i] ?? 0,
            name === "area_m2" ? surface(each[name]) : number(each[name] ?? 0),
            when,
          ),
        ),
      );
  const rows = (name: string, when: string, list: GridLoad[]): Child => [
    h("tr", {}, h("th", { colspan: 4 }, name)),
    list.map(row(when)),
  ];
  const head = h(
    "tr",
    {},
    h("th", {}, t("area.code")),
    h("th", {}, t("edit.load_sites")),
    h("th", {}, t("edit.load_cases")),
    h("th", {}, t("area.surface")),
  );
  return section(
    t("edit.load"),
    h(
      "div",
      { class: "scroll" },
      h(
        "table",
        { class: "loads" },
        h("thead", {}, head),
        h("tbody", {}, rows(t("edit.before"), "before", before), rows(t("edit.after"), "after", after)),
      ),
    ),
  );
}

type Entry = [mark: string, color: string, text: MessageKey];

/** What the map shows of these operations: only what is there. */
function fateEntries(operations: readonly Operation[]): Entry[] {
  const fates = new Set(operations.map(fateOf));
  const entries: Entry[] = [];
  if (fates.has("ends"))
    entries.push(["line", COLORS.voided, "edit.legend_ends"], ["fill", COLORS.result, "edit.legend_new"]);
  if (fates.has("changes"))
    entries.push(
      ["line", COLORS.reshapedFrom, "edit.legend_changes_from"],
      ["fill", COLORS.reshaped, "edit.legend_changes"],
    );
  if (operations.some((each) => each.op === "transfer")) entries.push(["fill", COLORS.moved, "edit.legend_moves"]);
  if (operations.some((each) => each.op === "reparent"))
    entries.push(["fill", COLORS.moved, "edit.legend_moves_areas"]);
  return entries;
}

function legend(...entries: Entry[]): HTMLElement {
  return h(
    "ul",
    { class: "legend edit-legend", "aria-label": t("edit.legend") },
    entries.map(([mark, color, text]) =>
      h("li", {}, h("span", { class: `mark ${mark}`, style: `--color:${color}` }), t(text)),
    ),
  );
}

function previewBody({ operations, preview, effective_at }: Trial): Child {
  return [
    facts([
      [t("edit.voided"), codes("void", preview.voided_codes)],
      [t("edit.new_codes"), codes("new", preview.new_codes)],
      [t("edit.outlines"), preview.outlines?.join(", ")],
      [t("edit.sites"), number(preview.affected_sites ?? 0)],
      [t("edit.open_cases"), preview.open_cases?.length ? preview.open_cases.join(", ") : "0"],
      [t("edit.effective"), effective_at ? time(effective_at) : t("edit.at_once")],
    ]),
    h("p", { class: "muted" }, t("edit.cases_keep")),
    legend(
      ...fateEntries(operations),
      ["dot", COLORS.affectedSite, "edit.legend_site"],
      ["dot", COLORS.openCase, "edit.legend_case"],
    ),
    loadTable(preview),
  ];
}

function reviewPanel(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement {
  return h(
    "div",
    { class: "preview", "data-change-set": changeSet.id },
    h("h3", {}, t("edit.review_of", { author: changeSet.author, id: changeSet.id })),
    h("p", {}, h("b", {}, changeSet.title), changeSet.title && changeSet.reason ? ": " : "", changeSet.reason),
    previewBody(changeSet),
    reviewButtons(editor, changeSet),
  );
}

function reasonForParts(editor: EditSession, attempt: Step): HTMLElement {
  const text = h("input", { name: "parts-reason", maxlength: 1000 });
  const again = (): Promise<void> =>
    text.value.trim() ? editor.addWithReason(attempt, text.value.trim()) : Promise.resolve(text.focus());
  return h(
    "div",
    { class: "draft-about" },
    h("label", {}, t("edit.parts_reason"), text),
    actionButton(t("edit.parts_again"), again, { class: "small", "data-edit": "parts" }),
  );
}

function refusedPanel(editor: EditSession, refusal: Refusal, attempt: Step | null): HTMLElement {
  const parts =
    attempt &&
    ["merge", "transfer", "reparent"].includes(attempt.operation.op) &&
    ["multipart", "not_neighbours"].includes(refusal.rule);
  return h(
    "div",
    { class: "refused", role: "alert", "data-rule": refusal.rule },
    h("h3", {}, t(attempt ? "edit.refused" : "edit.refused_stored")),
    h("p", {}, h("b", {}, term("rule", refusal.rule))),
    h("p", {}, pick(refusal.detail)),
    facts([[t("edit.zones"), refusal.zones.join(", ")]]),
    refusal.clash && h("p", { class: "muted" }, t("edit.place")),
    refusal.clash && legend(["dash", COLORS.sketch, "edit.legend_sketch"], ["line", COLORS.clash, "edit.legend_clash"]),
    parts && attempt ? reasonForParts(editor, attempt) : null,
    h(
      "div",
      { class: "actions wrap" },
      h("button", { class: "small", "data-edit": "dismiss", onclick: () => void editor.check() }, t("edit.close")),
    ),
  );
}

async function carry(editor: EditSession, work: () => Promise<number>): Promise<void> {
  const lost = await work();
  if (lost) tell(() => t("edit.lost_steps", { n: lost }), "bad");
  else if (editor.outcome.get().name === "preview") tell(() => t("edit.taken_up"));
}

function conflictPanel(editor: EditSession, outcome: Outcome & { name: "conflict" }): HTMLElement {
  const { conflict, attempt, stored } = outcome;
  const again = stored
    ? actionButton(t("edit.take_up"), () => carry(editor, () => editor.takeUp(stored)), {
        class: "primary",
        "data-edit": "take-up",
      })
    : actionButton(t("edit.carry_over"), () => carry(editor, () => editor.carryOver(attempt)), {
        class: "primary",
        "data-edit": "carry-over",
      });
  return h(
    "div",
    { class: "refused", role: "alert", "data-conflict": true },
    h("h3", {}, t("edit.conflict")),
    h("p", {}, pick(conflict.detail)),
    facts([[t("edit.zones"), conflict.zones.join(", ")]]),
    stored ? null : h("p", {}, t("edit.conflict_kept")),
    h(
      "div",
      { class: "actions wrap" },
      again,
      h(
        "button",
        { "data-edit": "start-again", onclick: () => (stored ? editor.dismiss() : editor.clearDraft()) },
        t(stored ? "edit.close" : "edit.start_again"),
      ),
    ),
  );
}

function waitingPanel(editor: EditSession): HTMLElement {
  const began = Date.now();
  const words = h("span", {}, t("edit.checking", { s: 0 }));
  const box = h(
    "div",
    { class: "loading", role: "status", "aria-busy": "true" },
    h("span", { class: "spinner" }),
    words,
    h("button", { class: "small", onclick: () => editor.stop() }, t("edit.stop")),
  );
  const tick = setInterval(() => {
    if (!box.isConnected) clearInterval(tick);
    else words.textContent = t("edit.checking", { s: Math.round((Date.now() - began) / 1000) });
  }, 1000);
  return box;
}

function appliedPanel(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement {
  return h(
    "div",
    { class: "preview", "data-applied": changeSet.id },
    h("h3", {}, t("edit.in_force")),
    facts([
      [t("edit.new_codes"), codes("new", newCodes(changeSet))],
      [t("edit.voided"), codes("void", changeSet.preview.voided_codes)],
      [t("edit.approver"), changeSet.approved_by],
    ]),
    h(
      "div",
      { class: "actions wrap" },
      undoButton(editor, changeSet),
      h("button", { onclick: () => editor.dismiss() }, t("edit.close")),
    ),
  );
}

function submittedPanel(editor: EditSession, changeSet: ChangeSetDocument): HTMLElement {
  const { id, status, effective_at } = changeSet;
  const words =
    status === "approved" ? t("edit.approved_waits", { id, day: time(effective_at) }) : t("edit.submitted", { id });
  const look = (): void => void editor.review(changeSet).catch(complain);
  return h(
    "div",
    { class: "preview", "data-submitted": id },
    h("p", { role: "status" }, words),
    status === "draft" && !changeSet.may_approve ? h("p", { class: "muted" }, t("edit.waits_for")) : null,
    h(
      "div",
      { class: "actions wrap" },
      h("button", { onclick: look }, t("edit.review")),
      h("button", { onclick: () => editor.dismiss() }, t("edit.close")),
    ),
  );
}

/** The panel of what was said last. */
export function outcomeBox(editor: EditSession): Child {
  const outcome = editor.outcome.get();
  switch (outcome.name) {
    case "none":
      return null;
    case "waiting":
      return waitingPanel(editor);
    case "preview":
      return h(
        "div",
        { class: "preview", "data-preview": true },
        h("h3", {}, t("edit.draft")),
        previewBody(outcome.trial),
      );
    case "refused":
      return refusedPanel(editor, outcome.refusal, outcome.attempt);
    case "conflict":
      return conflictPanel(editor, outcome);
    case "unchecked":
      return h(
        "div",
        { class: "refused", role: "alert", "data-unchecked": true },
        h("h3", {}, t("edit.unchecked")),
        h("p", {}, explain(outcome.error)),
      );
    case "review":
      return reviewPanel(editor, outcome.changeSet);
    case "submitted":
      return submittedPanel(editor, outcome.changeSet);
    case "applied":
      return appliedPanel(editor, outcome.changeSet);
  }
}
