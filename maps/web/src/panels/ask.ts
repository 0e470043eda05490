/** A question before something is done that others will see. */
import { h } from "../core/dom";
import { t } from "../texts/text";

/** Ask for a yes, and for a text when `label` is given: the text (or an empty one), null for no. */
export function ask(question: string, act: string, label?: string): Promise<string | null> {
  const text = label ? h("textarea", { rows: 3, name: "reason", required: true }) : null;
  const form = h(
    "form",
    { method: "dialog" },
    h("p", {}, question),
    text && label ? h("label", {}, label, text) : null,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: () => dialog.close() }, t("cancel")),
      h("button", { class: "primary", type: "submit", value: "yes", "data-confirm": true }, act),
    ),
  );
  const dialog = h("dialog", { class: "login", "aria-label": act }, form);
  document.body.append(dialog);
  dialog.showModal();
  text?.focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? (text?.value.trim() ?? "") : null);
    }),
  );
}
