/** Light, dark, or as the desk has it. */
import { html } from "lit";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { chooseTheme, theme, THEMES, type Theme } from "../core/theme";
import { t } from "../texts/text";

export class ThemeMenu extends Piece {
  protected override follows() {
    return [theme];
  }

  /** The menu hangs from its button, at the right edge. */
  readonly #place = (): void => {
    const button = this.querySelector("button")?.getBoundingClientRect();
    const menu = this.querySelector<HTMLElement>("[popover]");
    if (!button || !menu) return;
    menu.style.top = `${button.bottom + 6}px`;
    menu.style.right = `${document.documentElement.clientWidth - button.right}px`;
  };

  #choose(chosen: Theme): void {
    chooseTheme(chosen);
    this.querySelector<HTMLElement>("[popover]")?.hidePopover();
    this.querySelector("button")?.focus();
  }

  protected override render() {
    const now = theme.get();
    return html`
      <button
        type="button"
        class="icon-button"
        data-theme-menu
        popovertarget="themes"
        aria-label=${t("theme")}
        title=${t("theme")}
        @click=${this.#place}
      >
        ${icon(now)}
      </button>
      <div id="themes" popover class="menu" aria-label=${t("theme")}>
        ${THEMES.map(
          (each) => html`
            <button
              type="button"
              data-theme-choice=${each}
              aria-pressed=${now === each ? "true" : "false"}
              @click=${() => this.#choose(each)}
            >
              ${icon(each)}${t(`theme.${each}`)}
            </button>
          `,
        )}
      </div>
    `;
  }
}
customElements.define("theme-menu", ThemeMenu);
