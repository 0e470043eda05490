/** What a drawing snaps to: a switch for each, and one for lines that follow roads. */
import { html, nothing, type TemplateResult } from "lit";
import { SNAP_LAYERS, type Snapping, type Switches } from "../../edit/snapping";
import { list } from "../../texts/format";
import { t } from "../../texts/text";

export function snapBox(snapping: Snapping, traces: boolean): TemplateResult {
  const on = snapping.switches.get();
  const one = (name: keyof Switches): TemplateResult => html`
    <label class="check">
      <input
        type="checkbox"
        data-snap=${name}
        .checked=${on[name]}
        @change=${({ target }: Event) => snapping.set(name, (target as HTMLInputElement).checked)}
      />${t(`edit.snap.${name}`)}
    </label>
  `;
  const many = snapping.truncated.get();
  return html`
    <fieldset class="snap-box">
      <legend>${t("edit.snap")}</legend>
      ${SNAP_LAYERS.map(one)} ${traces ? one("trace") : nothing}
    </fieldset>
    <p class="muted">${t("edit.snap_hint")}</p>
    ${many.length ? html`<p class="fault">${t("edit.snap_many", { layers: list(many.map((each) => t(`edit.snap.${each}`))) })}</p>` : nothing}
  `;
}
