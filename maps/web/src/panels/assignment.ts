/** How an assignment is shown: the bodies, the areas, and every step that led to them. */
import { h, type Child } from "../core/dom";
import { pick, t, term } from "../core/language";
import type { AreaName, Assignment, CoHandler, ExplanationStep } from "../core/types";
import { empty, facts } from "./pieces";

export function bodies(lead: Assignment["lead"], joint: CoHandler[], leadName?: string | null, jointNames: string[] = []): Child {
  const name = leadName ?? lead?.body;
  const others: CoHandler[] = joint.length ? joint : jointNames.map((each) => ({ body: each }));
  return [
    h("div", { class: "body lead-body" }, h("small", {}, t("case.lead")), h("b", {}, name ?? t("case.no_lead")), lead?.level && h("span", {}, term("level_of", lead.level)), lead?.legal_basis && h("p", {}, lead.legal_basis)),
    others.map((each) =>
      h("div", { class: "body" }, h("small", {}, t("case.joint")), h("b", {}, each.body), each.level && h("span", {}, term("level_of", each.level)), reasonOf(each) && h("p", {}, reasonOf(each))),
    ),
  ];
}

function reasonOf(each: CoHandler): string {
  return pick({ zh: each.reason_zh ?? "", en: each.reason_en ?? "" }) || (typeof each.reason === "string" ? each.reason : pick(each.reason as never));
}

function names(value: AreaName | AreaName[] | null | undefined): Child {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  return list.length ? list.map((each, i) => [i ? h("br") : null, each.name, each.name === each.code ? null : [" ", h("code", {}, each.code)]]) : null;
}

const ORDER = ["city", "county", "town", "community", "unit_grid", "functional_zone", "water"] as const;

export function areaFacts(areas: Assignment["areas"]): HTMLElement {
  return facts(ORDER.map((kind) => [term("kind", kind), names(areas[kind])]));
}

export function assignmentSteps(steps: ExplanationStep[]): Child {
  if (!steps.length) return empty(t("assign.no_steps"));
  return h("ol", { class: "steps" }, steps.map((each) => h("li", {}, pick(each), each.rule && h("small", {}, each.rule))));
}
