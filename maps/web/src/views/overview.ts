/** What everybody sees first: what this map is, how much it holds, and what a login adds. */
import { html, type PropertyValues, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { RouteTo } from "../address/address";
import { get, itemsPath, type Page } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { loggedIn, session } from "../core/session";
import { mark, type Console } from "../console";
import { openLogin } from "../frame/login_dialog";
import { STATUSES, STATUS_COLORS } from "../map/palette";
import { number } from "../texts/format";
import { cityName, t, term } from "../texts/text";
import { loaded, section } from "./pieces";

const HAZARDS = "chemical,explosive,gas,dust,radioactive,other";
const KINDS = ["county", "town", "community", "unit_grid"] as const;

interface Counts {
  areas: (number | null)[];
  sites: (number | null)[];
  all: number | null;
}

async function count(collection: string, filter: Record<string, string>, signal: AbortSignal): Promise<number | null> {
  const page = await get<Page<unknown>>(itemsPath(collection, { ...filter, limit: 1, count: "exact" }), signal);
  return page.numberMatched ?? null;
}

async function counts(signal: AbortSignal): Promise<Counts> {
  const [areas, sites, all] = await Promise.all([
    Promise.all(KINDS.map((kind) => count("areas", { kind }, signal))),
    Promise.all(STATUSES.map((status) => count("sites", { status, hazard: HAZARDS }, signal))),
    count("sites", {}, signal),
  ]);
  return { areas, sites, all };
}

function tile(value: number | null | undefined, name: string, color?: string): TemplateResult {
  const dot = color ? html`<i class="dot" style=${styleMap({ background: color })}></i>` : "";
  return html`<div class="tile"><b>${number(value)}</b><span>${dot}${name}</span></div>`;
}

export class OverviewView extends Piece {
  static override properties = { parts: { attribute: false }, city: {} };
  declare parts: Console | null;
  declare city: string;
  readonly #counts = new Loading(this, counts, ["areas", "sites"]);

  protected override follows() {
    return [session];
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("parts") && this.parts) mark(this.parts, null);
  }

  protected override render() {
    return html`
      <h2>${this.city || t("title")}</h2>
      <p class="lead">${t("overview.lead")}</p>
      ${loaded(this.#counts, ({ areas, sites, all }) => [
        section(
          t("overview.areas"),
          html`<div class="tiles">${KINDS.map((kind, i) => tile(areas[i], term("kind", kind)))}</div>`,
        ),
        section(
          t("overview.sites", { n: number(all) }),
          html`<div class="tiles">
            ${STATUSES.map((status, i) => tile(sites[i], term("status", status), STATUS_COLORS[status]))}
          </div>`,
        ),
      ])}
      ${section(
        t("overview.how"),
        html`<ul class="hints">
          <li>${t("overview.hint_click")}</li>
          <li>${t("overview.hint_search")}</li>
          <li>${t("overview.hint_responsible")}</li>
        </ul>`,
      )}
      ${
        loggedIn()
          ? html`<p class="muted">${t("overview.logged_in")}</p>`
          : html`<div class="callout">
              <p>${t("overview.login")}</p>
              <button type="button" class="primary" @click=${() => void openLogin()}>${t("login")}</button>
            </div>`
      }
    `;
  }
}
customElements.define("overview-view", OverviewView);

const overview = (parts: Console | null, city: string) => html`
  <overview-view .parts=${parts} .city=${city}></overview-view>
`;

export const view = (_to: RouteTo<"overview">, parts: Console) => overview(parts, cityName(parts.settings));
export const early = (city: string) => overview(null, city);
