/** Intake (线索受理): a new clue is taken in, and the list of clues with filters. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { go, linkTo, tabRoute } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { session } from "../core/session";
import type { ClueDocument, CluesPage } from "../core/types";
import { mark, type Console } from "../console";
import { time } from "../texts/format";
import { t, term } from "../texts/text";
import "./clue_desk";
import { backLink, busy, empty, follow, loaded, section, type Content } from "./pieces";

const STATES = ["received", "opened", "merged", "rejected"] as const;
const SOURCES = ["hotline", "grid", "public", "system", "model"] as const;
const OPEN = "received";

function row(clue: ClueDocument): TemplateResult {
  const to = { view: "clue", id: clue.id } as const;
  return html`
    <a class="row" data-clue=${clue.id} href=${linkTo(to)} @click=${follow(to)}>
      <span class="row-head"><span class="badge call">${term("clue_state", clue.state)}</span><b>${clue.text}</b></span>
      <span class="row-foot"><span>#${clue.id} · ${term("clue_source", clue.source)}</span><span>${time(clue.created_at)}</span></span>
      <span class="row-foot">
        <span>${clue.address ?? (clue.geometry ? t("desk.has_place") : t("desk.no_place"))}</span>
        ${clue.case_number ? html`<code>${clue.case_number}</code>` : nothing}
      </span>
    </a>
  `;
}

export class IntakeView extends Piece {
  static override properties = { parts: { attribute: false }, state: {}, source: {} };
  declare parts: Console;
  declare state: string;
  declare source: string;
  #older: ClueDocument[] = [];
  #next: number | null = null;
  readonly #clues = new Loading(this, (signal) => this.#page(signal), ["cases"]);

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override updated(changed: Map<string, unknown>): void {
    if (changed.get("state") !== undefined || changed.get("source") !== undefined) void this.#clues.load();
  }

  async #page(signal: AbortSignal | undefined, before?: number): Promise<ClueDocument[]> {
    const query = new URLSearchParams({ limit: "50" });
    if (this.state !== "all") query.set("state", this.state || OPEN);
    if (this.source) query.set("source", this.source);
    if (before !== undefined) query.set("before", String(before));
    const found = await get<CluesPage>(`v1/clues?${query.toString()}`, signal);
    this.#next = found.next_before;
    if (before === undefined) this.#older = [];
    return found.clues;
  }

  protected override render() {
    return html`
      ${backLink(t("cases"), tabRoute("cases"))}
      <h2>${t("intake")}</h2>
      <p class="muted">${t("intake.about")}</p>
      <clue-desk .parts=${this.parts} .clue=${null} @clue-decided=${() => void this.#clues.load()}></clue-desk>
      ${section(
        t("intake.list"),
        this.#filter(),
        loaded(this.#clues, (found) => this.#list([...found, ...this.#older])),
      )}
    `;
  }

  #list(found: readonly ClueDocument[]): Content {
    if (!found.length) return empty(t("intake.none"));
    const more = async (): Promise<void> => {
      const older = await this.#page(undefined, this.#next ?? undefined);
      this.#older = [...this.#older, ...older];
      this.requestUpdate();
    };
    return html`
      <div class="rows">
        ${repeat(found, (each) => each.id, row)}
      </div>
      ${this.#next === null ? nothing : html`<button type="button" data-more @click=${busy(more)}>${t("intake.more")}</button>`}
    `;
  }

  #filter(): TemplateResult {
    const choose =
      (name: "state" | "source") =>
      ({ target }: Event): void => {
        const chosen = { state: this.state, source: this.source, [name]: (target as HTMLSelectElement).value };
        go({
          view: "intake",
          ...(chosen.state && { state: chosen.state }),
          ...(chosen.source && { source: chosen.source }),
        });
      };
    const option = (value: string, name: string, now: string): TemplateResult =>
      html`<option value=${value} ?selected=${now === value}>${name}</option>`;
    return html`
      <div class="filter">
        <label>
          ${t("case.filter")}<select name="clue-state" @change=${choose("state")}>
            ${option("", term("clue_state", OPEN), this.state)} ${option("all", t("all"), this.state)}
            ${STATES.filter((each) => each !== OPEN).map((each) => option(each, term("clue_state", each), this.state))}
          </select>
        </label>
        <label>
          ${t("desk.source")}<select name="clue-source" @change=${choose("source")}>
            ${option("", t("all"), this.source)}
            ${SOURCES.map((each) => option(each, term("clue_source", each), this.source))}
          </select>
        </label>
      </div>
    `;
  }
}
customElements.define("intake-view", IntakeView);

export const view = (to: RouteTo<"intake">, parts: Console) => html`
  <intake-view .parts=${parts} .state=${to.state ?? ""} .source=${to.source ?? ""}></intake-view>
`;
