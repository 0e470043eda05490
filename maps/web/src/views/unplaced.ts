/** Sites that have an address and no place: what the gazetteer proposes, and a place by a click on the map. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { MapMouseEvent } from "maplibre-gl";
import type { Place, RouteTo } from "../address/address";
import { get, post, sameService } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { PlacedSites, UnplacedSite, UnplacedSitesPage } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { Pins, rounded } from "../map/pins";
import { moving } from "../map/popups";
import { brackets, number } from "../texts/format";
import { language } from "../texts/language";
import { pick, t, term } from "../texts/text";
import { backLink, busy, empty, loaded, type Content } from "./pieces";
import { kindOfPlace } from "./place_kinds";

const PAGE = 50;
/** Scores from which all proposals may be taken at once; a person chooses one. */
const THRESHOLDS = [0.95, 0.9, 0.85, 0.8] as const;
const CLOSE_ZOOM = 14;

const SAY = {
  title: { zh: "未定位的场所", en: "Sites without place" },
  lead: {
    zh: "这些场所只有地址。可采用地名库的候选位置、在地图上点选，或导入坐标文件（wangge import site_places）。每次定位是一个可撤销的导入。",
    en: "These sites have an address only. Take the proposal of the gazetteer, click on the map, or import a file with coordinates (wangge import site_places). Each placing is an import that can be undone.",
  },
  none: { zh: "没有未定位的场所。", en: "Every site has a place." },
  search: { zh: "搜索场所、企业或地址", en: "Search site, enterprise or address" },
  propose: { zh: "候选", en: "Proposal" },
  no_proposal: { zh: "地名库中没有候选位置", en: "The gazetteer proposes nothing" },
  take: { zh: "采用候选位置", en: "Take the proposal" },
  show: { zh: "查看候选位置", en: "Show the proposal" },
  click: { zh: "在地图上点选", en: "Click on the map" },
  clicking: {
    zh: "请在地图上点击该场所的位置，可拖动图钉调整。",
    en: "Click where the site is; the pin can be dragged.",
  },
  save: { zh: "保存位置", en: "Save the place" },
  cancel: { zh: "取消", en: "Cancel" },
  more: { zh: "更多场所", en: "More sites" },
  above: { zh: "批量采用分值不低于", en: "Take all with a score of at least" },
  accept: { zh: "采用", en: "Take" },
  stale: {
    zh: "地名库建立后数据已变化，请运行 wangge places refresh。",
    en: "Data changed since the names of places were made: run wangge places refresh.",
  },
} as const;

const counted = (n: number): string =>
  pick({ zh: `${number(n)} 个场所未定位`, en: `${number(n)} ${n === 1 ? "site" : "sites"} without place` });

export class UnplacedView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  #words = "";
  #next: string | null = null;
  #matched = 0;
  #stale = false;
  #chosen: string | null = null;
  #place: Place | null = null;
  #threshold = "0.9";
  #pins: Pins | null = null;
  readonly #sites = new Loading(this, (signal) => this.#page(this.#path(), [], signal), ["sites"]);

  protected override follows() {
    return [session, language];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#pins = new Pins(this.parts.map);
    this.parts.map.on("click", this.#click);
    mark(this.parts, null);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#put(null);
    this.#choose(null);
    this.parts.map.off("click", this.#click);
  }

  readonly #click = ({ lngLat }: MapMouseEvent): void => {
    if (this.#chosen !== null) this.#put(rounded(lngLat));
  };

  /** Choose a site for a click; null: none. */
  #choose(site: string | null): void {
    this.#chosen = site;
    this.#put(null);
    moving.set(site !== null); // a click is for the site and opens no popup
    this.parts.map.getCanvas().classList.toggle("asking", site !== null);
  }

  #put(at: Place | null): void {
    this.#place = at;
    this.#pins?.place(at, pick(SAY.title), (to) => this.#put(to));
    this.requestUpdate();
  }

  #path(): string {
    const query = new URLSearchParams({ limit: String(PAGE), ...(this.#words && { q: this.#words }) });
    return `v1/sites/unplaced?${query.toString()}`;
  }

  async #page(from: string, before: readonly UnplacedSite[], signal?: AbortSignal): Promise<readonly UnplacedSite[]> {
    const page = await get<UnplacedSitesPage>(from, signal);
    const next = page.links.find((each) => each.rel === "next")?.href;
    this.#next = next ? sameService(next, "/v1/") : null;
    this.#matched = page.numberMatched;
    this.#stale = page.stale.length > 0;
    return [...before, ...page.sites];
  }

  async #more(): Promise<void> {
    if (!this.#next) return;
    this.#sites.value = await this.#page(this.#next, this.#sites.value ?? []);
    this.requestUpdate();
  }

  async #told(answer: PlacedSites): Promise<void> {
    const { placed, refused, import_id: id } = answer;
    const why = refused.map((each) => `${each.site_id} ${pick({ zh: each.reason_zh, en: each.reason })}`);
    const done = (): string =>
      pick({
        zh: `${number(placed.length)} 个场所已定位${id === null ? "" : `，导入 ${id}`}`,
        en: `${number(placed.length)} ${placed.length === 1 ? "site" : "sites"} placed${id === null ? "" : `, import ${id}`}`,
      });
    tell(() => [done(), ...why.slice(0, 5)].join(" · "));
    this.#choose(null);
    await this.#sites.load();
    this.requestUpdate();
  }

  async #save(site: UnplacedSite): Promise<void> {
    if (!this.#place) return;
    const where = `v1/sites/unplaced/${encodeURIComponent(site.site_id)}/place`;
    await this.#told(await post<PlacedSites>(where, this.#place));
  }

  async #take(site: UnplacedSite, score: number): Promise<void> {
    const body = { accept_above: score, site_ids: [site.site_id] };
    await this.#told(await post<PlacedSites>("v1/sites/unplaced/accept", body));
  }

  async #takeAll(): Promise<void> {
    const question = pick({
      zh: `采用所有分值不低于 ${this.#threshold} 的候选位置？`,
      en: `Take every proposal with a score of at least ${this.#threshold}?`,
    });
    if ((await ask(question, pick(SAY.accept))) === null) return;
    await this.#told(await post<PlacedSites>("v1/sites/unplaced/accept", { accept_above: Number(this.#threshold) }));
  }

  protected override render(): TemplateResult {
    const search = (event: Event): void => {
      this.#words = (event.target as HTMLInputElement).value.trim();
      this.#sites.again();
    };
    return html`
      ${may("undo_imports") ? backLink(t("imports"), { view: "imports" }) : nothing}
      <h2>${pick(SAY.title)}</h2>
      <p class="muted">${pick(SAY.lead)}</p>
      <div class="filter">
        <input
          type="search"
          name="unplaced-search"
          aria-label=${pick(SAY.search)}
          placeholder=${pick(SAY.search)}
          .value=${this.#words}
          @change=${search}
        />
      </div>
      ${loaded(this.#sites, (found) => this.#list(found))}
    `;
  }

  #list(found: readonly UnplacedSite[]): Content {
    if (!found.length) return empty(pick(SAY.none));
    return html`
      <p data-unplaced-count>${counted(this.#matched)}</p>
      ${this.#stale ? html`<p class="muted">${pick(SAY.stale)}</p>` : nothing}
      ${may("edit_sites") ? this.#accepting() : nothing}
      <div class="rows">
        ${repeat(
          found,
          (each) => each.site_id,
          (each) => this.#row(each),
        )}
      </div>
      ${
        this.#next
          ? html`<button type="button" data-more @click=${busy(() => this.#more())}>${pick(SAY.more)}</button>`
          : nothing
      }
    `;
  }

  #accepting(): TemplateResult {
    const choose = (event: Event): void => {
      this.#threshold = (event.target as HTMLSelectElement).value;
    };
    return html`
      <div class="filter">
        <label>
          ${pick(SAY.above)}
          <select name="accept-above" @change=${choose}>
            ${THRESHOLDS.map(
              (each) =>
                html`<option value=${each} ?selected=${String(each) === this.#threshold}>${each.toFixed(2)}</option>`,
            )}
          </select>
        </label>
        <button type="button" data-accept @click=${busy(() => this.#takeAll())}>${pick(SAY.accept)}</button>
      </div>
    `;
  }

  #row(site: UnplacedSite): TemplateResult {
    const chosen = site.site_id === this.#chosen;
    return html`
      <div class="row unplaced" data-unplaced=${site.site_id}>
        <span class="row-head">
          <span class="badge">${term("site_kind", site.kind)}</span>
          <b>${site.enterprise_name}</b>
        </span>
        <span class="row-foot"><code>${site.site_id}</code><span>${site.area?.name ?? ""}</span></span>
        <span class="row-foot"><span>${site.address ?? ""}</span></span>
        ${this.#proposal(site)} ${may("edit_sites") ? this.#buttons(site, chosen) : nothing}
      </div>
    `;
  }

  #proposal({ proposal }: UnplacedSite): TemplateResult {
    if (!proposal) return html`<span class="row-foot muted"><span>${pick(SAY.no_proposal)}</span></span>`;
    const score = proposal.score.toFixed(2);
    const told = `${pick(SAY.propose)}: ${brackets(proposal.name, kindOfPlace(proposal.kind))} · ${score}`;
    return html`<span class="row-foot"><span>${told}</span></span>`;
  }

  #buttons(site: UnplacedSite, chosen: boolean): TemplateResult {
    const { proposal } = site;
    if (chosen)
      return html`
        <p class="muted">${pick(SAY.clicking)}</p>
        <div class="actions">
          <button type="button" data-save ?disabled=${!this.#place} @click=${busy(() => this.#save(site))}>
            ${pick(SAY.save)}
          </button>
          <button type="button" data-cancel @click=${() => this.#choose(null)}>${pick(SAY.cancel)}</button>
        </div>
      `;
    const show = (): void => {
      if (!proposal) return;
      this.#choose(site.site_id);
      this.#put({ lon: proposal.lon, lat: proposal.lat });
      this.parts.map.easeTo({ center: [proposal.lon, proposal.lat], zoom: CLOSE_ZOOM });
    };
    return html`
      <div class="actions">
        ${
          proposal
            ? html`
                <button type="button" data-take @click=${busy(() => this.#take(site, proposal.score))}>
                  ${pick(SAY.take)}
                </button>
                <button type="button" data-show @click=${show}>${pick(SAY.show)}</button>
              `
            : nothing
        }
        <button type="button" data-click @click=${() => this.#choose(site.site_id)}>${pick(SAY.click)}</button>
      </div>
    `;
  }
}
customElements.define("unplaced-view", UnplacedView);

export const view = (_: RouteTo<"unplaced">, parts: Console) => html`<unplaced-view .parts=${parts}></unplaced-view>`;
