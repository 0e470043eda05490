/** The panel at the left (on a phone: at the foot): tabs, and the view that the address names. */
import { html, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Route, View } from "../address/address";
import { linkTo, route, tabOf, tabRoute, type Tab } from "../address/router";
import { Piece } from "../core/element";
import { icon } from "../core/icons";
import { session } from "../core/session";
import type { Console, Covered } from "../console";
import { t } from "../texts/text";
import { failure, follow, loading } from "../views/pieces";
import { VIEWS, type ViewModule } from "../views/registry";
import "./closed_view";
import { mayOpen, tabs } from "./permissions";

type AnyModule = ViewModule<View>;

export class SidePanel extends Piece {
  static override properties = { parts: { attribute: false }, city: {}, folded: { state: true } };
  declare parts: Console | null;
  declare city: string;
  declare folded: boolean;
  readonly #modules = new Map<View, AnyModule>();
  #fault: unknown;

  constructor() {
    super();
    this.parts = null;
    this.city = "";
    this.folded = false;
  }

  protected override follows() {
    return [session];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    route.subscribe(() => {
      this.folded = false;
      void this.#open();
    });
    void this.#open();
  }

  /** What covers the map, in pixels. */
  get covered(): Covered {
    const panel = this.querySelector<HTMLElement>(".side");
    if (!panel || this.folded) return { left: 0, right: 0, bottom: 0 };
    const { width, height } = panel.getBoundingClientRect();
    return width > window.innerWidth * 0.9
      ? { left: 0, right: 0, bottom: height }
      : { left: width, right: 0, bottom: 0 };
  }

  readonly #again = (): void => {
    this.#fault = undefined;
    void this.#open();
  };

  /** Load what the view is made of, and show it from its top. */
  async #open(): Promise<void> {
    const { view } = route.get();
    this.#fault = undefined;
    this.requestUpdate();
    try {
      if (!this.#modules.has(view)) this.#modules.set(view, (await VIEWS[view]()) as unknown as AnyModule);
    } catch (error) {
      this.#fault = error;
    }
    this.requestUpdate();
  }

  protected override render(): TemplateResult {
    const now = route.get();
    return html`
      <section class=${classMap({ side: true, folded: this.folded })}>
        <nav class="tabs" aria-label=${t("tabs")}>
          ${repeat(
            tabs(),
            (each) => each,
            (each) => this.#tab(each, tabOf(now)),
          )}
        </nav>
        <div class="side-body"><div class="view view-${now.view}">${this.#view(now)}</div></div>
        <button
          type="button"
          class="fold"
          aria-label=${t(this.folded ? "panel_show" : "panel_hide")}
          title=${t(this.folded ? "panel_show" : "panel_hide")}
          aria-expanded=${this.folded ? "false" : "true"}
          @click=${() => (this.folded = !this.folded)}
        >
          ${icon(this.folded ? "right" : "left")}
        </button>
      </section>
    `;
  }

  #tab(name: Tab, current: Tab): TemplateResult {
    const to = tabRoute(name);
    return html`
      <a
        href=${linkTo(to)}
        data-tab=${name}
        aria-current=${current === name ? "page" : "false"}
        @click=${follow(to, () => (this.folded = false))}
      >
        ${t(name)}
      </a>
    `;
  }

  #view(now: Route): TemplateResult {
    if (!mayOpen(now)) return html`<closed-view .to=${now}></closed-view>`;
    const module = this.#modules.get(now.view);
    if (this.#fault) return failure(this.#fault, this.#again);
    if (module && this.parts) return module.view(now as never, this.parts);
    return module?.early?.(this.city) ?? loading();
  }
}
customElements.define("side-panel", SidePanel);
