/** Dispatch of a case: who was sent, who could be sent with the reasons, and the phones; a person decides. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { CalledPeople, CalledPerson, SuggestedOfficer, SuggestedOfficers } from "../core/types";
import { ask } from "../frame/ask";
import { list } from "../texts/format";
import { language } from "../texts/language";
import { t } from "../texts/text";
import "./dispatch_rows";
import { dispatchesOf } from "./dispatch_rows";
import { busy, empty, loaded, type Content } from "./pieces";

const FIRST_SHOWN = 6;
const HANDLED: readonly string[] = ["dispatched", "arrived", "rework"];

export class CaseOfficers extends Piece {
  static override properties = { number: {}, state: {}, etag: {} };
  declare number: string;
  /** State and newest step of the case. */
  declare state: string;
  declare etag: string;
  readonly #officers = new Loading(
    this,
    async (signal) =>
      may("see_officers")
        ? (await get<SuggestedOfficers>(`v1/cases/${encodeURIComponent(this.number)}/officers`, signal)).officers
        : [],
    ["cases"],
  );
  readonly #sent = new Loading(
    this,
    (signal) =>
      dispatchesOf({ case: this.number, ...(!may("see_officers") && { mine: "true" }), limit: "100" }, signal),
    ["cases"],
  );
  #all = false;
  #people: readonly CalledPerson[] | null = null;

  protected override follows() {
    return [session];
  }

  protected override render() {
    return html`
      <div @case-moved=${() => void this.#reload()}>
        ${loaded(this.#sent, (rows) =>
          rows.length
            ? html`<dispatch-rows .rows=${rows}></dispatch-rows>${may("send_officers") ? this.#phones() : nothing}`
            : empty(t("dispatch.none_sent")),
        )}
        ${may("see_officers") ? loaded(this.#officers, (officers) => this.#suggestions(officers)) : nothing}
      </div>
    `;
  }

  #suggestions(officers: readonly SuggestedOfficer[]): Content {
    if (!officers.length) return empty(t("officers.none"));
    const shown = this.#all ? officers : officers.slice(0, FIRST_SHOWN);
    const first = officers.find((one) => one.suited && !one.called);
    const rest = officers.length - shown.length;
    return html`
      <h4>${t("officers.suggested")}</h4>
      <ul class="rows">
        ${repeat(
          shown,
          (one) => one.officer_id,
          (one) => this.#officer(one, first),
        )}
      </ul>
      ${
        rest > 0
          ? html`<button type="button" data-all-officers @click=${() => this.#showAll()}>
            ${t("officers.more", { n: rest })}
          </button>`
          : nothing
      }
    `;
  }

  #showAll(): void {
    this.#all = true;
    this.requestUpdate();
  }

  #officer(one: SuggestedOfficer, first: SuggestedOfficer | undefined): TemplateResult {
    const sends = may("send_officers") && HANDLED.includes(this.state) && one.certified && !one.called;
    const proposed = one.officer_id === first?.officer_id;
    return html`
      <li data-officer=${one.officer_id}>
        <div class="row-head">
          <b>${one.name}</b><span class="muted">${one.body}</span>
          ${one.suited ? nothing : html`<span class="overdue">${t("officers.unsuited")}</span>`}
          ${one.called ? html`<span class="badge call">${t("officers.called")}</span>` : nothing}
          ${proposed ? html`<span class="badge call">${t("officers.first")}</span>` : nothing}
        </div>
        <p class="note">${list(one.reasons.map((each) => each[language.get()]))}</p>
        ${
          sends
            ? html`<div class="actions">
              <button
                type="button"
                class=${proposed ? "primary" : ""}
                data-send
                @click=${busy(() => this.#send(one, proposed))}
              >
                ${t("officers.send")}
              </button>
            </div>`
            : nothing
        }
      </li>
    `;
  }

  async #send(one: SuggestedOfficer, proposed: boolean): Promise<void> {
    const question = t(proposed ? "officers.send_question" : "officers.send_other", { name: one.name });
    const reason = await ask(question, t("officers.send"), proposed ? undefined : t("dispatch.reason"));
    if (reason === null) return;
    try {
      const body = { officer_id: one.officer_id, reason };
      await post(`v1/cases/${encodeURIComponent(this.number)}/dispatches`, body, undefined, this.etag);
      tell(() => t("officers.sent", { name: one.name }));
    } finally {
      await this.#reload();
    }
  }

  #phones(): Content {
    if (this.#people === null) {
      const show = async (): Promise<void> => {
        const path = `v1/cases/${encodeURIComponent(this.number)}/called-people`;
        this.#people = (await get<CalledPeople>(path)).people;
        this.requestUpdate();
      };
      return html`<button type="button" data-phones @click=${busy(show)}>${t("officers.phones")}</button>`;
    }
    if (!this.#people.length) return empty(t("officers.no_phones"));
    return html`
      <ul class="plain" data-phone-list>
        ${this.#people.map(
          (one) => html`<li class="row-head"><b>${one.name}</b>${phone(one.phone ?? one.body_phone)}</li>`,
        )}
      </ul>
    `;
  }

  /** A call is a step of the case: whoever shows the case reads it again. */
  async #reload(): Promise<void> {
    this.#people = null;
    this.dispatchEvent(new CustomEvent("case-moved"));
    await Promise.all([this.#sent.load(), this.#officers.load()]);
  }
}
customElements.define("case-officers", CaseOfficers);

function phone(number: string | null): Content {
  return number ? html`<a href=${`tel:${number.replace(/[^+\d]/g, "")}`}>${number}</a>` : t("officers.no_phone");
}
