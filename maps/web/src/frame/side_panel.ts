/** The panel at the left (on a phone: at the foot): tabs, and the view that the address names. */
import { html, type TemplateResult } from "lit";
import { classMap } from "lit/directives/class-map.js";
import { repeat } from "lit/directives/repeat.js";
import type { Route, View } from "../address/address";
import { address, linkTo, put, route, tabOf, tabRoute, type Tab } from "../address/router";
import { Piece } from "../core/element";
import { icon, type Icon } from "../core/icons";
import { phone } from "../core/phone";
import { session } from "../core/session";
import type { Console, Covered } from "../console";
import { connected } from "../live/changes";
import { t } from "../texts/text";
import { failure, follow, loading } from "../views/pieces";
import { nameOf } from "../views/names";
import { VIEWS, type ViewModule } from "../views/registry";
import "./closed_view";
import { mayOpen, tabs } from "./permissions";
import { chooseHeight, drag, keyed, stepped } from "./sheet";

type AnyModule = ViewModule<View>;

const TAB_ICONS: Record<Tab, Icon> = {
  overview: "bars",
  alerts: "alert",
  cases: "inbox",
  assign: "pin",
  edit: "edit",
  imports: "import",
  account: "user",
};

export class SidePanel extends Piece {
  static override properties = { parts: { attribute: false }, city: {} };
  declare parts: Console | null;
  declare city: string;
  readonly #modules = new Map<View, AnyModule>();
  #fault: unknown;

  constructor() {
    super();
    this.parts = null;
    this.city = "";
  }

  /** Whether it is put away. */
  get folded(): boolean {
    return address.get().sheet === "map";
  }

  protected override follows() {
    return [session, address, phone];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    route.subscribe(() => void this.#open());
    connected.subscribe(this.#retry);
    window.addEventListener("online", this.#retry);
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

  /** A view whose parts could not be fetched is tried again when the network or the service is back. */
  readonly #retry = (): void => {
    if (this.#fault !== undefined) void this.#again();
  };

  /** A browser keeps that a part of the page could not be fetched: only a new page asks for it again. */
  readonly #again = async (): Promise<void> => {
    const there = await fetch("../health/live").then(
      (answer) => answer.ok,
      () => false,
    );
    if (there) location.reload();
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
      <section class=${classMap({ side: true, folded: this.folded, full: address.get().sheet === "full" })}>
        <nav class="tabs" aria-label=${t("tabs")}>
          ${repeat(
            tabs(),
            (each) => each,
            (each) => this.#tab(each, tabOf(now)),
          )}
        </nav>
        <div class="side-body" tabindex="0" role="region" aria-label=${nameOf(now)}>
          <div class="view view-${now.view}">${this.#view(now)}</div>
        </div>
        ${this.#fold()}
      </section>
    `;
  }

  /** Put the panel away and back; on a phone the grip by which it is drawn up and down. */
  #fold(): TemplateResult {
    const { sheet } = address.get();
    const name = phone.get() ? t("panel_height", { now: t(`panel.${sheet ?? "half"}`) }) : "";
    const label = name || t(this.folded ? "panel_show" : "panel_hide");
    const tapped = (): void => {
      if (phone.get()) chooseHeight(sheet === "full" ? null : stepped(sheet, 1));
      else put({ sheet: this.folded ? null : "map" });
    };
    const pressed = (event: KeyboardEvent): void => {
      const to = phone.get() ? keyed(address.get().sheet, event.key) : undefined;
      if (to === undefined) return;
      event.preventDefault();
      chooseHeight(to);
    };
    return html`
      <button
        type="button"
        class="fold"
        aria-label=${label}
        title=${label}
        aria-expanded=${this.folded ? "false" : "true"}
        @click=${tapped}
        @keydown=${pressed}
        @pointerdown=${(event: PointerEvent) => {
          const panel = this.querySelector<HTMLElement>(".side");
          if (phone.get() && panel) drag(event, panel);
        }}
      >
        ${icon(this.folded ? "right" : "left")}
      </button>
    `;
  }

  #tab(name: Tab, current: Tab): TemplateResult {
    const to = tabRoute(name);
    return html`
      <a
        href=${linkTo(to)}
        data-tab=${name}
        aria-current=${current === name ? "page" : "false"}
        @click=${follow(to)}
      >
        ${icon(TAB_ICONS[name])}<span>${t(name)}</span>
      </a>
    `;
  }

  #view(now: Route): TemplateResult {
    if (!mayOpen(now)) return html`<closed-view .to=${now}></closed-view>`;
    const module = this.#modules.get(now.view);
    if (this.#fault) return failure(this.#fault, () => void this.#again());
    if (module && this.parts) return module.view(now as never, this.parts);
    return module?.early?.(this.city) ?? loading();
  }
}
customElements.define("side-panel", SidePanel);
