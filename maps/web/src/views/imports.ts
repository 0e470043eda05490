/** What came from outside, newest first, and the undo of it. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { explain, get, post, Problem, sameService } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { Import, ImportsPage } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { brackets, number, time } from "../texts/format";
import { t, term } from "../texts/text";
import { terms } from "../texts/glossary";
import { busy, empty, follow, loaded, type Content } from "./pieces";

const PAGE = 50;
const STATES = Object.keys(terms)
  .filter((key) => key.startsWith("import_state."))
  .map((key) => key.slice("import_state.".length));
/** Layers that imports and edits change most: the list follows them. */
const LAYERS = ["areas", "sites", "places"];

function path(state: string): string {
  return `v1/imports?${new URLSearchParams({ limit: String(PAGE), ...(state && { state }) }).toString()}`;
}

/** What an import is called: its file, or what it came by. */
function nameOf({ file_name, source, api_key }: Import): string {
  if (file_name) return file_name;
  const name = term("import_source", source);
  return api_key ? brackets(name, api_key) : name;
}

function countsOf({ counts }: Import): string {
  const told = (["inserted", "updated", "deleted", "unchanged", "skipped"] as const).map((name) => {
    const rows = counts[name];
    return rows ? t(`imports.${name}`, { n: number(rows) }) : null;
  });
  return told.filter(Boolean).join(" · ");
}

export class ImportsView extends Piece {
  static override properties = { parts: { attribute: false }, state: {} };
  declare parts: Console;
  declare state: string;
  #next: string | null = null;
  /** Why an undo was refused, by the import's id. */
  readonly #refused = new Map<number, () => string>();
  readonly #imports = new Loading(this, (signal) => this.#page(path(this.state), [], signal), LAYERS);
  #asked = "";

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
    this.#asked = this.state;
  }

  protected override updated(): void {
    if (this.#asked === this.state) return;
    this.#asked = this.state;
    this.#imports.again();
  }

  async #page(from: string, before: readonly Import[], signal?: AbortSignal): Promise<readonly Import[]> {
    const page = await get<ImportsPage>(from, signal);
    const next = page.links.find((each) => each.rel === "next")?.href;
    this.#next = next ? sameService(next, "/v1/") : null;
    return [...before, ...page.imports];
  }

  async #more(): Promise<void> {
    if (!this.#next) return;
    this.#imports.value = await this.#page(this.#next, this.#imports.value ?? []);
    this.requestUpdate();
  }

  async #undo(of: Import): Promise<void> {
    const values = { id: of.id, name: nameOf(of) };
    if ((await ask(t("imports.undo_question", values), t("imports.undo"))) === null) return;
    try {
      await post(`v1/imports/${of.id}/undo`);
      this.#refused.delete(of.id);
      tell(() => t("imports.undone", values));
    } catch (error) {
      if (!(error instanceof Problem && error.kind === "conflict")) throw error;
      this.#refused.set(of.id, () => explain(error));
    }
    await this.#imports.load();
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    return html`
      <h2>${t("imports")}</h2>
      <p class="muted">${t("imports.lead")}</p>
      <p>
        <a data-sources href=${linkTo({ view: "sources" })} @click=${follow({ view: "sources" })}>${t("sources")}</a> ·
        <a data-unplaced-sites href=${linkTo({ view: "unplaced" })} @click=${follow({ view: "unplaced" })}
          >${t("unplaced")}</a
        >
      </p>
      ${this.#filter()} ${loaded(this.#imports, (found) => this.#list(found))}
    `;
  }

  #filter(): TemplateResult {
    const choose = ({ target }: Event): void => {
      const state = (target as HTMLSelectElement).value;
      go({ view: "imports", ...(state && { state }) });
    };
    return html`
      <div class="filter">
        <label>
          ${t("imports.state")}
          <select name="import-state" .value=${this.state} @change=${choose}>
            <option value="" ?selected=${!this.state}>${t("all")}</option>
            ${STATES.map(
              (state) =>
                html`<option value=${state} ?selected=${this.state === state}>${term("import_state", state)}</option>`,
            )}
          </select>
        </label>
      </div>
    `;
  }

  #list(found: readonly Import[]): Content {
    if (!found.length) return empty(t("imports.none"));
    return html`
      <div class="rows">
        ${repeat(
          found,
          (each) => each.id,
          (each) => this.#row(each),
        )}
      </div>
      ${
        this.#next
          ? html`<button type="button" data-more @click=${busy(() => this.#more())}>${t("imports.more")}</button>`
          : nothing
      }
    `;
  }

  #row(of: Import): TemplateResult {
    const inForce = of.state === "done" || of.state === "open";
    const refused = this.#refused.get(of.id);
    const ended = of.undone_by ? t("imports.undone_by", { who: of.undone_by, at: time(of.undone_at) }) : of.reason;
    return html`
      <div class="row import" data-import=${of.id}>
        <span class="row-head">
          <span class="badge state import-${of.state}">${term("import_state", of.state)}</span>
          <b>${term("import_kind", of.kind)}</b>
        </span>
        <span class="row-foot"><code>${of.id}</code><span>${nameOf(of)}</span></span>
        <span class="row-foot"><span>${of.actor}</span><span>${time(of.received_at)}</span></span>
        ${countsOf(of) ? html`<span class="row-foot"><span>${countsOf(of)}</span></span>` : nothing}
        ${ended ? html`<span class="row-foot import-reason">${ended}</span>` : nothing}
        ${refused ? html`<p class="failure" role="alert">${refused()}</p>` : nothing}
        ${
          inForce && may("undo_imports")
            ? html`<button type="button" data-undo @click=${busy(() => this.#undo(of))}>${t("imports.undo")}</button>`
            : nothing
        }
      </div>
    `;
  }
}
customElements.define("imports-view", ImportsView);

export const view = (to: RouteTo<"imports">, parts: Console) =>
  html`<imports-view .parts=${parts} .state=${to.state ?? ""}></imports-view>`;
