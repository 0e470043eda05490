/** The grid editor's panel: its boxes follow the sitting, and the sitting follows the address. */
import { html, nothing, type PropertyValues } from "lit";
import type { RouteTo } from "../../address/address";
import { put, route } from "../../address/router";
import { get, itemsPath, type Page } from "../../core/api";
import { Piece } from "../../core/element";
import { complain } from "../../core/notices";
import { session } from "../../core/session";
import { shade } from "../../core/theme";
import type { AreaProperties } from "../../core/types";
import { flyTo, mark, type Console } from "../../console";
import { EditSession } from "../../edit/session";
import { UNIT_ZOOM } from "../../edit/units";
import { showGroup } from "../../map/layers_shown";
import { reloadCollection } from "../../map/sources";
import "../../style/editor.css";
import { t } from "../../texts/text";
import "./balance_box";
import "./change_lists";
import { savingNote } from "./draft_box";
import { exportBox } from "./export_box";
import "./guide_box";
import "./history_box";
import { outcomeBox } from "./outcome_box";
import { actionBar, stepBox } from "./step_box";
import { toolBox } from "./tool_box";

type EditRoute = RouteTo<"edit">;

/** Bring the manager's own area into view when no unit grid can be seen. */
async function goToScope(parts: Console): Promise<void> {
  const code = session.get().area?.code;
  if (!code || parts.map.getZoom() >= UNIT_ZOOM) return;
  const page = await get<Page<AreaProperties>>(itemsPath("areas", { code, limit: 1 }));
  const found = page.features[0];
  if (found) flyTo(parts, found.geometry, 14);
}

export class EditView extends Piece {
  static override properties = { parts: { attribute: false }, to: { attribute: false } };
  declare parts: Console;
  declare to: EditRoute;
  #editor: EditSession | null = null;
  /** The sitting is being brought to what the address says. */
  #following = false;
  #endings: (() => void)[] = [];

  protected override follows() {
    return [session, shade];
  }

  override connectedCallback(): void {
    super.connectedCallback();
    mark(this.parts, null);
    for (const kind of ["unit_grid", "community"]) showGroup(kind, true, "replace");
    const editor = new EditSession(this.parts);
    this.#editor = editor;
    const again = (): void => this.requestUpdate();
    this.#endings = [
      editor.tools.activity.subscribe(again),
      editor.tools.selection.subscribe(again),
      editor.tools.snapping.switches.subscribe(again),
      editor.tools.snapping.truncated.subscribe(again),
      editor.outcome.subscribe(again),
      editor.sheet.subscribe(again),
      editor.side.subscribe(again),
      editor.drafts.saving.subscribe(again),
      editor.drafts.open.subscribe(again),
      editor.drafts.open.subscribe(() => this.#tell("replace")),
      editor.scope.subscribe(again),
      editor.outcome.subscribe(({ name }) => name === "applied" && reloadCollection(this.parts.map, "areas")),
      editor.tools.selection.subscribe(() => this.#tell("replace")),
      editor.outcome.subscribe(() => this.#tell("push")),
    ];
    this.parts.map.on("moveend", again);
    this.#endings.push(() => this.parts.map.off("moveend", again));
    goToScope(this.parts).catch(complain);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const end of this.#endings) end();
    this.#editor?.end();
    this.#editor = null;
  }

  /** What the sitting shows, as the address says it. */
  #shown(): EditRoute {
    const codes = this.#editor?.tools.selection.get().map((each) => each.properties.code) ?? [];
    const outcome = this.#editor?.outcome.get();
    return {
      view: "edit",
      ...(codes.length && { grids: codes }),
      ...(outcome?.name === "review" && { review: outcome.changeSet.id }),
      ...(this.#editor?.drafts.open.get() && { draft: this.#editor.drafts.open.get()?.id ?? 0 }),
    };
  }

  /** Put into the address what the sitting shows. */
  #tell(how: "push" | "replace"): void {
    const shown = this.#shown();
    if (this.#following || route.get().view !== "edit" || JSON.stringify(shown) === JSON.stringify(this.to)) return;
    const same = (shown.review ?? 0) === (this.to.review ?? 0);
    this.to = shown;
    put({ route: shown }, same ? "replace" : how);
  }

  /** Show what the address says: after a link, Back or forward. */
  async #follow(): Promise<void> {
    const editor = this.#editor;
    const [shown, wanted] = [this.#shown(), this.to];
    if (!editor || JSON.stringify(shown) === JSON.stringify(wanted)) return;
    this.#following = true;
    try {
      if (shown.grids?.join() !== wanted.grids?.join()) await editor.chooseByCodes(wanted.grids ?? []);
      if (wanted.draft && shown.draft !== wanted.draft) await editor.openDraft(wanted.draft);
      if (shown.review !== wanted.review) await editor.reviewById(wanted.review ?? null);
    } finally {
      this.#following = false;
      this.#tell("replace");
    }
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has("to")) this.#follow().catch(complain);
  }

  #hint(editor: EditSession): string {
    if (this.parts.map.getZoom() < UNIT_ZOOM) return t("edit.zoom");
    return editor.units.truncated ? t("edit.many_units") : "";
  }

  protected override render() {
    const editor = this.#editor;
    if (!editor) return html``;
    const reviews = editor.outcome.get().name === "review"; // what is to be decided stands first
    return html`
      <h2>${t("edit")}</h2>
      <p class="muted">
        ${t("edit.about")}<br />${t("edit.scope", { area: session.get().area?.name ?? t("login.city") })}
      </p>
      <p class="fault">${this.#hint(editor)}</p>
      ${reviews ? html`<div class="outcome">${outcomeBox(editor)}</div>` : nothing}
      <draft-list .editor=${editor}></draft-list>
      ${savingNote(editor)}
      <div>${toolBox(editor)}</div>
      <work-around-note .editor=${editor}></work-around-note>
      ${reviews ? nothing : html`<div class="outcome">${outcomeBox(editor)}</div>`}
      <div>${stepBox(editor)}</div>
      ${actionBar(editor)}
      <guide-box .editor=${editor} .parts=${this.parts}></guide-box>
      <change-lists .editor=${editor}></change-lists>
      <history-box .editor=${editor}></history-box>
      <balance-box .editor=${editor} .parts=${this.parts}></balance-box>
      ${exportBox(editor)}
    `;
  }
}
customElements.define("edit-view", EditView);

export const view = (to: EditRoute, parts: Console) => html`<edit-view .parts=${parts} .to=${to}></edit-view>`;
