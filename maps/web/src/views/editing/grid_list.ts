/** The grids in view as a list: chosen with the keyboard or a finger; the one in focus is marked on the map. */
import { html, nothing } from "lit";
import { Piece } from "../../core/element";
import type { EditSession } from "../../edit/session";
import type { Unit } from "../../edit/units";
import { number } from "../../texts/format";
import { t } from "../../texts/text";

const MOST_ROWS = 200;

class GridList extends Piece {
  static override properties = { editor: { attribute: false }, wanted: { state: true }, open: { state: true } };
  declare editor: EditSession;
  declare wanted: string;
  declare open: boolean;

  protected override follows() {
    return [this.editor.units.loads, this.editor.tools.selection];
  }

  #fits({ properties: { code, name } }: Unit): boolean {
    const words = this.wanted?.trim().toLowerCase() ?? "";
    return !words || code.includes(words) || name.toLowerCase().includes(words);
  }

  protected override render() {
    const { tools, units } = this.editor;
    const chosen = new Set(tools.selection.get().map((each) => each.id));
    const all = this.open ? [...units.all()].sort((a, b) => a.properties.code.localeCompare(b.properties.code)) : [];
    const fitting = all.filter((each) => this.#fits(each));
    const row = (unit: Unit) => html`
      <li>
        <label @mouseenter=${() => tools.mark(unit)} @mouseleave=${() => tools.mark(null)}>
          <input
            type="checkbox"
            .checked=${chosen.has(unit.id)}
            @change=${() => tools.toggle(unit)}
            @focus=${() => tools.mark(unit)}
            @blur=${() => tools.mark(null)}
          />
          <code>${unit.properties.code}</code> ${unit.properties.name}
        </label>
      </li>
    `;
    return html`
      <details
        class="grid-list"
        data-grid-list
        @toggle=${(event: Event) => {
          this.open = (event.target as HTMLDetailsElement).open;
        }}
      >
        <summary>${t("edit.list")}</summary>
        ${
          this.open
            ? html`
                <input
                  type="search"
                  aria-label=${t("edit.list_find")}
                  placeholder=${t("edit.list_find")}
                  @input=${(event: Event) => {
                    this.wanted = (event.target as HTMLInputElement).value;
                  }}
                />
                <ul>
                  ${fitting.slice(0, MOST_ROWS).map(row)}
                </ul>
                ${
                  fitting.length > MOST_ROWS
                    ? html`<p class="muted">${t("edit.list_more", { n: number(fitting.length - MOST_ROWS) })}</p>`
                    : nothing
                }
              `
            : nothing
        }
      </details>
    `;
  }
}
customElements.define("grid-list", GridList);
