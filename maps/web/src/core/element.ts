/** Elements of the console: drawn without a shadow tree, and anew when a value that they follow changes. */
import { LitElement } from "lit";
import { language } from "../texts/language";

interface Followed {
  subscribe(listener: () => void): () => void;
}

export abstract class Piece extends LitElement {
  #ends: (() => void)[] = [];

  /** Values that this element shows, beside the language. */
  protected follows(): readonly Followed[] {
    return [];
  }

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#ends = [language, ...this.follows()].map((each) => each.subscribe(() => this.requestUpdate()));
    this.requestUpdate();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}
