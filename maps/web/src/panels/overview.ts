/** What everybody sees first: what this map is, how much it holds, and what a login adds. */
import { get, itemsPath, type Page } from "../core/api";
import { h } from "../core/dom";
import { number } from "../texts/format";
import { t, term } from "../texts/text";
import { loggedIn } from "../core/session";
import { STATUSES, STATUS_COLORS } from "../map/palette";
import { openLogin } from "./login_dialog";
import { section, show } from "./pieces";
import type { View } from "./view";

const HAZARDS = "chemical,explosive,gas,dust,radioactive,other";
const KINDS = ["county", "town", "community", "unit_grid"] as const;

async function count(collection: string, filter: Record<string, string>, signal: AbortSignal): Promise<number | null> {
  const page = await get<Page<unknown>>(itemsPath(collection, { ...filter, limit: 1, count: "exact" }), signal);
  return page.numberMatched ?? null;
}

function tile(value: number | null, name: string, color?: string): HTMLElement {
  const dot = color ? h("i", { class: "dot", style: `background:${color}` }) : null;
  return h("div", { class: "tile" }, h("b", {}, number(value)), h("span", {}, dot, name));
}

export const overview: View = ({ console: parts, into, signal, again }) => {
  const numbers = h("div", {});
  into.append(
    h("h2", {}, parts.settings.city || t("title")),
    h("p", { class: "lead" }, t("overview.lead")),
    numbers,
    section(
      t("overview.how"),
      h(
        "ul",
        { class: "hints" },
        h("li", {}, t("overview.hint_click")),
        h("li", {}, t("overview.hint_search")),
        h("li", {}, t("overview.hint_responsible")),
      ),
    ),
    loggedIn()
      ? h("p", { class: "muted" }, t("overview.logged_in"))
      : h(
          "div",
          { class: "callout" },
          h("p", {}, t("overview.login")),
          h("button", { class: "primary", onclick: openLogin }, t("login")),
        ),
  );
  void show(
    numbers,
    async () => {
      const [areas, sites, all] = await Promise.all([
        Promise.all(KINDS.map((kind) => count("areas", { kind }, signal))),
        Promise.all(STATUSES.map((status) => count("sites", { status, hazard: HAZARDS }, signal))),
        count("sites", {}, signal),
      ]);
      return [
        section(
          t("overview.areas"),
          h(
            "div",
            { class: "tiles" },
            KINDS.map((kind, i) => tile(areas[i] ?? null, term("kind", kind))),
          ),
        ),
        section(
          t("overview.sites", { n: number(all) }),
          h(
            "div",
            { class: "tiles" },
            STATUSES.map((status, i) => tile(sites[i] ?? null, term("status", status), STATUS_COLORS[status])),
          ),
        ),
      ];
    },
    again,
  );
};
