/** The two lists of change sets: what waits, and what is in force or past. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { isAbort } from "../../core/api";
import { Piece } from "../../core/element";
import { complain, tell } from "../../core/notices";
import { session } from "../../core/session";
import type { ChangeSetDocument } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { history } from "../../edit/transact";
import { lastChange } from "../../live/changes";
import { label, list, time } from "../../texts/format";
import { pick, t, term } from "../../texts/text";
import { busy, empty, failure, loading, section, type Content } from "../pieces";
import { undoButton, WAITING } from "./approval";
import { codes, newCodes } from "./codes";

const SHOWN = 20;
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
      const sets = await history(SHOWN * 2, signal);
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
    return [
      section(t("edit.drafts"), this.#list(true)),
      section(t("edit.history"), this.#fault ? nothing : this.#list(false)),
    ];
  }

  #list(waits: boolean): Content {
    if (this.#fault) return failure(this.#fault, this.#again);
    if (!this.#sets) return loading();
    const found = this.#sets.filter((each) => WAITING.includes(each.status) === waits).slice(0, SHOWN);
    if (!found.length) return empty(t(waits ? "edit.no_drafts" : "edit.no_history"));
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
        <p>${codes("void", preview.voided_codes)} → ${codes("new", newCodes(changeSet))}</p>
        <div class="actions wrap">${this.#buttons(changeSet)}</div>
      </div>
    `;
  }

  #buttons(changeSet: ChangeSetDocument): Content {
    const { id, status } = changeSet;
    if (WAITING.includes(status)) {
      const look = (): void => void this.editor.review(changeSet).catch(complain);
      return html`<button type="button" class="small" data-review=${id} @click=${look}>${t("edit.review")}</button>`;
    }
    if (status === "applied") return undoButton(this.editor, changeSet, true);
    if (status !== "rejected" && status !== "undone") return nothing;
    return html`
      <button type="button" class="small" data-take=${id} @click=${busy(() => this.editor.takeUp(changeSet))}>
        ${t("edit.take_up")}
      </button>
    `;
  }
}
customElements.define("change-lists", ChangeLists);
