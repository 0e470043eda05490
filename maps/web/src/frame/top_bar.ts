/** The bar at the top: name, search, language, theme, who is logged in. */
import { html, nothing } from "lit";
import { go, put, route } from "../address/router";
import { Piece } from "../core/element";
import { complain, tell } from "../core/notices";
import { loggedIn, logOut, session } from "../core/session";
import type { Console } from "../console";
import { language, rememberLanguage } from "../texts/language";
import { t, term } from "../texts/text";
import { openLogin } from "./login_dialog";
import { needsLogin } from "./permissions";
import "./search";
import "./theme_menu";

function switchLanguage(): void {
  const to = language.get() === "zh" ? "en" : "zh";
  language.set(to);
  rememberLanguage(to);
  put({ language: to });
}

async function leave(): Promise<void> {
  try {
    if (needsLogin(route.get())) go({ view: "overview" });
    await logOut();
    tell(() => t("logout.done"));
  } catch (error) {
    complain(error);
  }
}

export class TopBar extends Piece {
  static override properties = { parts: { attribute: false }, city: {}, known: { type: Boolean } };
  declare parts: Console | null;
  declare city: string;
  /** Whether it is known who is here. */
  declare known: boolean;

  constructor() {
    super();
    this.known = false;
    this.parts = null;
    this.city = "";
  }

  protected override follows() {
    return [session];
  }

  protected override render() {
    return html`
      <header class="top">
        <div class="brand">
          <img src="./favicon.svg" alt="" width="28" height="28" /><b>${t("title")}</b><small>${this.city}</small>
        </div>
        <search-box .parts=${this.parts}></search-box>
        <button type="button" class="quiet" data-language @click=${switchLanguage}>${t("language")}</button>
        <theme-menu></theme-menu>
        ${this.known ? this.#who() : nothing}
      </header>
    `;
  }

  #who() {
    const now = session.get();
    if (!loggedIn())
      return html`<button type="button" class="primary" data-login @click=${() => void openLogin()}>
        ${t("login")}
      </button>`;
    return html`
      <div class="who">
        <span>
          <b>${now.display_name || now.username}</b>
          <small>${term("role", now.role)} · ${now.area?.name ?? t("login.city")}</small>
        </span>
        <button type="button" data-logout @click=${() => void leave()}>${t("logout")}</button>
      </div>
    `;
  }
}
customElements.define("top-bar", TopBar);
