/** A question before something is done that others will see. */
import { html, nothing } from "lit";
import { openDialog } from "../core/dialog";
import { t } from "../texts/text";

/** Ask for a yes, and for a text when `label` is given: the text (or an empty one), null for no. */
export async function ask(question: string, act: string, label?: string): Promise<string | null> {
  let reason = "";
  const keep = (event: Event): void => {
    reason = (event.target as HTMLTextAreaElement).value.trim();
  };
  const answer = await openDialog(
    act,
    (dialog) => html`
      <form method="dialog">
        <p>${question}</p>
        ${
          label
            ? html`<label>${label}<textarea rows="3" name="reason" required autofocus @input=${keep}></textarea></label>`
            : nothing
        }
        <div class="actions">
          <button type="button" @click=${() => dialog.close()}>${t("cancel")}</button>
          <button class="primary" type="submit" value="yes" data-confirm ?autofocus=${!label}>${act}</button>
        </div>
      </form>
    `,
  );
  return answer === "yes" ? reason : null;
}
