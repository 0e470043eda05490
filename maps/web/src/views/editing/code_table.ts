/** Codes old and new of a change, its warnings, and what of it the map shows. */
import { html, nothing, type TemplateResult } from "lit";
import { address } from "../../core/api";
import type { Trial } from "../../core/edit_types";
import type { EditSession, Side } from "../../edit/session";
import { number, percent } from "../../texts/format";
import { t } from "../../texts/text";
import { language } from "../../texts/language";

const SHOWN = 100;

/** The table of codes old and new; of a stored change set also as files and a page to print. */
export function codeTable({ preview, id }: Trial): TemplateResult | typeof nothing {
  const rows = preview.code_table ?? [];
  if (!rows.length) return nothing;
  const link = (form: string, text: string): TemplateResult => html`
    <a
      class="button small"
      data-codes=${form}
      href=${address(`v1/change-sets/${id}/codes?f=${form}${form === "html" ? `&lang=${language.get()}` : ""}`)}
      target=${form === "html" ? "_blank" : nothing}
      ?download=${form !== "html"}
      >${text}</a
    >
  `;
  return html`
    <details class="code-table" ?open=${rows.length <= 6}>
      <summary>${t("edit.code_table", { n: number(rows.length) })}</summary>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("edit.code_table", { n: number(rows.length) })}>
        <table>
          <thead>
            <tr>
              <th scope="col">${t("edit.code_old")}</th>
              <th scope="col">${t("edit.code_new")}</th>
              <th scope="col">${t("edit.code_share")}</th>
            </tr>
          </thead>
          <tbody>
            ${rows.slice(0, SHOWN).map(
              (each) => html`<tr>
                <td title=${each.old_name}><code>${each.old_code}</code></td>
                <td title=${each.new_name}><code>${each.new_code}</code></td>
                <td class="num">${percent(each.share, 1)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>
    </details>
    ${
      id === null
        ? nothing
        : html`<div class="actions wrap">
            ${link("html", t("edit.code_print"))}${link("csv", "CSV")}${link("xlsx", "XLSX")}
          </div>`
    }
  `;
}

/** Narrow parts that would be left, each with its place. */
export function warnings(editor: EditSession, { preview }: Trial): TemplateResult | typeof nothing {
  const found = preview.warnings ?? [];
  const lost = preview.voided_codes.length;
  if (!found.length && !lost) return nothing;
  return html`
    <ul class="change-warnings" role="note" aria-label=${t("edit.warnings")}>
      ${lost ? html`<li data-warning="codes">${t("edit.warn_codes", { n: number(lost) })}</li>` : nothing}
      ${found.map(
        (each) => html`<li data-warning=${each.kind}>
          ${t("edit.warn_narrow", { code: each.code, length: number(each.length_m), width: number(each.width_m, 1) })}
          <button type="button" class="small" @click=${() => editor.lookAt(each.place)}>${t("edit.warn_look")}</button>
        </li>`,
      )}
    </ul>
  `;
}

const SIDES: readonly Side[] = ["before", "both", "after", "swipe"];

/** Whether the map shows the grids as they are, as they would be, or one over the other; and all of it in the view. */
export function sideSwitch(editor: EditSession, trial: Trial): TemplateResult {
  const now = editor.side.get();
  return html`
    <div class="side-switch" role="group" aria-label=${t("edit.side")}>
      ${SIDES.map(
        (each) => html`<button
          type="button"
          class="small"
          data-side=${each}
          aria-pressed=${each === now}
          @click=${() => editor.show(each)}
        >
          ${t(`edit.side_${each}`)}
        </button>`,
      )}
      ${
        now === "swipe"
          ? html`<input
              type="range"
              name="swipe"
              min="0"
              max="1"
              step="0.005"
              .value=${"0.5"}
              aria-label=${t("edit.side_swipe_hint")}
              @input=${({ target }: Event) => editor.swipeTo(Number((target as HTMLInputElement).value))}
            />`
          : nothing
      }
      <button type="button" class="small" data-edit="fit" @click=${() => void editor.fit(trial)}>${t("edit.fit")}</button>
    </div>
  `;
}
