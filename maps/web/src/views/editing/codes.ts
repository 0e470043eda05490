/** Codes of areas that begin and end. */
import { html, nothing, type TemplateResult } from "lit";
import type { ChangeSetDocument } from "../../core/types";
import { number } from "../../texts/format";
import { t } from "../../texts/text";

/** A list of so many codes is shown whole; of a longer one the first. */
const FEW = 12;
const FIRST = 6;

/** The codes that were given; of a draft, those that would be. */
export function newCodes({ result, preview }: ChangeSetDocument): string[] {
  return result?.new_codes ?? preview.new_codes;
}

/** Codes; of a long list the first, the others when they are asked for. */
export function codes(kind: "new" | "void", list: readonly string[] | undefined): TemplateResult | typeof nothing {
  if (!list?.length) return nothing;
  const some = (part: readonly string[]): TemplateResult =>
    html`<span class="code-list ${kind}">${part.map((code) => html`<code>${code}</code>`)}</span>`;
  if (list.length <= FEW) return some(list);
  return html`
    ${some(list.slice(0, FIRST))}
    <details>
      <summary>${t("edit.more_codes", { n: number(list.length - FIRST) })}</summary>
      ${some(list.slice(FIRST))}
    </details>
  `;
}
