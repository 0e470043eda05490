/** The bar at the top: name, search, language, theme, who is logged in. */
import { html, nothing } from "lit";
import type { Route } from "../address/address";
import { go, linkTo, put, route } from "../address/router";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { complain, tell } from "../core/notices";
import { enrolling, loggedIn, logOut, session } from "../core/session";
import type { Console } from "../console";
import { language, languages, rememberLanguage } from "../texts/language";
import { t, term } from "../texts/text";
import { follow } from "../views/pieces";
import { openLogin } from "./login_dialog";
import { needsLogin } from "./permissions";
import "./search";
import "./theme_menu";

const ACCOUNT: Route = { view: "account" };

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
    return [session, languages];
  }

  protected override render() {
    return html`
      <header class="top">
        <div class="brand">
          <img src="./favicon.svg" alt="" width="28" height="28" /><h1>${t("title")}</h1><small>${this.city}</small>
        </div>
        <search-box .parts=${this.parts}></search-box>
        ${
          languages.get().length > 1
            ? html`<button type="button" class="quiet" data-language @click=${switchLanguage}>${t("language")}</button>`
            : nothing
        }
        <theme-menu></theme-menu>
        ${this.known ? this.#who() : nothing}
      </header>
    `;
  }

  #who() {
    const now = session.get();
    if (!loggedIn() && !enrolling())
      return html`<button type="button" class="primary" data-login @click=${() => void openLogin()}>
        ${t("login")}
      </button>`;
    const name = now.display_name || now.username;
    const about = enrolling() ? t("factor.needed") : `${term("role", now.role)} · ${now.area?.name ?? t("login.city")}`;
    return html`
      <div class="who">
        <a
          href=${linkTo(ACCOUNT)}
          title=${`${t("account")} · ${name ?? ""}`}
          aria-label=${`${t("account")} · ${name ?? ""} ${about}`}
          data-account
          @click=${follow(ACCOUNT)}
        >
          ${icon("user")}<b>${name}</b>
          <small>${about}</small>
        </a>
        <button type="button" data-logout title=${t("logout")} aria-label=${t("logout")} @click=${() => void leave()}>
          ${icon("leave")}<span>${t("logout")}</span>
        </button>
      </div>
    `;
  }
}
customElements.define("top-bar", TopBar);
