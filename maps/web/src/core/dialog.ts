/** A question in front of everything else. */
import { html, render, type TemplateResult } from "lit";

/** Show a dialog until it is closed. Resolves with its return value: empty when it was left without an answer. */
export function openDialog(
  label: string,
  content: (dialog: HTMLDialogElement) => TemplateResult,
  name = "question",
): Promise<string> {
  const dialog = document.createElement("dialog");
  dialog.className = name;
  dialog.setAttribute("aria-label", label);
  render(html`${content(dialog)}`, dialog);
  document.body.append(dialog);
  dialog.showModal();
  dialog.querySelector<HTMLElement>("[autofocus], input, textarea, button")?.focus();
  return new Promise((resolve) =>
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    }),
  );
}
