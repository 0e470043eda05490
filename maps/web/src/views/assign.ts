/** Who is responsible here: a place on the map and a matter, answered with every step. */
import { html, nothing, type TemplateResult } from "lit";
import type { MapMouseEvent } from "maplibre-gl";
import type { Place, RouteTo } from "../address/address";
import { go } from "../address/router";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import type { AssignmentDocument, DutyLine } from "../core/types";
import { mark, type Console } from "../console";
import { brackets } from "../texts/format";
import { t, term } from "../texts/text";
import { areaFacts, assignmentSteps, bodies } from "./assignment";
import { empty, failure, loaded, loading, section, type Content } from "./pieces";

const DIGITS = 6;

async function matters(signal: AbortSignal): Promise<DutyLine[]> {
  const { items } = await get<{ items: DutyLine[] }>("v1/duty-items?limit=10000", signal);
  return [...new Map(items.map((each) => [each.item_code, each])).values()];
}

function answer(found: AssignmentDocument): TemplateResult {
  return html`
    <div class="answer" data-outcome=${found.outcome}>
      <p class="verdict ${found.outcome === "assigned" ? "good" : "bad"}">${term("assign_outcome", found.outcome)}</p>
      ${section(t("case.bodies"), bodies(found))}
      ${section(t("assign.areas"), areaFacts(found.areas))}
      ${section(t("case.why"), assignmentSteps(found.explanation))}
    </div>
  `;
}

export class AssignView extends Piece {
  static override properties = { parts: { attribute: false }, item: {}, place: { attribute: false } };
  declare parts: Console;
  declare item: string;
  declare place: Place | null;
  readonly #matters = new Loading(this, matters);
  #asked = "";
  #answer: AssignmentDocument | null = null;
  #fault: unknown = null;

  override connectedCallback(): void {
    super.connectedCallback();
    this.parts.map.getCanvas().classList.add("asking");
    this.parts.map.on("click", this.#click);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.parts.map.getCanvas().classList.remove("asking");
    this.parts.map.off("click", this.#click);
    mark(this.parts, null);
  }

  readonly #click = ({ lngLat }: MapMouseEvent): void => {
    const place = { lon: Number(lngLat.lng.toFixed(DIGITS)), lat: Number(lngLat.lat.toFixed(DIGITS)) };
    this.#go({ place });
  };

  #go(part: { item?: string; place?: Place }): void {
    go({ view: "assign", ...(this.item && { item: this.item }), ...(this.place && { place: this.place }), ...part });
  }

  /** The matter that is asked about: the one of the address, while the duty list has it, else the list's first. */
  #matter(): string {
    const known = this.#matters.value ?? [];
    return (known.find((each) => each.item_code === this.item) ?? known[0])?.item_code ?? "";
  }

  protected override updated(): void {
    mark(this.parts, this.place && [this.place.lon, this.place.lat]);
    const item_code = this.#matter();
    if (!this.place || !item_code) return;
    const asked = JSON.stringify([this.place, item_code]);
    if (asked !== this.#asked) void this.#ask(asked, { ...this.place, item_code });
  }

  async #ask(asked: string, question: Place & { item_code: string }): Promise<void> {
    this.#asked = asked;
    this.#answer = null;
    this.#fault = null;
    this.requestUpdate();
    try {
      const found = await post<AssignmentDocument>("v1/assign", question);
      if (asked !== this.#asked) return;
      this.#answer = found;
      void this.updateComplete.then(() => this.querySelector(".answer")?.scrollIntoView?.({ block: "nearest" }));
    } catch (error) {
      if (asked === this.#asked) this.#fault = error;
    }
    this.requestUpdate();
  }

  readonly #again = (): void => {
    this.#asked = "";
    this.requestUpdate();
  };

  protected override render() {
    return html`
      <h2>${t("assign")}</h2>
      <p class="muted">${t("assign.about")}</p>
      ${loaded(this.#matters, (items) =>
        items.length ? [this.#select(items), this.#where(), this.#result()] : empty(t("assign.no_items")),
      )}
    `;
  }

  #select(items: readonly DutyLine[]): TemplateResult {
    const chosen = this.#matter();
    const domains = [...new Set(items.map((each) => each.domain))];
    const option = (each: DutyLine) => html`
      <option value=${each.item_code} ?selected=${each.item_code === chosen}>${brackets(each.item, each.item_code)}</option>
    `;
    return html`
      <label>
        ${t("assign.item")}
        <select .value=${chosen} @change=${(event: Event) => this.#go({ item: (event.target as HTMLSelectElement).value })}>
          ${domains.map(
            (domain) => html`
              <optgroup label=${term("domain", domain)}>
                ${items.filter((each) => each.domain === domain).map(option)}
              </optgroup>
            `,
          )}
        </select>
      </label>
    `;
  }

  #where(): TemplateResult {
    if (!this.place) return empty(t("assign.click"), "pin");
    return html`<p class="place">${t("assign.place")} <code>${this.place.lon}, ${this.place.lat}</code></p>`;
  }

  #result(): Content {
    if (!this.place) return nothing;
    if (this.#fault) return failure(this.#fault, this.#again);
    return this.#answer ? answer(this.#answer) : loading();
  }
}
customElements.define("assign-view", AssignView);

export const view = (to: RouteTo<"assign">, parts: Console) => html`
  <assign-view .parts=${parts} .item=${to.item ?? ""} .place=${to.place ?? null}></assign-view>
`;
