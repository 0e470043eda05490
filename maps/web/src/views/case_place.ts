/** Another place for a case: its pin is dragged, what would change is shown, and saved with a reason. */
import { html, nothing } from "lit";
import type { MapMouseEvent } from "maplibre-gl";
import type { Place } from "../address/address";
import { explain, post, Problem } from "../core/api";
import { Piece } from "../core/element";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { RelocationPreview } from "../core/types";
import { written } from "../core/written";
import type { Console } from "../console";
import { Pins, rounded } from "../map/pins";
import { moving } from "../map/popups";
import { list } from "../texts/format";
import { t, term } from "../texts/text";
import { assignmentSteps } from "./assignment";
import { busy, facts, type Content } from "./pieces";

export class CasePlace extends Piece {
  static override properties = { parts: { attribute: false }, number: {}, place: { attribute: false }, etag: {} };
  declare parts: Console;
  declare number: string;
  /** Where the case is now. */
  declare place: Place;
  /** Newest step of the case. */
  declare etag: string;
  #pins: Pins | null = null;
  #to: Place | null = null;
  #preview: RelocationPreview | null = null;
  #fault = "";

  protected override follows() {
    return [session];
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#end();
  }

  #path(): string {
    return `v1/cases/${encodeURIComponent(this.number)}/relocation`;
  }

  readonly #click = ({ lngLat }: MapMouseEvent): void => void this.#choose(rounded(lngLat));

  #begin(): void {
    this.#pins = new Pins(this.parts.map);
    moving.set(true);
    this.parts.map.getCanvas().classList.add("asking");
    this.parts.map.on("click", this.#click);
    this.#pins.place(this.place, t("desk.place"), (to) => void this.#choose(to));
    this.requestUpdate();
  }

  #end(): void {
    if (!this.#pins) return;
    this.#pins.clear();
    this.#pins = this.#to = this.#preview = null;
    this.#fault = "";
    moving.set(false);
    this.parts.map.getCanvas().classList.remove("asking");
    this.parts.map.off("click", this.#click);
    this.requestUpdate();
  }

  async #choose(to: Place): Promise<void> {
    this.#to = to;
    this.#preview = null;
    this.#fault = "";
    this.#pins?.place(to, t("desk.place"), (next) => void this.#choose(next));
    this.requestUpdate();
    try {
      const found = await post<RelocationPreview>(`${this.#path()}/preview`, to);
      if (this.#to === to) this.#preview = found;
    } catch (error) {
      if (this.#to === to) this.#fault = explain(error);
    }
    this.requestUpdate();
  }

  protected override render() {
    if (!this.#pins)
      return html`<button type="button" data-move-place @click=${() => this.#begin()}>${t("place.change")}</button>`;
    return html`
      <p class="muted">${t("place.how")}</p>
      ${this.#changes()}
      <p class="fault" role="alert">${this.#fault}</p>
      <div class="actions wrap">
        ${
          this.#preview
            ? html`<button type="button" class="primary" data-save-place @click=${busy(() => this.#save())}>
              ${t("place.save")}
            </button>`
            : nothing
        }
        <button type="button" @click=${() => this.#end()}>${t("cancel")}</button>
      </div>
    `;
  }

  #changes(): Content {
    const found = this.#preview;
    if (!found || !this.#to) return nothing;
    const draft = written(`place ${this.number}`);
    return html`
      <div data-place-preview>
        <p class="place"><code>${this.#to.lon}, ${this.#to.lat}</code></p>
        ${
          found.areas.length
            ? facts(
                found.areas.map((each) => [term("kind", each.kind), `${each.before ?? "–"} → ${each.after ?? "–"}`]),
              )
            : html`<p>${t("place.same_areas")}</p>`
        }
        <p class=${found.bodies_change ? "overdue" : ""}>
          ${
            found.bodies_change
              ? t("place.bodies_change", { bodies: list([found.lead_body ?? "–", ...found.co_handlers]) })
              : t("place.same_bodies")
          }
        </p>
        <details><summary>${t("case.why")}</summary>${assignmentSteps(found.assignment.explanation)}</details>
        <label>
          ${t("dispatch.reason")}<textarea
            name="place-reason"
            rows="2"
            maxlength="2000"
            .value=${draft.text()}
            @input=${(event: Event) => draft.keep((event.target as HTMLTextAreaElement).value)}
          ></textarea>
        </label>
      </div>
    `;
  }

  async #save(): Promise<void> {
    const draft = written(`place ${this.number}`);
    const reason = draft.text().trim();
    this.#fault = reason ? "" : t("case.note_needed");
    this.requestUpdate();
    if (!reason || !this.#to) return;
    try {
      await post(this.#path(), { ...this.#to, reason }, undefined, this.etag);
      draft.sent();
      this.#end();
      tell(() => t("case.done", { action: term("action", "relocate") }));
    } catch (error) {
      if (!(error instanceof Problem) || ![409, 412].includes(error.status)) throw error;
      this.#fault = t("case.reloaded", { why: explain(error) });
      this.requestUpdate();
    }
    this.dispatchEvent(new CustomEvent("case-moved"));
  }
}
customElements.define("case-place", CasePlace);
