/** Search by code, name, site or case number. */
import { html, nothing } from "lit";
import type { Geometry } from "geojson";
import { go } from "../address/router";
import { get, itemsPath, type Page } from "../core/api";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { complain } from "../core/notices";
import { loggedIn } from "../core/session";
import type { AreaProperties, CaseProperties, SiteProperties } from "../core/types";
import { flyTo, type Console } from "../console";
import { caseTitle, t, term } from "../texts/text";
import { loading } from "../views/pieces";

const MOST = 8;
const WAIT_MS = 250;
const SHORTEST = 2;

interface Hit {
  title: string;
  /** In the language of the page. */
  about: () => string;
  geometry: Geometry | null;
  zoom: number;
  caseNumber?: string;
}

type Feature<P> = Page<P>["features"][number];

async function ask<P>(collection: string, name: string, value: string, hit: (feature: Feature<P>) => Hit) {
  return (await get<Page<P>>(itemsPath(collection, { [name]: value, limit: MOST }))).features.map(hit);
}

const area = ({ properties: p, geometry }: Feature<AreaProperties>): Hit => ({
  title: p.name,
  about: () => `${term("kind", p.kind)} · ${p.code}`,
  geometry,
  zoom: 16,
});

const site = ({ properties: p, geometry }: Feature<SiteProperties>): Hit => ({
  title: p.enterprise_name,
  about: () => `${p.site_id} · ${term("status", p.status)}`,
  geometry,
  zoom: 15,
});

const found = ({ properties: p, geometry }: Feature<CaseProperties>): Hit => ({
  title: p.number,
  about: () => caseTitle(p),
  geometry,
  zoom: 14,
  caseNumber: p.number,
});

async function find(text: string): Promise<Hit[]> {
  const asked = [
    ask("areas", /^\d{6,}/.test(text) ? "code" : "name", text, area),
    ask("sites", "site_id", text, site),
    ask("sites", /^[0-9A-Z]{18}$/i.test(text) ? "uscc" : "enterprise_name", text, site),
    loggedIn() ? ask("cases", "number", text, found) : Promise.resolve([]),
  ];
  return (await Promise.all(asked)).flat().slice(0, MOST);
}

export class SearchBox extends Piece {
  static override properties = { parts: { attribute: false }, hits: { state: true }, open: { state: true } };
  declare parts: Console | null;
  /** Null while they are asked for. */
  declare hits: readonly Hit[] | null;
  declare open: boolean;
  #timer = 0;
  #asked = 0;

  constructor() {
    super();
    this.parts = null;
    this.hits = null;
    this.open = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    document.addEventListener("pointerdown", this.#leave);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("pointerdown", this.#leave);
  }

  readonly #leave = (event: Event): void => {
    if (event.target instanceof Node && !this.contains(event.target)) this.open = false;
  };

  async #look(): Promise<void> {
    const text = this.querySelector("input")?.value.trim() ?? "";
    const mine = ++this.#asked;
    this.open = text.length >= SHORTEST;
    if (!this.open) return;
    const hits = await find(text);
    if (mine === this.#asked) this.hits = hits;
  }

  readonly #typed = (): void => {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => void this.#look().catch(complain), WAIT_MS);
  };

  readonly #keys = (event: KeyboardEvent): void => {
    if (event.key === "Escape") this.open = false;
    if (event.key === "Enter") this.querySelector<HTMLElement>(".hits button")?.click();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") this.#step(event, event.key === "ArrowDown" ? 1 : -1);
  };

  /** From the field to the hits and between them. */
  #step(event: KeyboardEvent, by: number): void {
    const places = [...this.querySelectorAll<HTMLElement>("input, .hits button")];
    const next = places[places.indexOf(document.activeElement as HTMLElement) + by];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  #go(hit: Hit): void {
    this.open = false;
    if (this.parts) flyTo(this.parts, hit.geometry, hit.zoom);
    if (hit.caseNumber) go({ view: "case", number: hit.caseNumber });
  }

  protected override render() {
    return html`
      <div class="search" role="search" @keydown=${this.#keys}>
        ${icon("search")}
        <input
          type="search"
          autocomplete="off"
          placeholder=${t("search")}
          aria-label=${t("search")}
          @input=${this.#typed}
        />
        ${this.open ? html`<div class="hits">${this.#list()}</div>` : nothing}
      </div>
    `;
  }

  #list() {
    if (!this.hits) return loading();
    if (!this.hits.length) return html`<p class="muted">${t("search.none")}</p>`;
    return this.hits.map(
      (hit) => html`
        <button type="button" @click=${() => this.#go(hit)}><b>${hit.title}</b><small>${hit.about()}</small></button>
      `,
    );
  }
}
customElements.define("search-box", SearchBox);
