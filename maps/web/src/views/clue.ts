/** One clue: what was told, and the desk where a clerk decides. */
import { html, nothing, type TemplateResult } from "lit";
import { keyed } from "lit/directives/keyed.js";
import type { RouteTo } from "../address/address";
import { go, linkTo } from "../address/router";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { may, session } from "../core/session";
import type { ClueDocument } from "../core/types";
import { flyTo, mark, pointOf, type Console } from "../console";
import { list, time } from "../texts/format";
import { t, term } from "../texts/text";
import "./clue_desk";
import { notShown } from "./outside";
import { backLink, facts, follow, loaded } from "./pieces";

const LIST = { view: "intake" } as const;

export class ClueView extends Piece {
  static override properties = { parts: { attribute: false }, number: { type: Number } };
  declare parts: Console;
  declare number: number;
  readonly #clue = new Loading(
    this,
    async (signal) => {
      const found = await get<ClueDocument>(`v1/clues/${this.number}`, signal);
      if (found.state !== "received") {
        mark(this.parts, pointOf(found.geometry));
        flyTo(this.parts, found.geometry, 15);
      }
      return found;
    },
    [],
  );

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render() {
    if (this.#clue.error !== undefined)
      return notShown(
        this.#clue.error,
        t("desk.clue", { id: this.number }),
        { name: t("intake"), to: LIST },
        this.#clue.again,
      );
    return html`${backLink(t("intake"), LIST)}${loaded(this.#clue, (found) => this.#body(found))}`;
  }

  #body(found: ClueDocument): TemplateResult {
    const open = found.state === "received" && may("decide_clues");
    return html`
      <header class="card-head" data-open-clue=${found.id}>
        <span class="badge call">${term("clue_state", found.state)}</span><h2>${t("desk.clue", { id: found.id })}</h2>
      </header>
      ${
        open
          ? html`<clue-desk .parts=${this.parts} .clue=${found} @clue-next=${() => go(LIST)}></clue-desk>`
          : this.#decided(found)
      }
    `;
  }

  #decided(found: ClueDocument): TemplateResult {
    const link = (number: string): TemplateResult => {
      const to = { view: "case", number } as const;
      return html`<a href=${linkTo(to)} @click=${follow(to)}><code>${number}</code></a> `;
    };
    return html`
      <p class="note">${found.text}</p>
      ${facts([
        [t("desk.source"), term("clue_source", found.source)],
        [t("desk.received"), time(found.created_at)],
        [t("desk.address"), found.address],
        [t("desk.case"), found.case_number && link(found.case_number)],
        [t("desk.merged_into"), found.merged_into && `#${found.merged_into}`],
        [t("desk.related"), found.related_cases.length ? found.related_cases.map(link) : nothing],
        [t("dispatch.reason"), found.reason],
        [t("desk.decided"), found.decided_by && list([found.decided_by, time(found.decided_at)])],
      ])}
    `;
  }
}
customElements.define("clue-view", ClueView);

export const view = ({ id }: RouteTo<"clue">, parts: Console) =>
  html`${keyed(id, html`<clue-view .parts=${parts} .number=${id}></clue-view>`)}`;
