/** The login dialog. */
import { html } from "lit";
import { Problem } from "../core/api";
import { openDialog } from "../core/dialog";
import { submitting } from "../core/forms";
import { logIn, loggedIn, session } from "../core/session";
import { t } from "../texts/text";

async function logInWith(given: FormData, form: HTMLFormElement, dialog: HTMLDialogElement): Promise<void> {
  const code = String(given.get("code") ?? "").trim();
  try {
    await logIn(String(given.get("username")).trim(), String(given.get("password")), code);
    dialog.close("done");
  } catch (error) {
    if (error instanceof Problem && error.kind === "second-factor-needed") return askForCode(form);
    const wrong = error instanceof Problem && error.kind === "second-factor-failed" ? "code" : "password";
    form.querySelector<HTMLInputElement>(`[name=${wrong}]`)?.select();
    throw error;
  }
}

/** The account has a second factor: one field more. */
function askForCode(form: HTMLFormElement): void {
  const label = form.querySelector<HTMLElement>("[data-code]");
  const field = form.querySelector<HTMLInputElement>("[name=code]");
  if (!label || !field) return;
  label.hidden = false;
  field.required = true;
  field.focus();
}

let open: Promise<boolean> | null = null;

/** Resolves when the dialog is closed: whether somebody logged in. `locked` hides the page behind it. There is one at a
 * time: whoever asks while it is open waits for its answer. */
export function openLogin(why = t("login.about"), locked = false): Promise<boolean> {
  open ??= askWho(why, locked).finally(() => {
    open = null;
  });
  return open;
}

async function askWho(why: string, locked: boolean): Promise<boolean> {
  let end = (): void => undefined;
  const answer = await openDialog(
    t("login"),
    (dialog) => {
      // somebody logged in in another tab
      end = session.subscribe(() => loggedIn() && dialog.close("done"));
      return html`
        <form
          method="dialog"
          @submit=${submitting((given, form) => logInWith(given, form, dialog))}
        >
          <h2>${t("login")}</h2>
          <p class="muted">${why}</p>
          <label>${t("login.username")}<input name="username" autocomplete="username" required autofocus /></label>
          <label>
            ${t("login.password")}<input name="password" type="password" autocomplete="current-password" required />
          </label>
          <label data-code hidden>
            ${t("login.code")}
            <input name="code" autocomplete="one-time-code" inputmode="text" maxlength="40" spellcheck="false" />
            <small>${t("login.code_hint")}</small>
          </label>
          <p class="fault" role="alert"></p>
          <div class="actions">
            <button type="button" @click=${() => dialog.close()}>${t("cancel")}</button>
            <button class="primary" type="submit">${t("login")}</button>
          </div>
        </form>
      `;
    },
    locked ? "login locked" : "login",
  );
  end();
  return answer === "done";
}
