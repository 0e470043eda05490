/** The own account: password, second factor, API keys, logins. */
import { html, nothing, type TemplateResult } from "lit";
import { repeat } from "lit/directives/repeat.js";
import type { RouteTo } from "../address/address";
import { linkTo } from "../address/router";
import { get, post, remove } from "../core/api";
import { Piece } from "../core/element";
import { submitting } from "../core/forms";
import { Loading } from "../core/loading";
import { tell } from "../core/notices";
import { enrolling, may, session, sessionChanged } from "../core/session";
import type {
  AccountDocument,
  EndedLogins,
  Enrolment,
  MadeKey,
  OwnKey,
  OwnKeys,
  OwnLogin,
  RecoveryCodes,
} from "../core/types";
import { mark, type Console } from "../console";
import { ask } from "../frame/ask";
import { number, time } from "../texts/format";
import { t, term } from "../texts/text";
import { busy, facts, follow, loaded, save, section, type Content } from "./pieces";

const WEBHOOKS = { view: "webhooks" } as const;

const text = (given: FormData, name: string): string => String(given.get(name) ?? "").trim();
/** As it was typed: blanks belong to a password. */
const secret = (given: FormData, name: string): string => String(given.get(name) ?? "");

const inFours = (key: string): string => key.replace(/(.{4})(?=.)/g, "$1 ");

export class AccountView extends Piece {
  static override properties = {
    parts: { attribute: false },
    enrolment: { state: true },
    codes: { state: true },
    made: { state: true },
  };
  declare parts: Console;
  /** The secret that was made and is not confirmed yet. */
  declare enrolment: Enrolment | null;
  /** Recovery codes that are shown this once. */
  declare codes: readonly string[] | null;
  /** The API key that was made: shown this once. */
  declare made: MadeKey | null;
  readonly #account = new Loading(this, (signal) => get<AccountDocument>("v1/account", signal));
  readonly #keys = new Loading(this, async (signal) => (enrolling() ? null : get<OwnKeys>("v1/account/keys", signal)));

  constructor() {
    super();
    this.enrolment = null;
    this.codes = null;
    this.made = null;
  }

  protected override follows() {
    return [session];
  }

  protected override firstUpdated(): void {
    mark(this.parts, null);
  }

  readonly #changePassword = submitting(async (given, form) => {
    const chosen = secret(given, "new_password");
    if (chosen !== secret(given, "again")) throw new Error(t("account.password_differs"));
    await post("v1/account/password", { password: secret(given, "password"), new_password: chosen });
    form.reset();
    tell(() => t("account.password_done"));
    await sessionChanged();
    await this.#keys.load();
  });

  readonly #startFactor = submitting(async (given) => {
    this.enrolment = await post<Enrolment>("v1/account/second-factor", { password: secret(given, "password") });
  });

  readonly #confirmFactor = submitting(async (given) => {
    const made = await post<RecoveryCodes>("v1/account/second-factor/confirm", { code: text(given, "code") });
    this.enrolment = null;
    this.codes = made.recovery_codes;
    tell(() => t("factor.done"));
    await sessionChanged();
  });

  readonly #changeFactor = submitting(async (given, form) => {
    const proof = { password: secret(given, "password"), code: text(given, "code") };
    if (text(given, "what") === "remove") {
      await post("v1/account/second-factor/remove", proof);
      tell(() => t("factor.removed"));
      await sessionChanged();
      return;
    }
    this.codes = (await post<RecoveryCodes>("v1/account/recovery-codes", proof)).recovery_codes;
    form.reset();
    await this.#account.load();
  });

  readonly #makeKey = submitting(async (given, form) => {
    const code = text(given, "code");
    this.made = await post<MadeKey>("v1/account/keys", {
      name: text(given, "name"),
      days: Number(text(given, "days")),
      read_only: given.has("read_only"),
      password: secret(given, "password"),
      ...(code && { code }),
    });
    form.reset();
    await this.#keys.load();
  });

  async #endKey({ id, name }: OwnKey): Promise<void> {
    if ((await ask(t("account.key_revoke_ask", { name }), t("account.key_revoke"))) === null) return;
    await remove(`v1/account/keys/${id}`);
    if (this.made?.id === id) this.made = null;
    tell(() => t("account.key_revoked", { name }));
    await this.#keys.load();
  }

  async #end(path: string): Promise<void> {
    const { ended } = await remove<EndedLogins>(path);
    tell(() => t("account.ended", { n: number(ended) }));
    await this.#account.load();
  }

  protected override render(): TemplateResult {
    return html`
      <h2>${t("account")}</h2>
      ${
        may("manage_webhooks")
          ? html`<p><a href=${linkTo(WEBHOOKS)} @click=${follow(WEBHOOKS)}>${t("webhooks")}</a></p>`
          : nothing
      }
      ${enrolling() ? html`<p class="failure" role="status" data-enrol>${t("factor.first")}</p>` : nothing}
      ${this.codes ? this.#recovery(this.codes) : nothing}
      ${loaded(this.#account, (account) => this.#shown(account))}
    `;
  }

  #shown(account: AccountDocument): Content {
    const { area, body } = session.get();
    const who = facts([
      [t("account.user"), account.username],
      [t("account.role"), term("role", account.role)],
      [t("account.area"), enrolling() ? null : (area?.name ?? t("login.city"))],
      [t("account.body"), body],
    ]);
    if (enrolling()) return html`${who} ${this.#factor(account)}`;
    return html`
      ${who} ${this.#factor(account)} ${this.#password()} ${this.#ownKeys(account)} ${this.#logins(account)}
    `;
  }

  #factor({ second_factor: factor, username }: AccountDocument): Content {
    if (factor.enrolled)
      return section(
        t("factor"),
        html`
          <p data-factor="on">
            ${t("factor.on", { time: time(factor.since) })} ·
            ${t("factor.codes_left", { n: number(factor.recovery_codes_left) })}
          </p>
          ${this.#change()}
        `,
      );
    if (this.enrolment) return section(t("factor"), this.#enrolling(this.enrolment));
    return section(
      t("factor"),
      html`
        <p class="muted" data-factor="off">${t("factor.off")} · ${t("factor.about")}</p>
        <form class="stack" data-form="factor" @submit=${this.#startFactor}>
          <input type="hidden" name="username" autocomplete="username" value=${username} />
          ${this.#passwordNow()}
          <p class="fault" role="alert"></p>
          <button class="primary" type="submit">${t("factor.start")}</button>
        </form>
      `,
    );
  }

  #passwordNow(): TemplateResult {
    return html`<label>
      ${t("account.password_now")}<input name="password" type="password" autocomplete="current-password" required />
    </label>`;
  }

  #enrolling({ secret: key, uri, picture }: Enrolment): TemplateResult {
    return html`
      <p class="muted">${t("factor.scan")}</p>
      <img class="qr" src=${picture} alt=${t("factor.picture")} />
      <p><code class="key" data-key>${inFours(key)}</code></p>
      <p><a href=${uri}>${t("factor.open_app")}</a></p>
      <form class="stack" data-form="confirm" @submit=${this.#confirmFactor}>
        <label>
          ${t("factor.first_code")}
          <input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="7" required />
        </label>
        <p class="fault" role="alert"></p>
        <button class="primary" type="submit">${t("factor.confirm")}</button>
      </form>
    `;
  }

  #recovery(codes: readonly string[]): TemplateResult {
    const file = (): void => {
      const lines = [`${t("factor.recovery")} · ${session.get().username ?? ""}`, ...codes].join("\n");
      save("wangge-recovery-codes.txt", new Blob([`${lines}\n`], { type: "text/plain" }));
    };
    return html`
      <div class="recovery" data-recovery>
        <h3>${t("factor.recovery")}</h3>
        <p>${t("factor.recovery_about")}</p>
        <ul>
          ${codes.map((code) => html`<li><code>${code}</code></li>`)}
        </ul>
        <div class="actions wrap">
          <button type="button" @click=${file}>${t("factor.save")}</button>
          <button type="button" @click=${() => window.print()}>${t("print")}</button>
          <button type="button" class="primary" data-kept @click=${() => (this.codes = null)}>${t("factor.kept")}</button>
        </div>
      </div>
    `;
  }

  #change(): TemplateResult {
    return html`
      <details data-change>
        <summary>${t("factor.change")}</summary>
        <form class="stack" data-form="change" @submit=${this.#changeFactor}>
          ${this.#passwordNow()}
          <label>
            ${t("login.code")}
            <input name="code" autocomplete="one-time-code" maxlength="40" spellcheck="false" required />
          </label>
          <label>
            <select name="what" aria-label=${t("factor.change")}>
              <option value="renew">${t("factor.renew")}</option>
              <option value="remove">${t("factor.remove")}</option>
            </select>
          </label>
          <p class="fault" role="alert"></p>
          <button type="submit">${t("confirm")}</button>
        </form>
      </details>
    `;
  }

  #password(): Content {
    return section(
      t("account.password"),
      html`
        <p class="muted">${t("account.password_about")}</p>
        <form class="stack" data-form="password" @submit=${this.#changePassword}>
          ${this.#passwordNow()}
          ${(["new_password", "again"] as const).map(
            (name) => html`
              <label>
                ${t(name === "again" ? "account.password_again" : "account.password_new")}
                <input name=${name} type="password" autocomplete="new-password" minlength="8" required />
              </label>
            `,
          )}
          <p class="fault" role="alert"></p>
          <button type="submit">${t("account.password")}</button>
        </form>
      `,
    );
  }

  #ownKeys(account: AccountDocument): Content {
    return section(
      t("account.keys"),
      html`
        <p class="muted">${t("account.keys_about")}</p>
        ${this.made ? this.#shownOnce(this.made) : nothing}
        ${loaded(this.#keys, (found) => (found ? this.#keyRows(found, account) : nothing))}
      `,
    );
  }

  #shownOnce({ name, key }: MadeKey): TemplateResult {
    const copy = async (): Promise<void> => {
      await navigator.clipboard.writeText(key);
      tell(() => t("account.key_copied"));
    };
    return html`
      <div class="recovery" data-made-key role="status">
        <p>${t("account.key_once", { name })}</p>
        <p><code class="key" data-key>${key}</code></p>
        <div class="actions wrap">
          <button type="button" @click=${busy(copy)}>${t("account.key_copy")}</button>
          <button type="button" class="primary" data-kept @click=${() => (this.made = null)}>${t("factor.kept")}</button>
        </div>
      </div>
    `;
  }

  #keyRows({ keys, most_days }: OwnKeys, { second_factor: factor, username }: AccountDocument): TemplateResult {
    return html`
      ${keys.length ? nothing : html`<p class="muted" data-no-keys>${t("account.no_keys")}</p>`}
      <div class="rows">
        ${repeat(
          keys,
          (each) => each.id,
          (each) => this.#keyRow(each),
        )}
      </div>
      <details data-new-key>
        <summary>${t("account.key_make")}</summary>
        <form class="stack" data-form="key" @submit=${this.#makeKey}>
          <input type="hidden" name="username" autocomplete="username" value=${username} />
          <label>${t("account.key_name")}<input name="name" maxlength="60" required /></label>
          <label>
            ${t("account.key_days")}<input name="days" type="number" min="1" max=${most_days} value="90" required />
          </label>
          <label class="check"><input name="read_only" type="checkbox" checked /> ${t("account.key_read_only")}</label>
          ${this.#passwordNow()}
          ${
            factor.enrolled
              ? html`<label>
                  ${t("account.key_code")}
                  <input name="code" autocomplete="one-time-code" maxlength="40" spellcheck="false" required />
                </label>`
              : nothing
          }
          <p class="fault" role="alert"></p>
          <button type="submit">${t("account.key_make")}</button>
        </form>
      </details>
    `;
  }

  #keyRow(of: OwnKey): TemplateResult {
    return html`
      <div class="row login" data-key-id=${of.id}>
        <span class="row-head">
          <b>${of.name}</b>
          ${of.read_only ? html`<span class="badge state">${t("account.key_read_only")}</span>` : nothing}
        </span>
        <span class="row-foot">
          <span>${of.last_used_at ? t("account.used", { time: time(of.last_used_at) }) : t("account.key_never_used")}</span>
          <span>${of.expires_at ? t("account.key_ends", { time: time(of.expires_at) }) : nothing}</span>
        </span>
        <button type="button" data-end-key @click=${busy(() => this.#endKey(of))}>${t("account.key_revoke")}</button>
      </div>
    `;
  }

  #logins({ logins, idle_minutes, session_hours }: AccountDocument): Content {
    const values = { minutes: number(idle_minutes), hours: number(session_hours) };
    return section(
      t("account.logins"),
      html`
        <p class="muted">${t(idle_minutes ? "account.logins_about" : "account.logins_hours", values)}</p>
        <div class="rows">
          ${repeat(
            logins,
            (each) => each.id,
            (each) => this.#login(each),
          )}
        </div>
        ${
          logins.length > 1
            ? html`<div class="actions wrap">
                <button type="button" data-end-others @click=${busy(() => this.#end("v1/account/logins"))}>
                  ${t("account.end_others")}
                </button>
              </div>`
            : nothing
        }
      `,
    );
  }

  #login(of: OwnLogin): TemplateResult {
    const name = [of.browser, of.system].filter(Boolean).join(" · ") || t("account.unknown_browser");
    return html`
      <div class="row login" data-login-id=${of.id}>
        <span class="row-head">
          <b>${name}</b>
          ${of.this_one ? html`<span class="badge state">${t("account.this_login")}</span>` : nothing}
        </span>
        <span class="row-foot"><span>${of.address}</span></span>
        <span class="row-foot">
          <span>${t("account.opened", { time: time(of.opened_at) })}</span>
          <span>${t("account.used", { time: time(of.last_used_at) })}</span>
        </span>
        ${
          of.this_one
            ? nothing
            : html`<button type="button" data-end @click=${busy(() => this.#end(`v1/account/logins/${of.id}`))}>
                ${t("account.end")}
              </button>`
        }
      </div>
    `;
  }
}
customElements.define("account-view", AccountView);

export const view = (_: RouteTo<"account">, parts: Console) => html`<account-view .parts=${parts}></account-view>`;
