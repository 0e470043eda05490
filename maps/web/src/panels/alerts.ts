/** The list of alerts: the worst first, filtered by level. */
import type { Feature, Point } from "geojson";
import { allItems, itemsPath } from "../core/api";
import { fill, h } from "../core/dom";
import { time } from "../texts/format";
import { t, term } from "../texts/text";
import { go } from "../core/route";
import type { AlertProperties } from "../core/types";
import { Value } from "../core/value";
import { flyTo, mark } from "../console";
import { LEVELS } from "../map/palette";
import { empty, levelBadge, show } from "./pieces";
import type { View, ViewContext } from "./view";

const MOST = 2000;
const filter = new Value<string>("");

type AlertFeature = Feature<Point, AlertProperties>;

function rank(level: string): number {
  const at = (LEVELS as readonly string[]).indexOf(level);
  return at < 0 ? LEVELS.length : at;
}

/** The worst level first, and the highest score in it. */
export function byWeight(a: AlertFeature, b: AlertFeature): number {
  return rank(a.properties.level) - rank(b.properties.level) || b.properties.score - a.properties.score;
}

function row(context: ViewContext, alert: AlertFeature): HTMLElement {
  const { properties: p } = alert;
  const open = (): void => {
    flyTo(context.console, alert.geometry, 14);
    go({ view: "alert", id: Number(alert.id) });
  };
  return h(
    "button",
    { class: "row", "data-alert": alert.id, onclick: open },
    h(
      "span",
      { class: "row-head" },
      levelBadge(p.level),
      h("b", {}, p.site_name || p.site_id),
      h("span", { class: "score", title: t("alert.clue") }, p.score.toFixed(2)),
    ),
    h(
      "span",
      { class: "row-foot" },
      h("span", {}, time(p.raised_at)),
      p.case_number ? h("span", {}, t("alert.case"), " ", p.case_number) : h("span", {}, t("alert.no_case")),
    ),
  );
}

function filterBar(alerts: AlertFeature[], redraw: () => void): HTMLElement {
  const choice = (level: string, name: string): HTMLElement => {
    const n = level ? alerts.filter((each) => each.properties.level === level).length : alerts.length;
    const pick = (): void => {
      filter.set(level);
      redraw();
    };
    return h(
      "button",
      { class: "chip", "data-level": level, "aria-pressed": filter.get() === level ? "true" : "false", onclick: pick },
      name,
      h("small", {}, n),
    );
  };
  return h(
    "div",
    { class: "chips" },
    choice("", t("all")),
    LEVELS.map((level) => choice(level, term("level", level))),
  );
}

export const alerts: View = (context) => {
  const { into, signal, again, console: parts } = context;
  mark(parts, null);
  const list = h("div", {});
  into.append(h("h2", {}, t("alerts")), h("p", { class: "muted" }, t("alert.clue_long")), list);
  void show(
    list,
    async () => {
      const found = await allItems<AlertProperties, Point>(
        itemsPath("alerts", { limit: 500, sortby: "-score" }),
        MOST,
        signal,
      );
      found.sort(byWeight);
      const holder = h("div", {});
      const draw = (): void => {
        const chosen = found.filter((each) => !filter.get() || each.properties.level === filter.get());
        fill(
          holder,
          filterBar(found, draw),
          found.length >= MOST ? h("p", { class: "muted" }, t("list.most", { n: MOST })) : "",
          chosen.length
            ? h(
                "div",
                { class: "rows" },
                chosen.map((each) => row(context, each)),
              )
            : empty(t("alert.none")),
        );
      };
      draw();
      return holder;
    },
    again,
  );
};
