/** The list of change sets with its filters: to approve, waiting, own, in force, past. */
import { html, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { isAbort } from "../../core/api";
import { Piece } from "../../core/element";
import { complain, tell } from "../../core/notices";
import { session } from "../../core/session";
import type { ChangeSetDocument } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { history } from "../../edit/transact";
import { lastChange } from "../../live/changes";
import { label, list, number, time } from "../../texts/format";
import { pick, t, term } from "../../texts/text";
import { busy, empty, failure, loading, section, type Content } from "../pieces";
import { undoButton, WAITING } from "./approval";
import { codes, newCodes } from "./codes";

const SHOWN = 40;
const LISTED = 200;
const FILTERS = ["all", "to_approve", "waiting", "mine", "in_force", "past"] as const;
type Filter = (typeof FILTERS)[number];

/** Whether a change set is one that the filter names. */
function passes(filter: Filter, { status, author, may_approve }: ChangeSetDocument): boolean {
  switch (filter) {
    case "all":
      return true;
    case "to_approve":
      return status === "draft" && may_approve;
    case "waiting":
      return WAITING.includes(status);
    case "mine":
      return author === session.get().username;
    case "in_force":
      return status === "applied";
    case "past":
      return ["undone", "rejected", "withdrawn"].includes(status);
  }
}

/** Whether a word is in what people know a change set by: number, title, reason, author, codes. */
function holds({ id, title, reason, author, preview }: ChangeSetDocument, words: string): boolean {
  const codes = [...preview.voided_codes, ...preview.new_codes, ...(preview.kept_codes ?? [])];
  return !words || [`#${id}`, title, reason, author, ...codes].some((each) => each.includes(words));
}

/** Drafts that others hand in or turn down change no area, so no event tells of them. */
const LOOK_MS = 15_000;

function reasonOf({ result }: ChangeSetDocument): string {
  return pick({ zh: result?.reason_zh ?? result?.reason ?? "", en: result?.reason ?? "" });
}

function rowText(changeSet: ChangeSetDocument): string {
  const { status, author, approved_by, effective_at, undoes_id, reason, result } = changeSet;
  const turnedDown = { who: result?.rejected_by ?? "", reason: reasonOf(changeSet) };
  const lines = [
    t("edit.by", { author }),
    approved_by && status !== "draft" ? t("edit.approved_by", { who: approved_by }) : null,
    effective_at ? label(t("edit.effective"), time(effective_at)) : null,
    undoes_id ? t("edit.undoes", { id: undoes_id }) : null,
    status === "rejected" ? t("edit.rejected_by", turnedDown) : null,
    status === "withdrawn" ? reasonOf(changeSet) : null,
    reason,
  ];
  return lines.filter(Boolean).join(" · ");
}

/** Tell the author what somebody else decided. */
function tellOf(changeSet: ChangeSetDocument | null): void {
  if (!changeSet) return;
  const { id, status, approved_by, result } = changeSet;
  if (status === "rejected")
    tell(() => t("edit.heard_rejected", { id, who: result?.rejected_by ?? "", reason: reasonOf(changeSet) }), "bad");
  else if (approved_by) tell(() => t("edit.heard_approved", { id, who: approved_by }));
}

export class ChangeLists extends Piece {
  static override properties = { editor: { attribute: false } };
  declare editor: EditSession;
  #sets: readonly ChangeSetDocument[] | null = null;
  #filter: Filter = "all";
  #words = "";
  #fault: unknown = null;
  #asking: AbortController | null = null;
  #timer = 0;
  #endings: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    this.#endings = [
      lastChange.subscribe((change) => change?.layer === "areas" && void this.#load()),
      this.editor.outcome.subscribe(({ name }) => {
        if (["submitted", "applied", "none"].includes(name)) void this.#load();
      }),
      session.subscribe(() => void this.#load()),
    ];
    this.#timer = window.setInterval(() => document.hidden || void this.#load(), LOOK_MS);
    void this.#load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#endings) end();
    clearInterval(this.#timer);
    this.#asking?.abort();
  }

  async #load(): Promise<void> {
    this.#asking ??= new AbortController();
    const { signal } = this.#asking;
    try {
      const sets = await history(LISTED, signal);
      tellOf(this.editor.heard(sets));
      this.#sets = sets;
      this.#fault = null;
    } catch (error) {
      if (isAbort(error)) return;
      this.#fault = error;
    }
    this.requestUpdate();
  }

  readonly #again = (): void => {
    this.#sets = null;
    this.#fault = null;
    this.requestUpdate();
    void this.#load();
  };

  protected override render() {
    return section(t("edit.change_sets"), this.#filters(), this.#list());
  }

  #filters(): TemplateResult {
    const choose = ({ target }: Event): void => {
      this.#filter = (target as HTMLSelectElement).value as Filter;
      this.requestUpdate();
    };
    const find = ({ target }: Event): void => {
      this.#words = (target as HTMLInputElement).value.trim();
      this.requestUpdate();
    };
    return html`
      <div class="actions wrap">
        <select name="change-filter" aria-label=${t("edit.filter")} @change=${choose}>
          ${FILTERS.map(
            (each) => html`<option value=${each} ?selected=${each === this.#filter}>
              ${t(`edit.filter_${each}`)}${this.#sets ? ` (${number(this.#sets.filter((set) => passes(each, set)).length)})` : ""}
            </option>`,
          )}
        </select>
        <input
          name="change-find"
          type="search"
          aria-label=${t("edit.filter_find")}
          placeholder=${t("edit.filter_find")}
          @input=${find}
        />
      </div>
    `;
  }

  #list(): Content {
    if (this.#fault) return failure(this.#fault, this.#again);
    if (!this.#sets) return loading();
    const found = this.#sets.filter((each) => passes(this.#filter, each) && holds(each, this.#words)).slice(0, SHOWN);
    if (!found.length) return empty(t("edit.no_history"));
    return repeat(
      found,
      (each) => each.id,
      (each) => this.#row(each),
    );
  }

  #row(changeSet: ChangeSetDocument): TemplateResult {
    const { id, status, title, preview, operations } = changeSet;
    const ops = list([...new Set(operations.map((each) => term("op", each.op)))]);
    return html`
      <div class="body" data-row=${id}>
        <small>${term("change", status)}</small>
        <b>${title || ops} #${id}</b>
        <span>${time(changeSet.applied_at ?? changeSet.created_at)}</span>
        <p>${title ? `${ops} · ` : ""}${rowText(changeSet)}</p>
        <p>${codes("void", preview.voided_codes)} ${preview.kept_codes?.length && !preview.voided_codes.length ? t("edit.kept_codes") : "→"} ${codes("new", newCodes(changeSet))}${codes("new", preview.kept_codes)}</p>
        <div class="actions wrap">${this.#buttons(changeSet)}</div>
      </div>
    `;
  }

  #buttons(changeSet: ChangeSetDocument): Content {
    const { id, status } = changeSet;
    const look = (): void => void this.editor.review(changeSet).catch(complain);
    const review = html`
      <button type="button" class="small" data-review=${id} @click=${look}>${t("edit.review")}</button>
    `;
    if (WAITING.includes(status)) return review;
    if (status === "applied") return [review, undoButton(this.editor, changeSet, true)];
    return html`${review}
      <button type="button" class="small" data-take=${id} @click=${busy(() => this.editor.takeUp(changeSet))}>
        ${t("edit.take_up")}
      </button>
    `;
  }
}
customElements.define("change-lists", ChangeLists);
