/** Figures that change while something is drawn: length and area of what is measured, and the grids that are painted. */
import { html, nothing } from "lit";
import { Piece } from "../../core/element";
import type { Tools } from "../../edit/tools";
import { area_m2, length_m } from "../../geometry/measure";
import { number, quantity, surface } from "../../texts/format";
import { t } from "../../texts/text";

const KILOMETRE_M = 1000;

function distance(metres: number): string {
  return metres < KILOMETRE_M ? quantity(metres, "m") : quantity(metres / KILOMETRE_M, "km", 2);
}

class MeasureNote extends Piece {
  static override properties = { tools: { attribute: false } };
  declare tools: Tools;

  protected override follows() {
    return [this.tools.measured];
  }

  protected override render() {
    const line = this.tools.measured.get();
    const area = area_m2(line);
    return html`
      <p class="live-note" data-measured>
        ${t("edit.measured_length")} <b>${distance(length_m(line))}</b>
        ${area ? html`<br />${t("edit.measured_area")} <b>${surface(area)}</b>` : nothing}
      </p>
    `;
  }
}
customElements.define("measure-note", MeasureNote);

class PaintNote extends Piece {
  static override properties = { tools: { attribute: false } };
  declare tools: Tools;

  protected override follows() {
    return [this.tools.painted];
  }

  protected override render() {
    const units = this.tools.painted.get();
    const size = units.reduce((sum, each) => sum + each.properties.area_m2, 0);
    return html`<p class="live-note" data-painted>${t("edit.painted", { n: number(units.length), size: surface(size) })}</p>`;
  }
}
customElements.define("paint-note", PaintNote);
