/** Officers suggested for a case, the suited and nearest first, each with the reasons; a person decides. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import type { SuggestedOfficer, SuggestedOfficers } from "../core/types";
import { list } from "../texts/format";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { empty, loaded } from "./pieces";

export class CaseOfficers extends Piece {
  static override properties = { number: {} };
  declare number: string;
  readonly #officers = new Loading(
    this,
    (signal) => get<SuggestedOfficers>(`v1/cases/${encodeURIComponent(this.number)}/officers`, signal),
    ["cases"],
  );

  protected override render() {
    return loaded(this.#officers, ({ officers }) =>
      officers.length
        ? html`<ul class="rows">${repeat(officers, (one) => one.officer_id, row)}</ul>`
        : empty(t("officers.none")),
    );
  }
}

function row(one: SuggestedOfficer): TemplateResult {
  return html`
    <li data-officer=${one.officer_id}>
      <div class="row-head">
        <b>${one.name}</b><span class="muted">${one.body}</span>
        ${one.suited ? nothing : html`<span class="overdue">${t("officers.unsuited")}</span>`}
      </div>
      <p class="note">${list(one.reasons.map((each) => each[language.get()]))}</p>
    </li>
  `;
}
customElements.define("case-officers", CaseOfficers);
