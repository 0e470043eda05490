/** The list of cases that the person may see. */
import type { Feature, Point } from "geojson";
import { allItems, itemsPath } from "../core/api";
import { fill, h } from "../core/dom";
import { day } from "../texts/format";
import { t, term } from "../texts/text";
import { go } from "../core/route";
import { session } from "../core/session";
import type { CaseProperties } from "../core/types";
import { Value } from "../core/value";
import { flyTo, mark } from "../console";
import { empty, show, stateBadge } from "./pieces";
import type { View, ViewContext } from "./view";

const MOST = 2000;
const chosenState = new Value<string>("");

type CaseFeature = Feature<Point, CaseProperties>;

function row(context: ViewContext, found: CaseFeature): HTMLElement {
  const p = found.properties;
  const open = (): void => {
    flyTo(context.console, found.geometry, 14);
    go({ view: "case", number: p.number });
  };
  const place = [p.county, p.town, p.community].filter(Boolean).join(" · ");
  return h(
    "button",
    { class: "row", "data-number": p.number, onclick: open },
    h("span", { class: "row-head" }, stateBadge(p.state), h("b", {}, p.title)),
    h("span", { class: "row-foot" }, h("code", {}, p.number), h("span", {}, place)),
    h(
      "span",
      { class: "row-foot" },
      h("span", {}, p.lead_body ?? t("case.no_lead")),
      p.due_at &&
        h(
          "span",
          { class: p.overdue ? "overdue" : "" },
          t(p.overdue ? "case.overdue_since" : "case.due", { day: day(p.due_at) }),
        ),
    ),
  );
}

function stateFilter(cases: CaseFeature[], redraw: () => void): HTMLElement {
  const states = [...new Set(cases.map((each) => each.properties.state))];
  const overdue = cases.filter((each) => each.properties.overdue).length;
  const option = (value: string, text: string): HTMLElement =>
    h("option", { value, selected: chosenState.get() === value }, text);
  const select = h(
    "select",
    { name: "case-state", "aria-label": t("case.filter") },
    option("", `${t("all")} (${cases.length})`),
    states.map((state) =>
      option(state, `${term("state", state)} (${cases.filter((each) => each.properties.state === state).length})`),
    ),
    overdue ? option("overdue", `${t("case.overdue")} (${overdue})`) : null,
  );
  select.addEventListener("change", () => {
    chosenState.set(select.value);
    redraw();
  });
  return h("div", { class: "filter" }, h("label", {}, t("case.filter"), select));
}

function wanted(found: CaseFeature): boolean {
  const state = chosenState.get();
  return !state || (state === "overdue" ? found.properties.overdue : found.properties.state === state);
}

export const cases: View = (context) => {
  const { into, signal, again, console: parts } = context;
  mark(parts, null);
  const list = h("div", {});
  const area = session.get().area?.name;
  into.append(
    h("h2", {}, t("cases")),
    h("p", { class: "muted" }, area ? t("case.scope", { area }) : t("case.scope_city")),
    list,
  );
  void show(
    list,
    async () => {
      const found = await allItems<CaseProperties, Point>(
        itemsPath("cases", { limit: 500, sortby: "-opened_at" }),
        MOST,
        signal,
      );
      found.sort((a, b) => Number(b.properties.overdue) - Number(a.properties.overdue));
      const holder = h("div", {});
      const draw = (): void => {
        const chosen = found.filter(wanted);
        fill(
          holder,
          stateFilter(found, draw),
          found.length >= MOST ? h("p", { class: "muted" }, t("list.most", { n: MOST })) : "",
          chosen.length
            ? h(
                "div",
                { class: "rows" },
                chosen.map((each) => row(context, each)),
              )
            : empty(t("case.none")),
        );
      };
      draw();
      return holder;
    },
    again,
  );
};
