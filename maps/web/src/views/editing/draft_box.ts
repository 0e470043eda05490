/** Which draft is open and whether it is kept, the other drafts, and others' work on the chosen grids. */
import { html, nothing, type TemplateResult } from "lit";
import { linkTo } from "../../address/router";
import { get, isAbort } from "../../core/api";
import { Piece } from "../../core/element";
import { complain, tell } from "../../core/notices";
import type { DraftFacts, WorkAround } from "../../core/types";
import type { EditSession } from "../../edit/session";
import { operandIds } from "../../edit/steps";
import { ask } from "../../frame/ask";
import { clock, day, list, number, time } from "../../texts/format";
import { t, term } from "../../texts/text";
import { busy, empty, failure, loading, section, type Content } from "../pieces";

/** Whether the draft is kept, and what to do when it is not. */
export function savingNote(editor: EditSession): TemplateResult | typeof nothing {
  const saving = editor.drafts.saving.get();
  const button = (name: string, text: string, work: () => Promise<unknown>): TemplateResult =>
    html`<button type="button" class="small" data-draft=${name} @click=${busy(work)}>${text}</button>`;
  switch (saving.name) {
    case "none":
      return nothing;
    case "saving":
      return html`<p class="muted saving" data-saving="saving" role="status">${t("edit.draft_saving")}</p>`;
    case "saved":
      return html`<p class="muted saving" data-saving="saved" role="status">
        ${t("edit.draft_saved", { at: clock(new Date(saving.at)) })}
      </p>`;
    case "here":
      return html`<p class="fault saving" data-saving="here" role="status">${t("edit.draft_here")}</p>`;
    case "overtaken":
      return html`<div class="refused" role="alert" data-saving="overtaken">
        <p>${t("edit.draft_overtaken", { n: number(saving.version) })}</p>
        <div class="actions wrap">
          ${button("copy-mine", t("edit.draft_copy_mine"), () => editor.drafts.saveAsCopy())}
          ${button("read-stored", t("edit.draft_read_stored"), () => editor.readStored())}
        </div>
      </div>`;
    case "others":
      return html`<div class="drawing-hint" role="status" data-saving="others">
        <p>${t("edit.draft_others", { owner: saving.owner, name: editor.drafts.open.get()?.name ?? "" })}</p>
        <div class="actions wrap">
          ${button("copy", t("edit.draft_copy"), () => editor.copyDraft())}
          ${button("close", t("edit.close"), () => editor.newDraft())}
        </div>
      </div>`;
  }
}

async function copyLink(draft: DraftFacts): Promise<void> {
  const link = new URL(linkTo({ view: "edit", draft: draft.id }), location.href).href;
  try {
    await navigator.clipboard.writeText(link);
    tell(() => t("edit.draft_link_copied"));
  } catch {
    tell(() => link);
  }
}

/** The drafts of the own account, and those that are shared with it. */
export class DraftList extends Piece {
  static override properties = { editor: { attribute: false } };
  declare editor: EditSession;
  #drafts: DraftFacts[] | null = null;
  #fault: unknown = null;
  #asking: AbortController | null = null;
  #ends: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const load = (): void => void this.#load();
    this.#ends = [
      this.editor.drafts.open.subscribe(load),
      this.editor.drafts.deletions.subscribe(load),
      this.editor.drafts.saving.subscribe(({ name }) => name === "none" && load()),
    ];
    load();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#ends) end();
    this.#asking?.abort();
  }

  async #load(): Promise<void> {
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      this.#drafts = await this.editor.drafts.list(asking.signal);
      this.#fault = null;
    } catch (error) {
      if (isAbort(error)) return;
      this.#fault = error;
    }
    this.requestUpdate();
  }

  async #delete(draft: DraftFacts): Promise<void> {
    if ((await ask(t("edit.draft_delete_sure", { name: draft.name }), t("edit.draft_delete"))) === null) return;
    if (draft.id === this.editor.drafts.open.get()?.id) this.editor.clearDraft();
    else await this.editor.drafts.delete(draft);
    await this.#load();
  }

  protected override render() {
    const n = this.#drafts?.length ?? 0;
    return html`
      <details class="draft-list" data-drafts>
        <summary>${t("edit.draft_list", { n: number(n) })}</summary>
        ${this.#rows()}
      </details>
    `;
  }

  #rows(): Content {
    if (this.#fault) return failure(this.#fault, () => void this.#load());
    if (!this.#drafts) return loading();
    if (!this.#drafts.length) return empty(t("edit.draft_none"));
    return this.#drafts.map((each) => this.#row(each));
  }

  #row(draft: DraftFacts): TemplateResult {
    const open = this.editor.drafts.open.get()?.id === draft.id;
    const about = [
      draft.mine ? null : t("edit.by", { author: draft.owner }),
      t("edit.draft_steps", { n: number(draft.n_steps) }),
      time(draft.changed_at),
      draft.shared && draft.mine ? t("edit.draft_is_shared") : null,
    ];
    const button = (name: string, text: string, work: () => Promise<unknown>): TemplateResult => html`
      <button type="button" class="small" data-draft-act=${name} @click=${busy(work)}>${text}</button>
    `;
    const share = async (): Promise<void> => {
      await this.editor.drafts.share(!draft.shared);
      if (!draft.shared) await copyLink(draft);
      await this.#load();
    };
    return html`
      <div class="body" data-draft-row=${draft.id}>
        <b>${draft.name}</b>
        <span>${about.filter(Boolean).join(" · ")}</span>
        <div class="actions wrap">
          ${
            open
              ? html`<span class="muted">${t("edit.draft_is_open")}</span>`
              : button("open", t(draft.mine ? "edit.draft_open" : "edit.draft_look"), () =>
                  this.editor.openDraft(draft.id),
                )
          }
          ${open && draft.mine ? button("share", t(draft.shared ? "edit.draft_unshare" : "edit.draft_share"), share) : nothing}
          ${draft.shared ? button("link", t("edit.draft_link"), () => copyLink(draft)) : nothing}
          ${draft.mine ? button("delete", t("edit.draft_delete"), () => this.#delete(draft)) : nothing}
        </div>
      </div>
    `;
  }
}
customElements.define("draft-list", DraftList);

const SETTLE_MS = 300;
const MOST_ASKED = 100;

/** Others' drafts and waiting change sets on the grids that are chosen or drawn on. */
export class WorkAroundNote extends Piece {
  static override properties = { editor: { attribute: false } };
  declare editor: EditSession;
  #found: WorkAround | null = null;
  #asked = "";
  #timer = 0;
  #asking: AbortController | null = null;
  #ends: (() => void)[] = [];

  override connectedCallback(): void {
    super.connectedCallback();
    const { tools, sheet } = this.editor;
    this.#ends = [tools.selection.subscribe(this.#later), sheet.subscribe(this.#later)];
    this.#later();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#ends) end();
    clearTimeout(this.#timer);
    this.#asking?.abort();
  }

  readonly #later = (): void => {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#ask().catch(complain), SETTLE_MS);
  };

  async #ask(): Promise<void> {
    const chosen = this.editor.tools.selection.get().map((each) => Number(each.id));
    const drawn = this.editor.sheet.get().steps.flatMap((each) => operandIds(each.operation));
    const ids = [...new Set([...chosen, ...drawn])].filter((id) => id > 0).slice(0, MOST_ASKED);
    const asked = ids.join(",");
    if (asked === this.#asked) return;
    this.#asked = asked;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    try {
      this.#found = ids.length ? await get<WorkAround>(`v1/drafts/around?area_ids=${asked}`, asking.signal) : null;
      this.requestUpdate();
    } catch (error) {
      if (!isAbort(error)) throw error;
    }
  }

  protected override render() {
    const { drafts = [], change_sets = [] } = this.#found ?? {};
    if (!drafts.length && !change_sets.length) return nothing;
    const codes = (some: readonly string[]): string => list(some.map((each) => each.slice(-3)));
    const when = (at: string | null): string => (at ? day(at) : "");
    return section(
      t("edit.around"),
      html`
        <ul class="work-around" data-around>
          ${change_sets.map(
            (each) => html`<li data-around-change=${each.id}>
              #${each.id} ${each.title} · ${t("edit.by", { author: each.author })} · ${term("change", each.status)}
              ${when(each.effective_at)} · ${t("edit.around_grids", { codes: codes(each.codes) })}
              ${each.new_codes.length ? html`<br />${t("edit.around_codes", { codes: list(each.new_codes) })}` : nothing}
              <button type="button" class="small" @click=${() => void this.editor.reviewById(each.id)}>
                ${t("edit.review")}
              </button>
            </li>`,
          )}
          ${drafts.map(
            (each) => html`<li data-around-draft>
              ${t("edit.around_draft", { owner: each.owner, name: each.name, at: time(each.changed_at) })} ·
              ${t("edit.around_grids", { codes: codes(each.codes) })}
              ${
                each.id === null
                  ? nothing
                  : html`<button
                      type="button"
                      class="small"
                      @click=${busy(() => this.editor.openDraft(Number(each.id)))}
                    >
                      ${t("edit.draft_look")}
                    </button>`
              }
            </li>`,
          )}
        </ul>
      `,
    );
  }
}
customElements.define("work-around-note", WorkAroundNote);
