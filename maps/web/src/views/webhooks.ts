/** Webhooks of the own account: addresses, their messages, and those that were given up. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { get, post, remove } from "../core/api";
import { Piece } from "../core/element";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { session } from "../core/session";
import type { DeliveriesList, Delivery, SentAgain, WebhookDocument, WebhookSecret, WebhooksList } from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { number, time } from "../texts/format";
import type { MessageKey } from "../texts/messages";
import { t } from "../texts/text";
import { backLink, busy, empty, loaded, type Content } from "./pieces";

const STATES = ["waiting", "delivered", "dead", "skipped"] as const;

function stateName(state: string): string {
  return t(`webhooks.state.${state}` as MessageKey);
}

export class WebhooksView extends Piece {
  static override properties = { parts: { attribute: false } };
  declare parts: Console;
  readonly #webhooks = new Loading(this, (signal) => get<WebhooksList>("v1/webhooks", signal), ["cases", "alerts"]);
  /** Messages of the webhooks that are opened, by their ids. */
  readonly #messages = new Map<number, readonly Delivery[]>();
  #secret = "";

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  protected override render(): TemplateResult {
    return html`
      ${backLink(t("account"), { view: "account" })}
      <h2>${t("webhooks")}</h2>
      <p class="muted">${t("webhooks.lead")}</p>
      ${this.#secret ? html`<p class="note" role="status"><code>${t("webhooks.secret", { secret: this.#secret })}</code></p>` : nothing}
      ${this.#form()} ${loaded(this.#webhooks, ({ webhooks }) => this.#list(webhooks))}
    `;
  }

  #form(): TemplateResult {
    return html`
      <form class="stack" @submit=${(event: Event) => event.preventDefault()}>
        <label>${t("webhooks.url")}<input name="url" type="url" required maxlength="2000" /></label>
        <label>${t("webhooks.types")}<input name="types" maxlength="500" /></label>
        <button type="button" class="primary" data-add @click=${busy(() => this.#add())}>${t("webhooks.add")}</button>
      </form>
    `;
  }

  #field(name: string): HTMLInputElement {
    return this.querySelector(`input[name="${name}"]`) as HTMLInputElement;
  }

  async #add(): Promise<void> {
    const url = this.#field("url").value.trim();
    const types = this.#field("types")
      .value.split(/[\s,，、]+/)
      .filter(Boolean);
    const made = await post<WebhookSecret>("v1/webhooks", { url, types });
    this.#secret = made.secret;
    this.#field("url").value = "";
    await this.#webhooks.load();
    this.requestUpdate();
  }

  #list(found: readonly WebhookDocument[]): Content {
    if (!found.length) return empty(t("webhooks.none"));
    return html`
      <div class="rows">
        ${repeat(
          found,
          (each) => each.id,
          (each) => this.#row(each),
        )}
      </div>
    `;
  }

  #row(of: WebhookDocument): TemplateResult {
    const counts = STATES.map((state) => `${stateName(state)} ${number(of.deliveries[state] ?? 0)}`).join(" · ");
    const dead = of.deliveries.dead ?? 0;
    const messages = this.#messages.get(of.id);
    return html`
      <div class="row" data-webhook=${of.id}>
        <span class="row-head"><code>${of.url}</code></span>
        <span class="row-foot"><span>${of.types.join(", ")}</span><span>${time(of.created_at)}</span></span>
        <span class="row-foot"><span>${counts}</span></span>
        ${of.off_reason ? html`<p class="failure">${of.off_reason}</p>` : nothing}
        <div class="actions wrap">
          <button type="button" data-show @click=${busy(() => this.#show(of))}>${t("webhooks.show")}</button>
          ${
            dead
              ? html`<button type="button" data-resend @click=${busy(() => this.#resend(of))}>
                ${t("webhooks.resend", { n: number(dead) })}
              </button>`
              : nothing
          }
          <button type="button" data-rotate @click=${busy(() => this.#rotate(of))}>${t("webhooks.rotate")}</button>
          <button type="button" data-remove @click=${busy(() => this.#remove(of))}>${t("webhooks.remove")}</button>
        </div>
        ${messages ? this.#table(of, messages) : nothing}
      </div>
    `;
  }

  #table(of: WebhookDocument, messages: readonly Delivery[]): Content {
    if (!messages.length) return empty(t("webhooks.no_messages"));
    return html`
      <ol class="timeline">
        ${messages.map(
          (each) => html`
            <li>
              <div class="row-head"><b>${each.type}</b><span class="muted">${stateName(each.state)}</span></div>
              <div class="row-foot">
                <span>${time(each.at)}</span><span>${t("webhooks.tries", { n: each.tries })} ${each.status ?? ""}</span>
              </div>
              ${each.fault ? html`<p class="note">${each.fault}</p>` : nothing}
              ${
                each.state === "waiting"
                  ? nothing
                  : html`<button type="button" @click=${busy(() => this.#resend(of, each.id))}>
                    ${t("webhooks.again")}
                  </button>`
              }
            </li>
          `,
        )}
      </ol>
    `;
  }

  async #show(of: WebhookDocument): Promise<void> {
    const { deliveries } = await get<DeliveriesList>(`v1/webhooks/${of.id}/deliveries`);
    this.#messages.set(of.id, deliveries);
    this.requestUpdate();
  }

  async #resend(of: WebhookDocument, delivery?: number): Promise<void> {
    const one = delivery === undefined ? "" : `/${delivery}`;
    const { waiting } = await post<SentAgain>(`v1/webhooks/${of.id}/deliveries${one}/send-again`);
    tell(() => t("webhooks.resent", { n: waiting }));
    await this.#webhooks.load();
    await this.#show(of);
  }

  async #rotate(of: WebhookDocument): Promise<void> {
    this.#secret = (await post<WebhookSecret>(`v1/webhooks/${of.id}/secret`)).secret;
    await this.#webhooks.load();
    this.requestUpdate();
  }

  async #remove(of: WebhookDocument): Promise<void> {
    if ((await ask(t("webhooks.remove_question", { url: of.url }), t("webhooks.remove"))) === null) return;
    await remove(`v1/webhooks/${of.id}`);
    await this.#webhooks.load();
  }
}
customElements.define("webhooks-view", WebhooksView);

export const view = (_: RouteTo<"webhooks">, parts: Console) => html`<webhooks-view .parts=${parts}></webhooks-view>`;
