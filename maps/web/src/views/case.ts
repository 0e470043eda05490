/** One case: where it lies, who acts, why, what was done, and what may be done next. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import { live } from "lit/directives/live.js";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { linkTo, tabRoute } from "../address/router";
import { address, explain, get, post, Problem } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { complain, tell } from "../core/notices";
import { may, session } from "../core/session";
import type { CaseDocument, CaseEvent, DutyLine } from "../core/types";
import { written } from "../core/written";
import { flyTo, mark, pointOf, type Console } from "../console";
import { ask } from "../frame/ask";
import { brackets, label, list, time, timeLeft } from "../texts/format";
import { language } from "../texts/language";
import { caseTitle, pick, t, term } from "../texts/text";
import { assignmentSteps, bodies } from "./assignment";
import "./case_files";
import "./case_officers";
import "./case_place";
import { notShown } from "./outside";
import { backLink, busy, download, empty, facts, follow, loaded, section, stateBadge, type Content } from "./pieces";

/** Actions that say no or move backwards: they need a reason. */
const NEEDS_NOTE = new Set([
  "return",
  "refuse",
  "suspend",
  "rework",
  "reassign",
  "designate",
  "extend",
  "merge",
  "unmerge",
  "reopen",
  "note",
]);
/** Actions that give the case to other bodies. */
const GIVES = ["reassign", "designate"] as const;
/** States from which the place can be changed. */
const MOVABLE = new Set(["reported", "accepted", "filed", "dispatched", "arrived", "returned", "rework"]);
/** States that somebody's reason explains. */
const STOPPED = new Set(["returned", "rework", "suspended"]);
const SHORT_HASH = 10;

interface Verification {
  holds: boolean;
  events: number;
  under_heads: number;
  faults: string[];
}

/** What was found of a case with so many events, for as long as the page is open. */
const verdicts = new Map<string, Verification>();

/** What a step says besides its name, a line each: to whom the case was given, for how long, why. */
function factsOf({ action, payload }: CaseEvent): string[] {
  const text = (name: string): string => (typeof payload[name] === "string" ? payload[name] : "");
  const given = GIVES.some((each) => each === action) ? text("lead_body") : "";
  return [
    given && label(t("case.lead"), given),
    typeof payload.days === "number" ? label(t("case.extension_days"), String(payload.days)) : "",
    text("into") && label(t("desk.case"), text("into")),
    text("note"),
  ].filter(Boolean);
}

/** Why the case came back or stands still, before the steps that follow from it. */
function whySo({ state, events }: CaseDocument): Content {
  const said = STOPPED.has(state)
    ? events.findLast((event) => event.to_state === state && event.from_state !== state)
    : null;
  if (!said || !factsOf(said).length) return nothing;
  const who = String(said.payload.body ?? said.actor);
  return html`<p class="hint" data-why-stopped>${label(brackets(term("action", said.action), who), list(factsOf(said)))}</p>`;
}

/** What was told of the case by those who reported it. */
function told({ told: clues }: CaseDocument): Content {
  if (!clues.length) return nothing;
  return section(
    t("case.told"),
    clues.map((each) => {
      const to = { view: "clue", id: each.clue_id } as const;
      return html`
        <p class="note" data-told>${each.text}</p>
        <p class="muted">
          ${term("clue_source", each.source)} · ${time(each.created_at)} ·
          <a href=${linkTo(to)} @click=${follow(to)}>${t("desk.clue", { id: each.clue_id })}</a>
        </p>
      `;
    }),
  );
}

/** The record's hash, and whether it names the hash of the record before; the server proves the whole chain. */
function hashMark(event: CaseEvent, before: CaseEvent | undefined): TemplateResult {
  const linked = !before || event.prev_hash === before.hash;
  const about = `${t(linked ? "case.linked" : "case.not_linked")}\n${event.hash}`;
  return html`
    <code class=${linked ? "hash" : "hash broken"} title=${about}>
      #${event.seq} ${event.hash.slice(0, SHORT_HASH)} ${linked ? "✓" : "✗"}
    </code>
  `;
}

/** Every body that takes part, as what, and how far its part is. */
function parties(found: CaseDocument): Content {
  if (!found.parties.length) return nothing;
  return html`
    <ul class="plain" data-parties>
      ${found.parties.map(
        ({ body, part, state }) => html`
          <li class="row-head">
            <span><b>${body}</b> <small class="muted">${term("part", part)}</small></span>
            <span class="badge">${term("part_state", state)}</span>
          </li>
        `,
      )}
    </ul>
  `;
}

/** Steps that the state and the role would allow, with the reason that they are not possible. */
function refusals({ refused_actions }: CaseDocument): Content {
  const refused = Object.entries(refused_actions);
  if (!refused.length) return nothing;
  return html`
    <details class="muted" data-refused>
      <summary>${t("case.not_now", { n: refused.length })}</summary>
      <ul>
        ${refused.map(([action, why]) => html`<li>${label(term("action", action), pick(why))}</li>`)}
      </ul>
    </details>
  `;
}

function timeline({ events }: CaseDocument): TemplateResult {
  return html`
    <ol class="timeline">
      ${repeat(
        events,
        (event) => event.seq,
        (event, i) => html`
          <li>
            <div class="row-head">
              <b>${term("action", event.action)}</b><span class="muted">→ ${term("state", event.to_state)}</span>
            </div>
            <div class="row-foot">
              <span>${time(event.at)}</span>
              <span>${[event.actor, event.payload.body ?? term("role", event.role)].join(" · ")}</span>
            </div>
            ${factsOf(event).map((each) => html`<p class="note">${each}</p>`)}
            ${hashMark(event, events[i - 1])}
          </li>
        `,
      )}
    </ol>
  `;
}

/** The deadline with the time left, that it stands still, or why there is none. */
function deadline({ clock, due_at }: CaseDocument): TemplateResult {
  if (clock.no_deadline) return html`<span class="overdue">${clock.no_deadline[language.get()]}</span>`;
  const left = clock.seconds_left ?? 0;
  const notes = [
    clock.status === "due_soon" || clock.status === "in_time" ? t("case.time_left", { time: timeLeft(left) }) : null,
    clock.status === "overdue" ? t("case.time_over", { time: timeLeft(-left) }) : null,
    clock.paused_since ? t("case.paused", { time: time(clock.paused_since) }) : null,
    clock.status === "closed" || clock.status === "closed_late" ? term("clock", clock.status) : null,
    clock.late_since && clock.late_since !== clock.due_at ? t("case.was_late", { time: time(clock.late_since) }) : null,
  ].filter(Boolean);
  const late = clock.status === "overdue" || clock.status === "closed_late" || clock.late_since;
  return html`<span class=${late ? "overdue" : ""}>${[time(due_at), ...notes].join(" · ")}</span>`;
}

function place(found: CaseDocument): TemplateResult {
  const { clock } = found;
  return facts([
    [t("kind.county"), found.county],
    [t("kind.town"), found.town],
    [t("kind.community"), found.community],
    [t("kind.unit_grid"), found.grid_code && html`<code>${found.grid_code}</code>`],
    [t("case.opened"), time(found.opened_at)],
    [
      clock.stage ? t("case.stage_due", { stage: term("action", clock.stage) }) : "",
      clock.stage_due_at && time(clock.stage_due_at),
    ],
    [t("case.urgency"), found.urgency !== "normal" && term("urgency", found.urgency)],
    [t("case.closed_at"), found.closed_at && time(found.closed_at)],
    [t("case.domain"), `${term("domain", found.domain)} · ${found.item_code}`],
  ]);
}

export class CaseView extends Piece {
  static override properties = { parts: { attribute: false }, number: {} };
  declare parts: Console;
  declare number: string;
  readonly #case = new Loading(
    this,
    async (signal) => {
      const found = await get<CaseDocument>(this.#path(), signal);
      const point = pointOf(found.geometry);
      mark(this.parts, point);
      if (point && !this.parts.map.getBounds().contains(point)) flyTo(this.parts, found.geometry, 14);
      if (GIVES.some((action) => found.available_actions.includes(action)))
        void this.#offerBodies(found.item_code, signal);
      return found;
    },
    ["cases"],
  );
  #fault = "";
  #newLead = "";
  #partners = "";
  #days = "";
  #into = "";
  #bodies: readonly string[] = [];

  protected override follows() {
    return [session];
  }

  #path(): string {
    return `v1/cases/${encodeURIComponent(this.number)}`;
  }

  /** Bodies of the duty list for the case's matter, offered when the case is given to another one. */
  async #offerBodies(item: string, signal: AbortSignal): Promise<void> {
    try {
      const path = `v1/duty-items?limit=1000&item_code=${encodeURIComponent(item)}`;
      const { items } = await get<{ items: DutyLine[] }>(path, signal);
      this.#bodies = [...new Set(items.map((each) => each.body))];
      this.requestUpdate();
    } catch (error) {
      complain(error);
    }
  }

  protected override render() {
    const list = tabRoute("cases");
    if (this.#case.error !== undefined) {
      const what = t("name.case", { number: this.number });
      return notShown(this.#case.error, what, { name: t("cases"), to: list }, this.#case.again);
    }
    return html`${backLink(t("cases"), list)}${loaded(this.#case, (found) => this.#body(found))}`;
  }

  #body(found: CaseDocument): TemplateResult {
    const report = (ending: string): string => address(`${this.#path()}/report.${ending}?lang=${language.get()}`);
    const alert = { view: "alert", id: found.alert_id ?? 0 } as const;
    return html`
      <article class="card" data-open-case=${found.number}>
        <header class="card-head">${stateBadge(found.state)}<h2>${caseTitle(found)}</h2></header>
        <p class="muted">
          <code>${found.number}</code>
          ${
            found.alert_id === null
              ? nothing
              : html` · <a href=${linkTo(alert)} @click=${follow(alert)}>${t("case.alert")}</a>`
          }
          ${found.due_at || found.clock.no_deadline ? html`<br />${t("case.due_at")} ${deadline(found)}` : nothing}
        </p>
        ${section(t("case.next"), whySo(found), this.#actions(found))} ${told(found)}
        ${place(found)} ${this.#otherPlace(found)}
        ${section(t("case.bodies"), bodies(found.assignment, found.lead_body, found.co_handlers), parties(found))}
        ${section(t("case.why"), assignmentSteps(found.explanation))}
        ${
          may("read_dispatches") && found.state !== "closed"
            ? section(
                t("case.officers"),
                html`
                  <case-officers
                    .number=${found.number}
                    .state=${found.state}
                    .etag=${`"${found.events.at(-1)?.hash ?? ""}"`}
                    @case-moved=${() => this.#case.load()}
                  ></case-officers>
                `,
              )
            : nothing
        }
        ${section(
          t("case.files"),
          html`
            <case-files
              .number=${found.number}
              .open=${found.state !== "closed"}
              @case-moved=${() => this.#case.load()}
            ></case-files>
          `,
        )}
        ${section(t("case.timeline"), timeline(found), this.#verification(found))}
        ${this.#publication(found)}
        <footer class="actions no-print">
          <a class="button" href=${report("html")} target="_blank" rel="noopener">${t("case.report")}</a>
          ${
            this.parts.settings.pdf
              ? html`<a class="button" href=${report("pdf")} target="_blank" rel="noopener">${t("case.report_pdf")}</a>`
              : nothing
          }
          ${
            may("pack_cases")
              ? html`<a class="button" href=${address(`${this.#path()}/pack.zip`)} download>${t("case.pack")}</a>`
              : nothing
          }
          <button type="button" @click=${() => download(`${found.number}.json`, found)}>${t("export")}</button>
          <button type="button" @click=${() => window.print()}>${t("print")}</button>
        </footer>
      </article>
    `;
  }

  /** Dispatchers move a case that is not disposed of yet. */
  #otherPlace(found: CaseDocument): Content {
    const [lon, lat] = found.geometry.coordinates;
    if (!may("send_officers") || !MOVABLE.has(found.state) || lon === undefined || lat === undefined) return nothing;
    return html`
      <case-place
        class="no-print"
        .parts=${this.parts}
        .number=${found.number}
        .place=${{ lon, lat }}
        .etag=${`"${found.events.at(-1)?.hash ?? ""}"`}
        @case-moved=${() => this.#case.load()}
      ></case-place>
    `;
  }

  #actions(found: CaseDocument): Content {
    if (!found.available_actions.length) return [empty(t("case.no_action")), refusals(found)];
    const draft = written(`case ${found.number}`);
    return html`
      <textarea
        rows="2"
        placeholder=${t("case.note")}
        aria-label=${t("case.note")}
        .value=${live(draft.text())}
        @input=${(event: Event) => draft.keep((event.target as HTMLTextAreaElement).value)}
      ></textarea>
      ${this.#fields(found)}
      <p class="fault" role="alert">${this.#fault}</p>
      <div class="actions wrap">
        ${repeat(
          found.available_actions,
          (action) => action,
          (action) => html`
            <button
              type="button"
              class=${NEEDS_NOTE.has(action) ? "" : "primary"}
              data-action=${action}
              @click=${busy(() => this.#take(found, action))}
            >
              ${term("action", action)}
            </button>
          `,
        )}
      </div>
      ${refusals(found)}
    `;
  }

  /** What the steps of now need besides the note. */
  #fields({ available_actions }: CaseDocument): Content {
    const field = (name: string, value: string, keep: (value: string) => void, type = "text"): TemplateResult => html`
      <label>
        ${name}<input
          type=${type}
          min=${type === "number" ? 1 : nothing}
          .value=${live(value)}
          @input=${(event: Event) => keep((event.target as HTMLInputElement).value.trim())}
        />
      </label>
    `;
    return [
      GIVES.some((action) => available_actions.includes(action)) ? this.#leadField() : nothing,
      available_actions.includes("extend")
        ? field(t("case.extension_days"), this.#days, (value) => (this.#days = value), "number")
        : nothing,
      available_actions.includes("merge")
        ? field(t("case.merge_into"), this.#into, (value) => (this.#into = value))
        : nothing,
    ];
  }

  /** Supervisors take the publication of a closed case down, with a reason. */
  #publication(found: CaseDocument): Content {
    if (found.state !== "closed" || !may("take_down")) return nothing;
    const draft = written(`take down ${found.number}`);
    return section(
      t("case.publication"),
      html`
        <p><a href=${address("published")} target="_blank" rel="noopener">${t("case.published_page")}</a></p>
        <textarea
          rows="2"
          placeholder=${t("case.take_down_reason")}
          aria-label=${t("case.take_down_reason")}
          .value=${live(draft.text())}
          @input=${(event: Event) => draft.keep((event.target as HTMLTextAreaElement).value)}
        ></textarea>
        <button type="button" data-take-down @click=${busy(() => this.#takeDown(found))}>${t("case.take_down")}</button>
      `,
    );
  }

  async #takeDown(found: CaseDocument): Promise<void> {
    const draft = written(`take down ${found.number}`);
    await post(`${this.#path()}/take-down`, { reason: draft.text().trim() });
    draft.sent();
    tell(() => t("case.done", { action: t("case.take_down") }));
    await this.#case.load();
  }

  #leadField(): TemplateResult {
    const keep = (event: Event): void => {
      this.#newLead = (event.target as HTMLInputElement).value.trim();
    };
    return html`
      <label>
        ${t("case.new_lead")}<input list="lead-bodies" .value=${live(this.#newLead)} @input=${keep} />
        <datalist id="lead-bodies">${this.#bodies.map((body) => html`<option value=${body}></option>`)}</datalist>
      </label>
      <label>
        ${t("case.co_handlers")}<textarea
          rows="2"
          .value=${live(this.#partners)}
          @input=${(event: Event) => (this.#partners = (event.target as HTMLTextAreaElement).value)}
        ></textarea>
      </label>
    `;
  }

  async #take(found: CaseDocument, action: string): Promise<void> {
    const draft = written(`case ${found.number}`);
    const note = draft.text().trim();
    this.#fault = "";
    if (NEEDS_NOTE.has(action) && !note) this.#fault = t("case.note_needed");
    else if (GIVES.some((each) => each === action) && !this.#newLead) this.#fault = t("case.lead_needed");
    else if (action === "extend" && !(Number(this.#days) >= 1)) this.#fault = t("case.days_needed");
    else if (action === "merge" && !this.#into) this.#fault = t("case.into_needed");
    this.requestUpdate();
    if (this.#fault) return;
    const name = term("action", action);
    if ((await ask(t("case.confirm", { action: name, number: found.number }), t("confirm"))) === null) return;
    try {
      const step = { action, note, payload: this.#payload(action) };
      await post(`${this.#path()}/events`, step, undefined, `"${found.events.at(-1)?.hash ?? ""}"`);
    } catch (error) {
      if (!(error instanceof Problem) || ![409, 412].includes(error.status)) throw error;
      // Somebody was quicker: what is shown is old. What was written stays.
      this.#fault = t("case.reloaded", { why: explain(error) });
      await this.#case.load();
      return;
    }
    draft.sent();
    this.#newLead = this.#partners = this.#days = this.#into = "";
    tell(() => t("case.done", { action: term("action", action) }));
    await this.#case.load();
  }

  #payload(action: string): Record<string, unknown> {
    if (action === "extend") return { days: Number(this.#days) };
    if (action === "merge") return { into: this.#into };
    if (!GIVES.some((each) => each === action)) return {};
    const partners = this.#partners.split("\n").map((name) => name.trim());
    const named = partners.filter((name) => name !== "");
    return { lead_body: this.#newLead, ...(named.length && { co_handlers: named }) };
  }

  #verification(found: CaseDocument): TemplateResult {
    const key = `${found.number} ${found.events.length}`;
    const verdict = verdicts.get(key);
    const check = async (): Promise<void> => {
      verdicts.set(key, await get<Verification>(`${this.#path()}/verify`));
      this.requestUpdate();
    };
    const words = (of: Verification): string =>
      of.holds
        ? `✓ ${t("case.chain_holds", { n: of.events, under: of.under_heads })}`
        : `✗ ${t("case.chain_broken", { faults: list(of.faults) })}`;
    return html`
      <div class="actions wrap">
        <button type="button" @click=${busy(check)}>${t("case.verify")}</button>
        <span class="verdict ${verdict ? (verdict.holds ? "good" : "bad") : ""}" role="status">
          ${verdict ? words(verdict) : ""}
        </span>
      </div>
    `;
  }
}
customElements.define("case-view", CaseView);

export const view = ({ number }: RouteTo<"case">, parts: Console) =>
  html`${keyed(number, html`<case-view .parts=${parts} .number=${number}></case-view>`)}`;
