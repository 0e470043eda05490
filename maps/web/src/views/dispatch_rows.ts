/** Officers who were sent to cases: one row each, with the steps that the person who looks at it may take. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { linkTo } from "../address/router";
import { get, post } from "../core/api";
import { Piece } from "../core/element";
import { tell } from "../core/notices";
import { may, session } from "../core/session";
import type { DispatchDocument } from "../core/types";
import { ask } from "../frame/ask";
import { number, time } from "../texts/format";
import { t, term } from "../texts/text";
import { busy, follow, type Content } from "./pieces";

const POSITION_WITHIN_MS = 8000;
export const OPEN_CALLS: readonly string[] = ["sent", "accepted", "arrived"];
export const DISPATCH_STATES = ["sent", "accepted", "declined", "arrived", "ended", "recalled"] as const;

/** Where this device is; null: the person does not tell, or it is not known in time. */
async function position(): Promise<{ lon: number; lat: number } | null> {
  if (!("geolocation" in navigator)) return null;
  return await new Promise((done) => {
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => done({ lon: coords.longitude, lat: coords.latitude }),
      () => done(null),
      { enableHighAccuracy: true, timeout: POSITION_WITHIN_MS },
    );
  });
}

export class DispatchRows extends Piece {
  static override properties = { rows: { attribute: false }, withCase: { type: Boolean } };
  declare rows: readonly DispatchDocument[];
  /** Whether the case of each is named: the rows are of several. */
  declare withCase: boolean;

  protected override follows() {
    return [session];
  }

  protected override render() {
    return html`
      <ul class="rows">
        ${repeat(
          this.rows,
          (one) => one.id,
          (one) => this.#row(one),
        )}
      </ul>
    `;
  }

  #row(one: DispatchDocument): TemplateResult {
    return html`
      <li data-dispatch=${one.id} data-state=${one.state}>
        <div class="row-head">
          <span class=${OPEN_CALLS.includes(one.state) ? "badge call-open" : "badge call"}>${term("dispatch_state", one.state)}</span>
          <b>${one.officer ?? t("dispatch.officer", { id: one.officer_id })}</b>
        </div>
        ${this.withCase ? this.#case(one) : nothing}
        <div class="row-foot"><span>${one.body}</span><span>${t("dispatch.sent", { time: time(one.sent_at) })}</span></div>
        ${told(one).map((each) => html`<p class="note">${each}</p>`)} ${this.#steps(one)}
      </li>
    `;
  }

  #case(one: DispatchDocument): Content {
    if (one.case_number === null) return nothing;
    const to = { view: "case", number: one.case_number } as const;
    return html`
      <div class="row-foot">
        <span>${one.case_title}</span>
        <a href=${linkTo(to)} @click=${follow(to)}><code>${one.case_number}</code></a>
      </div>
    `;
  }

  #steps(one: DispatchDocument): Content {
    if (!OPEN_CALLS.includes(one.state) || one.case_number === null) return nothing;
    const answers = one.mine || may("send_officers");
    const waits = one.state === "sent" || one.state === "accepted";
    const button = (step: string, name: string, work: () => Promise<unknown>, primary = false): TemplateResult => html`
      <button type="button" class=${primary ? "primary" : ""} data-call=${step} @click=${busy(work)}>${name}</button>
    `;
    return html`
      <div class="actions wrap">
        ${
          answers && one.state === "sent"
            ? button("accept", t("dispatch.accept"), () => this.#accept(one), one.mine)
            : nothing
        }
        ${answers && waits ? button("arrive", t("dispatch.arrive"), () => this.#arrive(one), one.mine) : nothing}
        ${answers && waits ? button("decline", t("dispatch.decline"), () => this.#reason(one, "decline")) : nothing}
        ${may("send_officers") ? button("recall", t("dispatch.recall"), () => this.#reason(one, "recall")) : nothing}
      </div>
    `;
  }

  /** Who answers for an officer says how it is known; null: not after all. */
  async #note(one: DispatchDocument, act: string): Promise<string | null> {
    if (one.mine) return "";
    return await ask(t("dispatch.for_officer", { name: one.officer ?? "" }), act, t("dispatch.how_known"));
  }

  async #accept(one: DispatchDocument): Promise<void> {
    const note = await this.#note(one, t("dispatch.accept"));
    if (note !== null) await this.#take(one, "accept", { note });
  }

  async #arrive(one: DispatchDocument): Promise<void> {
    const note = await this.#note(one, t("dispatch.arrive"));
    if (note === null) return;
    const place = one.mine ? await position() : null;
    await this.#take(one, "arrive", { note, ...place });
  }

  async #reason(one: DispatchDocument, step: "decline" | "recall"): Promise<void> {
    const act = t(step === "decline" ? "dispatch.decline" : "dispatch.recall");
    const reason = await ask(t("dispatch.reason_asked", { act }), act, t("dispatch.reason"));
    if (reason !== null) await this.#take(one, step, { reason });
  }

  async #take(one: DispatchDocument, step: string, body: Record<string, unknown>): Promise<void> {
    try {
      await post(`v1/dispatches/${one.id}/${step}`, body, undefined, one.case_etag ?? "*");
      tell(() => t("dispatch.done"));
    } finally {
      this.dispatchEvent(new CustomEvent("case-moved", { bubbles: true }));
    }
  }
}
customElements.define("dispatch-rows", DispatchRows);

/** What is known of a call besides its state, a sentence each. */
function told(one: DispatchDocument): string[] {
  const arrived = one.arrived_at
    ? one.distance_m === null
      ? t("dispatch.arrived", { time: time(one.arrived_at) })
      : t("dispatch.arrived_at", { time: time(one.arrived_at), distance: number(one.distance_m) })
    : "";
  return [
    one.reason ? t("dispatch.told_reason", { reason: one.reason }) : "",
    arrived,
    one.decline_reason ? t("dispatch.told_decline", { reason: one.decline_reason }) : "",
    one.ended_at ? t("dispatch.ended", { step: term("action", one.ended_step ?? ""), time: time(one.ended_at) }) : "",
    one.end_reason ?? "",
  ].filter(Boolean);
}

export async function dispatchesOf(query: Record<string, string>, signal: AbortSignal): Promise<DispatchDocument[]> {
  const asked = new URLSearchParams(query);
  return (await get<{ dispatches: DispatchDocument[] }>(`v1/dispatches?${asked.toString()}`, signal)).dispatches;
}
