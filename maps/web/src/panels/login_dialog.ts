/** The login dialog. */
import { explain } from "../core/api";
import { h } from "../core/dom";
import { t } from "../texts/text";
import { logIn } from "../core/session";

/** Resolves when the dialog is closed: whether somebody logged in. */
export function openLogin(why = t("login.about")): Promise<boolean> {
  const user = h("input", { name: "username", autocomplete: "username", required: true });
  const word = h("input", { name: "password", type: "password", autocomplete: "current-password", required: true });
  const fault = h("p", { class: "fault", role: "alert" });
  const submit = h("button", { class: "primary", type: "submit" }, t("login"));
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", {}, t("login")),
    h("p", { class: "muted" }, why),
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
      .then(() => dialog.close("done"))
      .catch((error: unknown) => {
        fault.textContent = explain(error);
        word.select();
      })
      .finally(() => (submit.disabled = false));
  });
  document.body.append(dialog);
  dialog.showModal();
  user.focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "done");
    }),
  );
}
