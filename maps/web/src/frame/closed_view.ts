/** In the place of a view that a person may not open (yet): what is there, and what is needed. */
import { html } from "lit";
import type { Route } from "../address/address";
import { go } from "../address/router";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { enrolling, loggedIn, session } from "../core/session";
import { t, term } from "../texts/text";
import { nameOf } from "../views/names";
import { openLogin } from "./login_dialog";

/** A link that was opened asks for the login at once, and only once. */
let asked = false;

export class ClosedView extends Piece {
  static override properties = { to: { attribute: false } };
  declare to: Route;

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    if (loggedIn() || enrolling() || asked) return;
    asked = true;
    void openLogin(t("closed.login", { what: nameOf(this.to) }));
  }

  protected override render() {
    if (enrolling()) return this.#enrol();
    return loggedIn() ? this.#refused() : this.#locked();
  }

  #enrol() {
    return html`
      <div class="closed" data-closed="enrolment">
        ${icon("lock")}
        <h2>${nameOf(this.to)}</h2>
        <p>${t("factor.first")}</p>
        <button type="button" class="primary" @click=${() => go({ view: "account" })}>${t("account")}</button>
      </div>
    `;
  }

  #locked() {
    return html`
      <div class="closed" data-closed="login">
        ${icon("lock")}
        <h2>${nameOf(this.to)}</h2>
        <p>${t("closed.login", { what: nameOf(this.to) })}</p>
        <button type="button" class="primary" @click=${() => void openLogin()}>${t("login")}</button>
      </div>
    `;
  }

  #refused() {
    return html`
      <div class="closed" data-closed="role">
        ${icon("outside")}
        <h2>${nameOf(this.to)}</h2>
        <p>${t("closed.role", { role: term("role", session.get().role) })}</p>
        <button type="button" @click=${() => go({ view: "overview" })}>${t("overview")}</button>
      </div>
    `;
  }
}
customElements.define("closed-view", ClosedView);
