/** Messages at the lower edge of the map. */
import { html } from "lit";
import { repeat } from "lit/directives/repeat.js";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { dismiss, notices } from "../core/notices";
import { t } from "../texts/text";

export class NoticeList extends Piece {
  protected override follows() {
    return [notices];
  }

  protected override render() {
    return html`
      <div class="notices" role="status" aria-live="polite">
        ${repeat(
          notices.get(),
          (notice) => notice.id,
          ({ id, kind, text }) => html`
            <div class="notice ${kind}">
              <span>${text()}</span>
              <button type="button" class="icon-button" aria-label=${t("close")} @click=${() => dismiss(id)}>
                ${icon("close")}
              </button>
            </div>
          `,
        )}
      </div>
    `;
  }
}
customElements.define("notice-list", NoticeList);
