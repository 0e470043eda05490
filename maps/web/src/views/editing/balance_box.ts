/** What each community carries, on the map and as a table, and transfers that would even it out. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import { get, itemsPath, type Page } from "../../core/api";
import { Piece } from "../../core/element";
import { Loading } from "../../core/loading";
import { session } from "../../core/session";
import type { AreaName, AreaProperties, Balance, BalanceMove, CommunityLoad } from "../../core/types";
import type { Console } from "../../console";
import { areasById } from "../../edit/area_versions";
import { nameOf } from "../../edit/rebase";
import type { EditSession } from "../../edit/session";
import { transfer } from "../../edit/transfer";
import { colorOfLoad, paintLoads, unpaintLoads } from "../../map/load_colors";
import { brackets, number } from "../../texts/format";
import { t } from "../../texts/text";
import { busy, empty, failure, loading, section, type Content } from "../pieces";
import { measured } from "./load_table";

async function take(editor: EditSession, balance: Balance, moves: readonly BalanceMove[]): Promise<void> {
  const byPair = new Map<string, BalanceMove[]>();
  for (const move of moves) {
    const pair = `${move.from_code} ${move.to_id}`;
    byPair.set(pair, [...(byPair.get(pair) ?? []), move]);
  }
  for (const some of byPair.values()) {
    const areas = await areasById(some.map((each) => each.area_id));
    const target = balance.zones.find((each) => each.id === some[0]?.to_id);
    if (!target) continue;
    await editor.add({
      operation: transfer(
        areas.map((each) => Number(each.id)),
        target.id,
      ),
      zones: areas.map(nameOf),
      target: { id: target.id, code: target.code, name: target.name },
    });
    if (editor.outcome.get().name !== "preview") return;
  }
}

/** Towns that may be looked at: the own one, or all for those who see the whole city. */
async function choices(signal: AbortSignal): Promise<(AreaName & { id: number })[]> {
  const own = session.get().area;
  if (own) {
    const page = await get<Page<AreaProperties>>(itemsPath("areas", { code: own.code, limit: 1 }), signal);
    return page.features.map((each) => ({ id: Number(each.id), code: own.code, name: own.name }));
  }
  const page = await get<Page<AreaProperties>>(itemsPath("areas", { kind: "county,town", limit: 1000 }), signal);
  return page.features
    .map((each) => ({ id: Number(each.id), code: each.properties.code, name: each.properties.name }))
    .sort((a, b) => a.code.localeCompare(b.code));
}

function zoneRow(zone: CommunityLoad, most: number): TemplateResult {
  const color = colorOfLoad(zone.load / most);
  return html`
    <tr data-zone=${zone.code}>
      <td><span class="mark fill" style=${styleMap({ "--color": color })}></span> ${zone.name}</td>
      ${measured(zone.load, most, number(zone.load, 2), "before")}
      ${measured(zone.load_after, most, number(zone.load_after, 2), "after")}
      <td class="num">${number(zone.households)}</td>
      <td class="num">${number(zone.enterprises)}</td>
      <td class="num">${number(zone.cases)}</td>
    </tr>
  `;
}

function table(balance: Balance, most: number): TemplateResult {
  const heads = [
    t("edit.balance_zone"),
    brackets(t("edit.balance_load"), t("edit.before")),
    t("edit.after"),
    t("edit.balance_households"),
    t("edit.balance_enterprises"),
    t("edit.load_cases"),
  ];
  const zones = [...balance.zones].sort((a, b) => b.load - a.load);
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label=${t("edit.balance")}>
      <table class="loads">
        <thead>
          <tr>${heads.map((each) => html`<th scope="col">${each}</th>`)}</tr>
        </thead>
        <tbody>${zones.map((each) => zoneRow(each, most))}</tbody>
      </table>
    </div>
  `;
}

/** Closed until it is asked for, since it reads everything in the area. */
export class BalanceBox extends Piece {
  static override properties = { editor: { attribute: false }, parts: { attribute: false } };
  declare editor: EditSession;
  declare parts: Console;
  readonly #choices = new Loading(this, choices);
  #area = 0;
  #shown: Balance | "loading" | null = null;
  #fault: unknown = null;
  #asking: AbortController | null = null;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#asking?.abort();
    unpaintLoads(this.parts.map);
  }

  async #load(): Promise<void> {
    const area = this.#area || this.#choices.value?.[0]?.id;
    if (!area) return;
    this.#asking?.abort();
    const asking = new AbortController();
    this.#asking = asking;
    this.#show("loading");
    try {
      const balance = await get<Balance>(`v1/areas/${area}/balance?max_moves=10`, asking.signal);
      this.#show(balance);
      const most = mostLoad(balance);
      paintLoads(
        this.parts.map,
        balance.zones.map((each) => [each.id, each.load / most]),
      );
    } catch (error) {
      if (!asking.signal.aborted) this.#show(null, error);
    }
  }

  #show(shown: Balance | "loading" | null, fault: unknown = null): void {
    this.#shown = shown;
    this.#fault = fault;
    this.requestUpdate();
  }

  readonly #hide = (): void => {
    this.#asking?.abort();
    unpaintLoads(this.parts.map);
    this.#show(null);
  };

  protected override render() {
    if (this.#choices.error !== undefined)
      return section(t("edit.balance"), failure(this.#choices.error, this.#choices.again));
    const choose = ({ target }: Event): void => {
      this.#area = Number((target as HTMLSelectElement).value);
    };
    return section(
      t("edit.balance"),
      html`
        <p class="muted">${t("edit.balance_about")}</p>
        <div class="actions wrap">
          <select name="balance-area" aria-label=${t("edit.balance_area")} @change=${choose}>
            ${(this.#choices.value ?? []).map(({ id, name, code }) => html`<option value=${id}>${name} ${code}</option>`)}
          </select>
          <button type="button" data-balance="show" @click=${busy(() => this.#load())}>${t("edit.balance_show")}</button>
          <button type="button" class="small" data-balance="hide" ?hidden=${!this.#shown && !this.#fault} @click=${this.#hide}>
            ${t("edit.balance_hide")}
          </button>
        </div>
        ${this.#result()}
      `,
    );
  }

  #result(): Content {
    if (this.#fault) return failure(this.#fault, () => void this.#load());
    if (this.#shown === null) return nothing;
    if (this.#shown === "loading") return loading();
    const balance = this.#shown;
    const loads = balance.zones.map((each) => each.load);
    const range = { low: number(Math.min(...loads), 2), high: number(Math.max(...loads), 2) };
    const spread = { before: number(balance.spread, 3), after: number(balance.spread_after, 3) };
    return html`
      <p>${t("edit.balance_spread", spread)}</p>
      <p class="muted">${t("edit.balance_legend", range)}</p>
      ${table(balance, mostLoad(balance))}
      <h4>${t("edit.balance_moves")}</h4>
      ${balance.moves.length ? this.#moves(balance) : empty(t("edit.balance_none"))}
    `;
  }

  #moves(balance: Balance): TemplateResult {
    const name = (code: string): string => balance.zones.find((each) => each.code === code)?.name ?? code;
    const row = (move: BalanceMove): TemplateResult => html`
      <li data-move=${move.code}>
        <code>${move.code}</code>
        ${brackets(`${name(move.from_code)} → ${name(move.to_code)}`, `−${number(move.gain, 3)}`)}
        <button
          type="button"
          class="small"
          aria-label="${t("edit.balance_take")} ${move.code}"
          @click=${busy(() => take(this.editor, balance, [move]))}
        >
          ${t("edit.balance_take")}
        </button>
      </li>
    `;
    return html`
      <ol class="draft-steps">${balance.moves.map(row)}</ol>
      <button type="button" data-balance="take" @click=${busy(() => take(this.editor, balance, balance.moves))}>
        ${t("edit.balance_take_all")}
      </button>
    `;
  }
}
customElements.define("balance-box", BalanceBox);

/** The largest load, before or after. */
function mostLoad({ zones }: Balance): number {
  return Math.max(...zones.flatMap((each) => [each.load, each.load_after]));
}
