/** Photos and documents of a case: attached from the phone's camera or a folder, compared with the case, taken back. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { address, explain, get, post, postFile } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { AttachmentDocument, AttachmentList } from "../core/types";
import { ask } from "../frame/ask";
import { time } from "../texts/format";
import { language } from "../texts/language";
import { t, term } from "../texts/text";
import { busy, empty, loaded } from "./pieces";

const MAX_BYTES = 25 * 2 ** 20;
const TAKEN = "image/jpeg,image/png,image/webp,image/heic,application/pdf";

export class CaseFiles extends Piece {
  static override properties = { number: {}, open: { type: Boolean } };
  declare number: string;
  declare open: boolean;
  readonly #files = new Loading(this, (signal) => get<AttachmentList>(this.#path(), signal), ["cases"]);
  #fault = "";

  protected override follows() {
    return [session];
  }

  #path(): string {
    return `v1/cases/${encodeURIComponent(this.number)}/attachments`;
  }

  protected override render() {
    return html`
      ${loaded(this.#files, ({ attachments }) =>
        attachments.length
          ? html`<ul class="rows">${repeat(
              attachments,
              (one) => one.id,
              (one) => this.#row(one),
            )}</ul>`
          : empty(t("files.none")),
      )}
      ${this.open && may("move_cases") ? this.#form() : nothing}
    `;
  }

  #form(): TemplateResult {
    return html`
      <label>
        ${t("files.add")}
        <input type="file" accept=${TAKEN} data-attach @change=${(event: Event) => void this.#attach(event)} />
      </label>
      <p class="fault" role="alert">${this.#fault}</p>
    `;
  }

  #row(one: AttachmentDocument): TemplateResult {
    const name = one.file
      ? html`<a href=${address(one.file)} target="_blank" rel="noopener">${one.name}</a>`
      : html`<s>${one.name}</s>`;
    const size = `${(one.size_bytes / 2 ** 20).toFixed(1)} MiB`;
    return html`
      <li data-file=${one.id}>
        ${
          one.preview
            ? html`<img src=${address(one.preview)} alt=${one.name} loading="lazy" style="max-width: 100%" />`
            : nothing
        }
        <div class="row-head"><b>${name}</b><span class="muted">${size}</span></div>
        ${one.comparison.map(
          (each) => html`
            <p class=${each.fit === "near" || each.fit === "missing" ? "note" : "note overdue"}>
              ${each[language.get()]}
            </p>
          `,
        )}
        <div class="row-foot">
          <span>${time(one.added_at)}</span><span>${one.added_by}</span><code class="hash">${one.sha256.slice(0, 10)}</code>
        </div>
        ${one.taken_back_at ? html`<p class="note">${term("action", "take_back")}: ${one.taken_back_reason}</p>` : nothing}
        ${
          this.open && one.file && may("move_cases")
            ? html`
              <button type="button" data-take-back @click=${busy(() => this.#takeBack(one))}>
                ${term("action", "take_back")}
              </button>
            `
            : nothing
        }
        ${one.original ? html`<a href=${address(one.original)} download>${t("files.original")}</a>` : nothing}
      </li>
    `;
  }

  /** A file is a step of the case: whoever shows the case reads it again. */
  async #reload(): Promise<void> {
    this.dispatchEvent(new CustomEvent("case-moved"));
    await this.#files.load();
  }

  async #attach(event: Event): Promise<void> {
    const field = event.target as HTMLInputElement;
    const file = field.files?.[0];
    if (!file) return;
    this.#fault = file.size > MAX_BYTES ? t("files.too_large") : "";
    this.requestUpdate();
    if (this.#fault) return;
    field.disabled = true;
    try {
      await postFile(`${this.#path()}?name=${encodeURIComponent(file.name)}`, file);
      tell(() => t("case.done", { action: term("action", "attach") }));
    } catch (error) {
      this.#fault = explain(error);
    } finally {
      field.disabled = false;
      field.value = "";
    }
    await this.#reload();
  }

  async #takeBack(one: AttachmentDocument): Promise<void> {
    const reason = await ask(t("files.take_back", { name: one.name }), t("confirm"), t("files.reason"));
    if (reason === null) return;
    await post(`${this.#path()}/${one.id}/take-back`, { reason });
    tell(() => t("case.done", { action: term("action", "take_back") }));
    await this.#reload();
  }
}
customElements.define("case-files", CaseFiles);
