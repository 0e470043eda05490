/** One box that finds areas, companies, cases, alerts, vehicles, places and coordinates. */
import { html, nothing, type TemplateResult } from "lit";
import { get, isAbort } from "../core/api";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { complain } from "../core/notices";
import { session } from "../core/session";
import type { Console } from "../console";
import { t } from "../texts/text";
import { failure, loading } from "../views/pieces";
import { forgetSearches, recentSearches, rememberSearch } from "./recent_searches";
import { groupTitle, hitAbout, hitTitle, openHit, type SearchAnswer, type SearchHit } from "./search_hits";

const WAIT_MS = 200;
const LONGEST = 100;

/** Two letters, or one Chinese character. */
const longEnough = (text: string): boolean => text.length > 1 || /[\u3400-\u9fff]/.test(text);
const account = (): string => session.get().username ?? "";

export class SearchBox extends Piece {
  static override properties = {
    parts: { attribute: false },
    answer: { state: true },
    fault: { state: true },
    open: { state: true },
    active: { state: true },
  };
  declare parts: Console | null;
  /** Null while it is asked for. */
  declare answer: SearchAnswer | null;
  declare fault: unknown;
  declare open: boolean;
  /** The option that Enter takes; -1: none. */
  declare active: number;
  #timer = 0;
  #asking: AbortController | null = null;
  #account = account();

  constructor() {
    super();
    this.parts = null;
    this.answer = null;
    this.fault = null;
    this.open = false;
    this.active = -1;
  }

  protected override follows() {
    return [session];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#leave);
    session.subscribe(this.#changed);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#leave);
  }

  /** Who logs out leaves no searches and no hits behind. */
  readonly #changed = (): void => {
    const now = account();
    if (now === this.#account) return;
    if (this.#account) forgetSearches(this.#account);
    this.#account = now;
    this.#asking?.abort();
    this.answer = null;
    this.#close();
    const input = this.#input();
    if (input) input.value = "";
  };

  readonly #leave = (event: Event): void => {
    if (event.target instanceof Node && !this.contains(event.target)) this.#close();
  };

  #input(): HTMLInputElement | null {
    return this.querySelector("input");
  }

  #text(): string {
    return (this.#input()?.value ?? "").trim();
  }

  #close(): void {
    clearTimeout(this.#timer);
    this.open = false;
    this.active = -1;
  }

  readonly #look = async (): Promise<void> => {
    const text = this.#text();
    this.#asking?.abort();
    this.active = -1;
    this.fault = null;
    this.open = longEnough(text) || (!text && recentSearches(this.#account).length > 0);
    if (!longEnough(text)) return;
    const asking = new AbortController();
    this.#asking = asking;
    if (this.answer?.q !== text) this.answer = null;
    try {
      this.answer = await get<SearchAnswer>(`v1/search?${new URLSearchParams({ q: text })}`, asking.signal);
    } catch (error) {
      if (!isAbort(error)) this.fault = error;
    }
  };

  readonly #typed = (): void => {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#look(), WAIT_MS);
  };

  #hits(): SearchHit[] {
    return this.answer?.groups.flatMap((group) => group.hits) ?? [];
  }

  /** What the arrows move over: hits, or what was searched before. */
  #options(): (() => void)[] {
    if (!this.open) return [];
    if (!this.#text()) return recentSearches(this.#account).map((text) => () => this.#repeat(text));
    return this.#hits().map((hit) => () => this.#go(hit));
  }

  readonly #keys = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Escape" && this.open) {
      event.preventDefault(); // the browser would empty the field, too
      this.#close();
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      this.#step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter") {
      event.preventDefault(); // it would press the button of a popup that takes the focus
      void this.#enter();
    }
  };

  #step(by: number): void {
    if (!this.open) return void this.#look();
    const most = this.#options().length;
    // Over the field itself (-1) and round.
    if (most) this.active = ((this.active + 1 + by + most + 1) % (most + 1)) - 1;
  }

  async #enter(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.answer?.q !== this.#text() && this.#text()) await this.#look();
    this.#options()[Math.max(this.active, 0)]?.();
  }

  #repeat(text: string): void {
    const input = this.#input();
    if (input) input.value = text;
    input?.focus();
    void this.#look();
  }

  #go(hit: SearchHit): void {
    rememberSearch(this.#account, this.#text());
    this.#close();
    openHit(this.parts, hit).catch(complain);
  }

  protected override updated(): void {
    this.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }

  protected override render(): TemplateResult {
    return html`
      <div class="search" role="search" @keydown=${this.#keys}>
        ${icon("search")}
        <input
          type="search"
          role="combobox"
          autocomplete="off"
          spellcheck="false"
          maxlength=${LONGEST}
          placeholder=${t("search")}
          title=${t("search.about")}
          aria-label=${t("search")}
          aria-autocomplete="list"
          aria-expanded=${this.open}
          aria-controls="search-hits"
          aria-activedescendant=${this.active < 0 ? nothing : `search-hit-${this.active}`}
          @input=${this.#typed}
          @focus=${this.#typed}
        />
        ${this.open ? html`<div class="hits">${this.#list()}</div>` : nothing}
      </div>
    `;
  }

  #list(): TemplateResult {
    if (!this.#text()) return this.#recent();
    if (this.fault) return failure(this.fault, () => void this.#look());
    if (!this.answer) return loading();
    if (!this.answer.groups.length) return html`<p class="muted" role="status">${t("search.none")}</p>`;
    const hits = this.#hits();
    return html`
      <div id="search-hits" role="listbox" aria-label=${t("search.hits")}>
        ${this.answer.groups.map(
          (group) => html`
            <div role="group" aria-label=${groupTitle(group)} data-group=${group.group}>
              <h3 aria-hidden="true">${groupTitle(group)}</h3>
              ${group.hits.map((hit) => this.#option(hits.indexOf(hit), hitTitle(hit), hitAbout(hit, group.hits[0]), () => this.#go(hit)))}
            </div>
          `,
        )}
      </div>
    `;
  }

  #recent(): TemplateResult {
    return html`
      <div id="search-hits" role="listbox" aria-label=${t("search.recent")}>
        <h3 aria-hidden="true">${t("search.recent")}</h3>
        ${recentSearches(this.#account).map((text, i) => this.#option(i, text, "", () => this.#repeat(text)))}
      </div>
    `;
  }

  /** The focus stays in the field: the option that Enter takes is marked. */
  #option(index: number, title: string, about: string, act: () => void): TemplateResult {
    return html`
      <div
        role="option"
        id="search-hit-${index}"
        aria-selected=${index === this.active}
        @pointerdown=${(event: Event) => event.preventDefault()}
        @click=${act}
      >
        <b>${title}</b>${about ? html`<small>${about}</small>` : nothing}
      </div>
    `;
  }
}
customElements.define("search-box", SearchBox);
