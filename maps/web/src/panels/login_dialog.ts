/** The login dialog. */
import { explain } from "../core/api";
import { h } from "../core/dom";
import { t } from "../core/language";
import { logIn } from "../core/session";

export function openLogin(): void {
  const user = h("input", { name: "username", autocomplete: "username", required: true });
  const word = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const submit = h("button", { class: "primary", type: "submit" }, t("login"));
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", {}, t("login")),
    h("p", { class: "muted" }, t("login.about")),
    h("label", {}, t("login.username"), user),
    h("label", {}, t("login.password"), word),
    fault,
    h("div", { class: "actions" }, h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")), submit),
  );
  const dialog = h("dialog", { class: "login", "aria-label": t("login") }, form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit.disabled = true;
    fault.textContent = "";
    logIn(user.value.trim(), word.value)
      .then(() => dialog.close())
      .catch((error: unknown) => {
        fault.textContent = explain(error);
        word.select();
      })
      .finally(() => (submit.disabled = false));
  });
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  user.focus();
}
