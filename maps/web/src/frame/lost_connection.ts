/** A bar over the map while the service does not tell of changes: what is shown may be out of date. */
import { html } from "lit";
import { Piece } from "../core/element";
import { connected, reconnect } from "../live/changes";
import { t } from "../texts/text";

/** A connection that comes back at once is not worth a word. */
const PATIENCE_MS = 5000;

export class LostConnection extends Piece {
  #said = false;
  #timer = 0;
  #end: () => void = () => undefined;

  override connectedCallback(): void {
    super.connectedCallback();
    this.#end = connected.subscribe(this.#follow);
    this.#follow();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#end();
    clearTimeout(this.#timer);
  }

  readonly #follow = (): void => {
    clearTimeout(this.#timer);
    if (connected.get()) this.#say(false);
    else this.#timer = window.setTimeout(() => this.#say(true), PATIENCE_MS);
  };

  #say(said: boolean): void {
    this.#said = said;
    this.requestUpdate();
  }

  protected override render() {
    return html`
      <div class="lost" role="alert" ?hidden=${!this.#said}>
        <span>${t("live.lost")}</span>
        <button type="button" class="small" data-reconnect @click=${reconnect}>${t("live.again")}</button>
      </div>
    `;
  }
}
customElements.define("lost-connection", LostConnection);
