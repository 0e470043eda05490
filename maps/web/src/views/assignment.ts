/** How an assignment is shown: the bodies, the areas, and every step that led to them. */
import { html, nothing, type TemplateResult } from "lit";
import type { AreaName, AssignmentDocument, ExplanationStep, PartnerBody } from "../core/types";
import { pick, t, term } from "../texts/text";
import { empty, facts, type Content } from "./pieces";

function bodyBox(role: string, each: Partial<PartnerBody>, lead = false, basis = ""): TemplateResult {
  const about = basis || pick({ zh: each.reason ?? "", en: each.reason_en ?? "" });
  return html`
    <div class=${lead ? "body lead-body" : "body"}>
      <small>${role}</small><b>${each.body}</b>
      ${each.level ? html`<span>${term("level_of", each.level)}</span>` : nothing}
      ${about ? html`<p>${about}</p>` : nothing}
    </div>
  `;
}

/** The lead body, those who join, and those who get a copy. A case that was given to others names them itself. */
export function bodies(
  assignment: AssignmentDocument | null,
  leadName?: string | null,
  jointNames?: string[],
): TemplateResult {
  const { lead, co_handlers = [], copied_to = [] } = assignment ?? {};
  const name = leadName ?? lead?.body;
  const joint = jointNames?.map((body) => co_handlers.find((each) => each.body === body) ?? { body }) ?? co_handlers;
  const own = lead && lead.body === name;
  return html`
    ${
      name
        ? bodyBox(
            t("case.lead"),
            own ? { body: name, level: lead.level } : { body: name },
            true,
            own ? lead.legal_basis : "",
          )
        : html`<p class="verdict bad">${t("case.no_lead")}</p>`
    }
    ${joint.map((each) => bodyBox(t("case.joint"), each))}
    ${copied_to.map((each) => bodyBox(t("case.copy"), each))}
  `;
}

function names(value: AreaName | AreaName[] | null | undefined): Content {
  const list = Array.isArray(value) ? value : value ? [value] : [];
  if (!list.length) return null;
  return list.map(
    ({ name, code }, i) =>
      html`${i ? html`<br />` : nothing}${name}${name === code ? nothing : html` <code>${code}</code>`}`,
  );
}

const ORDER = ["city", "county", "town", "community", "unit_grid", "functional_zone", "water"] as const;

export function areaFacts(areas: AssignmentDocument["areas"]): TemplateResult {
  return facts(ORDER.map((kind) => [term("kind", kind), names(areas[kind])]));
}

export function assignmentSteps(steps: readonly ExplanationStep[]): TemplateResult {
  if (!steps.length) return empty(t("assign.no_steps"));
  return html`
    <ol class="steps">
      ${steps.map(
        (each) => html`<li>${pick(each)}${each.rule ? html`<small>${term("why", each.rule)}</small>` : nothing}</li>`,
      )}
    </ol>
  `;
}
