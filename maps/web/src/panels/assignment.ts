/** How an assignment is shown: the bodies, the areas, and every step that led to them. */
import { h, type Child } from "../core/dom";
import { pick, t, term } from "../texts/text";
import type { AreaName, AssignmentDocument, ExplanationStep, PartnerBody } from "../core/types";
import { empty, facts } from "./pieces";

function bodyBox(role: string, each: Partial<PartnerBody>, lead = false, basis = ""): HTMLElement {
  const about = basis || pick({ zh: each.reason ?? "", en: each.reason_en ?? "" });
  return h(
    "div",
    { class: lead ? "body lead-body" : "body" },
    h("small", {}, role),
    h("b", {}, each.body),
    each.level && h("span", {}, term("level_of", each.level)),
    about && h("p", {}, about),
  );
}

/** The lead body, those who join, and those who get a copy. A case that was given to others names them itself. */
export function bodies(assignment: AssignmentDocument | null, leadName?: string | null, jointNames?: string[]): Child {
  const { lead, co_handlers = [], copied_to = [] } = assignment ?? {};
  const name = leadName ?? lead?.body;
  const joint = jointNames?.map((body) => co_handlers.find((each) => each.body === body) ?? { body }) ?? co_handlers;
  const own = lead && lead.body === name;
  return [
    name
      ? bodyBox(
          t("case.lead"),
          own ? { body: name, level: lead.level } : { body: name },
          true,
          own ? lead.legal_basis : "",
        )
      : h("p", { class: "verdict bad" }, t("case.no_lead")),
    joint.map((each) => bodyBox(t("case.joint"), each)),
    copied_to.map((each) => bodyBox(t("case.copy"), each)),
  ];
}

function names(value: AreaName | AreaName[] | null | undefined): Child {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  return list.length
    ? list.map((each, i) => [
        i ? h("br") : null,
        each.name,
        each.name === each.code ? null : [" ", h("code", {}, each.code)],
      ])
    : null;
}

const ORDER = ["city", "county", "town", "community", "unit_grid", "functional_zone", "water"] as const;

export function areaFacts(areas: AssignmentDocument["areas"]): HTMLElement {
  return facts(ORDER.map((kind) => [term("kind", kind), names(areas[kind])]));
}

export function assignmentSteps(steps: ExplanationStep[]): Child {
  if (!steps.length) return empty(t("assign.no_steps"));
  return h(
    "ol",
    { class: "steps" },
    steps.map((each) => h("li", {}, pick(each), each.rule && h("small", {}, term("why", each.rule)))),
  );
}
