/** The login dialog. */
import { html } from "lit";
import { explain } from "../core/api";
import { openDialog } from "../core/dialog";
import { logIn } from "../core/session";
import { t } from "../texts/text";

async function submit(event: SubmitEvent, dialog: HTMLDialogElement): Promise<void> {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  const given = new FormData(form);
  const button = form.querySelector<HTMLButtonElement>("[type=submit]");
  const fault = form.querySelector(".fault");
  const say = (text: string): void => {
    if (fault) fault.textContent = text;
  };
  if (button) button.disabled = true;
  say("");
  try {
    await logIn(String(given.get("username")).trim(), String(given.get("password")));
    dialog.close("done");
  } catch (error) {
    say(explain(error));
    form.querySelector<HTMLInputElement>("[name=password]")?.select();
  } finally {
    if (button) button.disabled = false;
  }
}

/** Resolves when the dialog is closed: whether somebody logged in. */
export async function openLogin(why = t("login.about")): Promise<boolean> {
  const answer = await openDialog(
    t("login"),
    (dialog) => html`
      <form method="dialog" @submit=${(event: SubmitEvent) => void submit(event, dialog)}>
        <h2>${t("login")}</h2>
        <p class="muted">${why}</p>
        <label>${t("login.username")}<input name="username" autocomplete="username" required autofocus /></label>
        <label>
          ${t("login.password")}<input name="password" type="password" autocomplete="current-password" required />
        </label>
        <p class="fault" role="alert"></p>
        <div class="actions">
          <button type="button" @click=${() => dialog.close()}>${t("cancel")}</button>
          <button class="primary" type="submit">${t("login")}</button>
        </div>
      </form>
    `,
    "login",
  );
  return answer === "done";
}
