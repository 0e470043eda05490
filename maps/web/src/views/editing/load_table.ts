/** Tables of what areas carry, each number with a bar behind it. */
import { html, nothing, type TemplateResult } from "lit";
import { styleMap } from "lit/directives/style-map.js";
import type { ChangePreview, GridLoad } from "../../core/types";
import { number, surface } from "../../texts/format";
import { t } from "../../texts/text";
import { section } from "../pieces";

/** A number with a bar behind it, as long as its share of the largest. */
export function measured(value: number, most: number, text: string, when: string): TemplateResult {
  const width = `${(most > 0 ? (value / most) * 100 : 0).toFixed(1)}%`;
  return html`<td class="num load ${when}"><i style=${styleMap({ width })}></i><span>${text}</span></td>`;
}

function loadsOf({ load, voided_codes = [] }: ChangePreview): { before: GridLoad[]; after: GridLoad[] } {
  if (!load) return { before: [], after: [] };
  if (!Array.isArray(load)) return { before: load.before ?? [], after: load.after ?? [] };
  const before = load.filter((each) => voided_codes.includes(each.code));
  return { before, after: load.filter((each) => !before.includes(each)) };
}

const MEASURES = ["sites", "cases", "area_m2"] as const;

/** Sites, cases and surface of the grids before and after. */
export function loadTable(preview: ChangePreview): TemplateResult | typeof nothing {
  const { before, after } = loadsOf(preview);
  if (!before.length && !after.length) return nothing;
  const most = MEASURES.map((name) => Math.max(...[...before, ...after].map((each) => each[name] ?? 0)));
  const row = (when: string) => (each: GridLoad) =>
    html`
    <tr>
      <td><code>${each.code}</code></td>
      ${MEASURES.map((name, i) => {
        const value = each[name] ?? 0;
        return measured(value, most[i] ?? 0, name === "area_m2" ? surface(value) : number(value), when);
      })}
    </tr>
  `;
  const rows = (name: string, when: string, list: readonly GridLoad[]) => html`
    <tr><th colspan="4" scope="rowgroup">${name}</th></tr>
    ${list.map(row(when))}
  `;
  return section(
    t("edit.load"),
    html`
      <div class="scroll" tabindex="0" role="region" aria-label=${t("edit.load")}>
        <table class="loads">
          <thead>
            <tr>
              <th scope="col">${t("area.code")}</th>
              <th scope="col">${t("edit.load_sites")}</th>
              <th scope="col">${t("edit.load_cases")}</th>
              <th scope="col">${t("area.surface")}</th>
            </tr>
          </thead>
          <tbody>
            ${rows(t("edit.before"), "before", before)}${rows(t("edit.after"), "after", after)}
          </tbody>
        </table>
      </div>
    `,
  );
}
