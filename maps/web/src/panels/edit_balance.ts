/** What each community carries, on the map and as a table, and transfers that would even it out. */
import { get, itemsPath, type Page } from "../core/api";
import { fill, h, type Child } from "../core/dom";
import { number } from "../texts/format";
import { t } from "../texts/text";
import { session } from "../core/session";
import type { AreaProperties, Balance, BalanceMove, CommunityLoad } from "../core/types";
import type { ZoneName } from "../core/edit_types";
import type { Console } from "../console";
import { areasById } from "../edit/area_versions";
import { nameOf } from "../edit/rebase";
import type { EditSession } from "../edit/session";
import { transfer } from "../edit/transfer";
import { colorOfLoad, paintLoads, unpaintLoads } from "../map/load_colors";
import { actionButton, empty, section, show } from "./pieces";

async function take(editor: EditSession, balance: Balance, moves: BalanceMove[]): Promise<void> {
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

function zoneRow(zone: CommunityLoad, most: number): HTMLElement {
  const bar = (value: number, when: string): HTMLElement =>
    h(
      "td",
      { class: `num load ${when}` },
      h("i", { style: `width:${((value / most) * 100).toFixed(1)}%` }),
      h("span", {}, number(value, 2)),
    );
  const swatch = h("span", { class: "mark fill", style: `--color:${colorOfLoad(zone.load / most)}` });
  return h(
    "tr",
    { "data-zone": zone.code },
    h("td", {}, swatch, " ", zone.name),
    bar(zone.load, "before"),
    bar(zone.load_after, "after"),
    h("td", { class: "num" }, number(zone.households)),
    h("td", { class: "num" }, number(zone.enterprises)),
    h("td", { class: "num" }, number(zone.cases)),
  );
}

function table(balance: Balance, most: number): HTMLElement {
  const heads = [
    t("edit.balance_zone"),
    `${t("edit.balance_load")} (${t("edit.before")})`,
    t("edit.after"),
    t("edit.balance_households"),
    t("edit.balance_enterprises"),
    t("edit.load_cases"),
  ];
  const zones = [...balance.zones].sort((a, b) => b.load - a.load);
  return h(
    "div",
    { class: "scroll" },
    h(
      "table",
      { class: "loads" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          heads.map((each) => h("th", {}, each)),
        ),
      ),
      h(
        "tbody",
        {},
        zones.map((each) => zoneRow(each, most)),
      ),
    ),
  );
}

function moveRow(editor: EditSession, balance: Balance, move: BalanceMove): HTMLElement {
  const name = (code: string): string => balance.zones.find((each) => each.code === code)?.name ?? code;
  return h(
    "li",
    { "data-move": move.code },
    h("code", {}, move.code),
    ` ${name(move.from_code)} → ${name(move.to_code)} (−${number(move.gain, 3)}) `,
    actionButton(t("edit.balance_take"), () => take(editor, balance, [move]), {
      class: "small",
      "aria-label": `${t("edit.balance_take")} ${move.code}`,
    }),
  );
}

function result(editor: EditSession, parts: Console, balance: Balance): Child {
  const loads = balance.zones.map((each) => each.load);
  const most = Math.max(...loads, ...balance.zones.map((each) => each.load_after));
  paintLoads(
    parts.map,
    balance.zones.map((each) => [each.id, each.load / most]),
  );
  return [
    h("p", {}, t("edit.balance_spread", { before: number(balance.spread, 3), after: number(balance.spread_after, 3) })),
    h(
      "p",
      { class: "muted" },
      t("edit.balance_legend", { low: number(Math.min(...loads), 2), high: number(Math.max(...loads), 2) }),
    ),
    table(balance, most),
    h("h4", {}, t("edit.balance_moves")),
    balance.moves.length
      ? [
          h(
            "ol",
            { class: "draft-steps" },
            balance.moves.map((each) => moveRow(editor, balance, each)),
          ),
          actionButton(t("edit.balance_take_all"), () => take(editor, balance, balance.moves), {
            "data-balance": "take",
          }),
        ]
      : empty(t("edit.balance_none")),
  ];
}

/** Towns that may be looked at: the own one, or all for those who see the whole city. */
async function choices(): Promise<ZoneName[]> {
  const own = session.get().area;
  if (own) {
    const page = await get<Page<AreaProperties>>(itemsPath("areas", { code: own.code, limit: 1 }));
    return page.features.map((each) => ({ id: Number(each.id), code: own.code, name: own.name }));
  }
  const page = await get<Page<AreaProperties>>(itemsPath("areas", { kind: "county,town", limit: 1000 }));
  return page.features
    .map((each) => ({ id: Number(each.id), code: each.properties.code, name: each.properties.name }))
    .sort((a, b) => a.code.localeCompare(b.code));
}

/** What was worked out in a sitting, so that another language shows it again. */
const workedOut = new WeakMap<EditSession, { area: number; balance: Balance }>();

/** Closed until it is asked for, since it reads everything in the area. */
export function balanceBox(editor: EditSession, parts: Console, signal: AbortSignal): HTMLElement {
  const body = h("div", {});
  const area = h("select", { name: "balance-area", "aria-label": t("edit.balance_area") });
  const hide = h(
    "button",
    { type: "button", class: "small", hidden: true, "data-balance": "hide" },
    t("edit.balance_hide"),
  );
  const close = (): void => {
    unpaintLoads(parts.map);
    workedOut.delete(editor);
    fill(body);
    hide.hidden = true;
  };
  const load = async (): Promise<void> => {
    const id = Number(area.value);
    hide.hidden = false;
    const work = async (): Promise<Child> => {
      const balance = await get<Balance>(`v1/areas/${id}/balance?max_moves=10`, signal);
      workedOut.set(editor, { area: id, balance });
      return result(editor, parts, balance);
    };
    if (id) await show(body, work, () => void load());
  };
  const offer = async (): Promise<Child> => {
    fill(
      area,
      (await choices()).map((each) => h("option", { value: each.id }, `${each.name} ${each.code}`)),
    );
    const before = workedOut.get(editor);
    if (!before || signal.aborted) return null;
    area.value = String(before.area);
    hide.hidden = false;
    return result(editor, parts, before.balance);
  };
  const start = (): void => void show(body, offer, start);
  hide.addEventListener("click", close);
  signal.addEventListener("abort", () => unpaintLoads(parts.map));
  start();
  return section(
    t("edit.balance"),
    h("p", { class: "muted" }, t("edit.balance_about")),
    h(
      "div",
      { class: "actions wrap" },
      area,
      actionButton(t("edit.balance_show"), load, { "data-balance": "show" }),
      hide,
    ),
    body,
  );
}
