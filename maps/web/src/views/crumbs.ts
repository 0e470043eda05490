/** City › county › town above a list: each leads back to its own list. */
import { html, nothing, type TemplateResult } from "lit";
import { session } from "../core/session";
import { t } from "../texts/text";

interface Within {
  county?: string;
  town?: string;
}

export function crumbs({ county, town }: Within, choose: (to: Within) => void): TemplateResult {
  const crumb = (name: string, to: Within, last: boolean): TemplateResult =>
    last
      ? html`<b aria-current="location">${name}</b>`
      : html`<button type="button" class="quiet small" @click=${() => choose(to)}>${name}</button><span>›</span>`;
  return html`
    <nav class="crumbs" aria-label=${t("crumbs")}>
      ${crumb(session.get().area?.name ?? t("case.city"), { county: "", town: "" }, !county && !town)}
      ${county ? crumb(county, { town: "" }, !town) : nothing} ${town ? crumb(town, {}, true) : nothing}
    </nav>
  `;
}

/** The values of a filter that rows have, and the chosen one, by name; before them none of them. */
export function namedOptions(values: readonly (string | null | undefined)[], chosen = ""): [string, string][] {
  const known = new Set([...values, chosen].filter(Boolean) as string[]);
  return [
    ["", t("all")],
    ...[...known].sort((a, b) => a.localeCompare(b)).map((each): [string, string] => [each, each]),
  ];
}
