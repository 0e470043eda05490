/** One case: where it lies, who acts, why, what was done, and what may be done next. */
import { address, get, post } from "../core/api";
import { h, type Child } from "../core/dom";
import { time } from "../texts/format";
import { t, term } from "../texts/text";
import { complain, tell } from "../core/notices";
import { go } from "../core/route";
import { written } from "../core/written";
import type { CaseDocument, CaseEvent, DutyLine } from "../core/types";
import { flyTo, mark, pointOf } from "../console";
import { assignmentSteps, bodies } from "./assignment";
import { actionButton, backButton, download, empty, facts, section, show, stateBadge } from "./pieces";
import type { View, ViewContext } from "./view";

/** Actions that say no or move backwards: they need a reason. */
const NEEDS_NOTE = new Set(["return", "suspend", "rework", "reassign", "note"]);
const SHORT_HASH = 10;

function confirmed(question: string): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (yes: boolean): void => {
      resolve(yes);
      dialog.close();
    };
    const yes = h("button", { class: "primary", "data-confirm": true, onclick: () => answer(true) }, t("confirm"));
    const dialog = h(
      "dialog",
      { class: "login" },
      h("p", {}, question),
      h("div", { class: "actions" }, h("button", { onclick: () => answer(false) }, t("cancel")), yes),
    );
    dialog.addEventListener("close", () => {
      resolve(false);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
    yes.focus();
  });
}

/** Bodies of the duty list for the case's matter, offered when the case is given to another one. */
function bodyField(found: CaseDocument): { field: HTMLInputElement; element: HTMLElement } {
  const options = h("datalist", { id: "lead-bodies" });
  const field = h("input", { list: "lead-bodies", "aria-label": t("case.new_lead") });
  get<{ items: DutyLine[] }>(`v1/duty-items?limit=1000&item_code=${encodeURIComponent(found.item_code)}`)
    .then(({ items }) =>
      options.append(...[...new Set(items.map((each) => each.body))].map((body) => h("option", { value: body }))),
    )
    .catch(complain);
  return { field, element: h("label", {}, t("case.new_lead"), field, options) };
}

function actions(context: ViewContext, found: CaseDocument): Child {
  if (!found.available_actions.length) return section(t("case.next"), empty(t("case.no_action")));
  const draft = written(`case ${found.number}`);
  const note = h(
    "textarea",
    { rows: 2, placeholder: t("case.note"), "aria-label": t("case.note"), oninput: () => draft.keep(note.value) },
    draft.text,
  );
  const fault = h("p", { class: "fault", role: "alert" });
  const lead = found.available_actions.includes("reassign") ? bodyField(found) : null;
  const lacking = (action: string): string => {
    if (NEEDS_NOTE.has(action) && !note.value.trim()) return t("case.note_needed");
    return action === "reassign" && !lead?.field.value.trim() ? t("case.lead_needed") : "";
  };
  const take = async (action: string): Promise<void> => {
    fault.textContent = lacking(action);
    if (
      fault.textContent ||
      !(await confirmed(t("case.confirm", { action: term("action", action), number: found.number })))
    )
      return;
    const payload = action === "reassign" ? { lead_body: lead?.field.value.trim() } : {};
    await post(`v1/cases/${encodeURIComponent(found.number)}/events`, { action, note: note.value.trim(), payload });
    note.value = "";
    draft.sent();
    tell(() => t("case.done", { action: term("action", action) }));
    context.again();
  };
  const button = (action: string): HTMLElement =>
    actionButton(term("action", action), () => take(action), {
      class: NEEDS_NOTE.has(action) ? "" : "primary",
      "data-action": action,
    });
  return section(
    t("case.next"),
    note,
    lead?.element,
    fault,
    h("div", { class: "actions wrap" }, found.available_actions.map(button)),
  );
}

function noteOf(event: CaseEvent): string {
  const note = event.payload.note;
  return typeof note === "string" ? note : "";
}

/** The record's hash, and whether it names the hash of the record before; the server proves the whole chain. */
function hashMark(event: CaseEvent, before: CaseEvent | undefined): HTMLElement {
  const linked = !before || event.prev_hash === before.hash;
  return h(
    "code",
    {
      class: `hash ${linked ? "" : "broken"}`,
      title: `${t(linked ? "case.linked" : "case.not_linked")}\n${event.hash}`,
    },
    `#${event.seq} ${event.hash.slice(0, SHORT_HASH)} ${linked ? "✓" : "✗"}`,
  );
}

function timeline(found: CaseDocument): Child {
  return h(
    "ol",
    { class: "timeline" },
    found.events.map((event, i) =>
      h(
        "li",
        {},
        h(
          "div",
          { class: "row-head" },
          h("b", {}, term("action", event.action)),
          h("span", { class: "muted" }, "→ ", term("state", event.to_state)),
        ),
        h(
          "div",
          { class: "row-foot" },
          h("span", {}, time(event.at)),
          h("span", {}, event.actor, " · ", term("role", event.role)),
        ),
        noteOf(event) && h("p", { class: "note" }, noteOf(event)),
        hashMark(event, found.events[i - 1]),
      ),
    ),
  );
}

interface Verification {
  holds: boolean;
  events: number;
  faults: string[];
}

/** What was found of a case with so many events: a panel that is drawn anew still says it. */
const verdicts = new Map<string, Verification>();
let sayVerdict = (): void => undefined;

function verification(found: CaseDocument): Child {
  const result = h("span", { class: "verdict", role: "status" });
  const key = `${found.number} ${found.events.length}`;
  sayVerdict = () => {
    const verdict = verdicts.get(key);
    if (!verdict) return;
    result.className = `verdict ${verdict.holds ? "good" : "bad"}`;
    result.textContent = verdict.holds
      ? `✓ ${t("case.chain_holds", { n: verdict.events })}`
      : `✗ ${t("case.chain_broken", { faults: verdict.faults.join("; ") })}`;
  };
  sayVerdict();
  const check = actionButton(t("case.verify"), async () => {
    verdicts.set(key, await get<Verification>(`v1/cases/${encodeURIComponent(found.number)}/verify`));
    sayVerdict();
  });
  return h("div", { class: "actions wrap" }, check, result);
}

function place(found: CaseDocument): Child {
  return facts([
    [t("kind.county"), found.county],
    [t("kind.town"), found.town],
    [t("kind.community"), found.community],
    [t("kind.unit_grid"), found.grid_code && h("code", {}, found.grid_code)],
    [t("case.opened"), time(found.opened_at)],
    [
      t("case.due_at"),
      found.due_at &&
        h(
          "span",
          { class: found.overdue ? "overdue" : "" },
          time(found.due_at),
          found.overdue ? ` · ${t("case.overdue")}` : "",
        ),
    ],
    [t("case.closed_at"), found.closed_at && time(found.closed_at)],
    [t("case.domain"), `${term("domain", found.domain)} · ${found.item_code}`],
  ]);
}

function body(context: ViewContext, found: CaseDocument): Child {
  const report = address(`v1/cases/${encodeURIComponent(found.number)}/report.html`);
  return h(
    "article",
    { class: "card", "data-open-case": found.number },
    h("header", { class: "card-head" }, stateBadge(found.state), h("h2", {}, found.title)),
    h(
      "p",
      { class: "muted" },
      h("code", {}, found.number),
      found.alert_id !== null && [
        " · ",
        h("a", { href: "#", onclick: (event: Event) => openAlert(event, found.alert_id ?? 0) }, t("case.alert")),
      ],
    ),
    place(found),
    section(t("case.bodies"), bodies(found.assignment, found.lead_body, found.co_handlers)),
    actions(context, found),
    section(t("case.why"), assignmentSteps(found.explanation)),
    section(t("case.timeline"), timeline(found), verification(found)),
    h(
      "footer",
      { class: "actions no-print" },
      h("a", { class: "button", href: report, target: "_blank", rel: "noopener" }, t("case.report")),
      h("button", { onclick: () => download(`${found.number}.json`, found) }, t("export")),
      h("button", { onclick: () => window.print() }, t("print")),
    ),
  );
}

function openAlert(event: Event, id: number): void {
  event.preventDefault();
  go({ view: "alert", id });
}

export function caseView(number_: string): View {
  return (context) => {
    const holder = h("div", {});
    context.into.append(
      backButton(t("cases"), () => go({ view: "cases" })),
      holder,
    );
    void show(
      holder,
      async () => {
        const found = await get<CaseDocument>(`v1/cases/${encodeURIComponent(number_)}`, context.signal);
        mark(context.console, pointOf(found.geometry));
        if (!context.console.map.getBounds().contains(pointOf(found.geometry) ?? [0, 0]))
          flyTo(context.console, found.geometry, 14);
        return body(context, found);
      },
      context.again,
    );
  };
}
