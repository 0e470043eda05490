/** Choosing grids and an operation. */
import { html, nothing, type TemplateResult } from "lit";
import { mergeBar } from "../../edit/merge";
import { MOVABLE, mayReparent } from "../../edit/reparent";
import { reshapeBar } from "../../edit/reshape";
import type { EditSession } from "../../edit/session";
import { snapBox } from "./snap_box";
import type { Activity } from "../../edit/tools";
import type { Text } from "../../texts/language";
import { list } from "../../texts/format";
import { pick, t, term } from "../../texts/text";
import { busy, empty, section } from "../pieces";
import "./grid_list";
import "./live_notes";

function hint(activity: Activity, editor: EditSession): string | null {
  switch (activity.name) {
    case "choosing":
      return null;
    case "drawing":
      return t(activity.tool === "split" ? "edit.draw.split" : "edit.draw.reshape");
    case "moving":
      return t("edit.moving");
    case "correcting":
      return t("edit.correcting");
    case "measuring":
      return t("edit.measuring");
    case "painting":
      return t("edit.painting", { name: activity.target.name });
    case "pointing": {
      const kind = term("kind", activity.kind);
      const chosen = list(editor.tools.selection.get().map((each) => each.properties.code));
      const what = activity.child?.name ?? (activity.tool === "transfer" ? chosen : null);
      return t("edit.point", { kind: what === null ? kind : t("edit.point_receiver", { kind, what }) });
    }
  }
}

/** Who may give areas to another parent, for whom may not. */
function reparentBar(scope: string | null): string {
  const barred = MOVABLE.filter((kind) => !mayReparent(kind, scope));
  return barred.map((kind) => t(`edit.reparent_needs_${kind}`)).join("");
}

function buttons({ tools, scope }: EditSession): TemplateResult {
  const level = scope.get();
  const chosen = tools.selection.get();
  const tool = (name: string, text: string, off: boolean, act: () => void): TemplateResult => html`
    <button type="button" data-edit=${name} ?disabled=${off} @click=${act}>${text}</button>
  `;
  return html`
    <div class="edit-tools" role="toolbar" aria-label=${t("edit.tools")}>
      ${tool("split", t("edit.split"), chosen.length !== 1, () => tools.line("split"))}
      ${tool("merge", t("edit.merge"), mergeBar(chosen) !== null, () => tools.merge())}
      ${tool("move", t("edit.move"), chosen.length !== 1, () => tools.move())}
      ${tool("reshape", t("edit.reshape"), reshapeBar(chosen) !== null, () => tools.line("reshape"))}
      ${tool("transfer", t("edit.transfer"), !chosen.length, () => tools.transfer())}
      ${tool("paint", t("edit.paint"), false, () => tools.paint())}
      ${tool("measure", t("edit.measure"), false, () => tools.measure())}
      ${tool("reparent-community", t("edit.reparent_community"), !mayReparent("community", level), () => tools.reparent("community"))}
      ${tool("reparent-town", t("edit.reparent_town"), !mayReparent("town", level), () => tools.reparent("town"))}
    </div>
  `;
}

/** What the handles mean, and why the one that was touched stays. */
function handleKey(note: Text | null): TemplateResult {
  const kinds = ["free", "along", "bend", "frozen"] as const;
  return html`
    <ul class="handle-key">
      ${kinds.map((each) => html`<li><span class="handle ${each}"></span>${t(`edit.handle_${each}`)}</li>`)}
    </ul>
    <p class="handle-note" data-handle-note role="status">${note ? pick(note) : t("edit.handle_hint")}</p>
  `;
}

const FOLLOWS: readonly Activity["name"][] = ["drawing", "measuring"];
const SNAPS: readonly Activity["name"][] = [...FOLLOWS, "moving", "correcting"];

function underWay(activity: Activity, words: string, { tools }: EditSession): TemplateResult {
  const button = (name: string, text: string, act: () => void): TemplateResult => html`
    <button type="button" class="small" data-edit=${name} @click=${act}>${text}</button>
  `;
  return html`
    <div class="drawing-hint" role="status" data-activity=${activity.name}>
      <p>${words}</p>
      ${activity.name === "moving" ? handleKey(activity.note) : nothing}
      ${SNAPS.includes(activity.name) ? snapBox(tools.snapping, FOLLOWS.includes(activity.name)) : nothing}
      ${activity.name === "measuring" ? html`<measure-note .tools=${tools}></measure-note>` : nothing}
      ${activity.name === "painting" ? html`<paint-note .tools=${tools}></paint-note>` : nothing}
      <div class="actions wrap">
        ${activity.name === "measuring" ? button("measure-again", t("edit.measure_again"), () => tools.measure()) : nothing}
        ${
          activity.name === "painting"
            ? [
                button("finish", t("edit.paint_done"), () => tools.finish()),
                button("point-back", t("edit.paint_back"), () => tools.takePointBack()),
              ]
            : nothing
        }
        ${
          FOLLOWS.includes(activity.name)
            ? [
                button("finish", t("edit.finish_line"), () => tools.finish()),
                button("point-back", t("edit.point_back"), () => tools.takePointBack()),
              ]
            : nothing
        }
        ${button("leave", t("cancel"), () => tools.leave())}
      </div>
    </div>
  `;
}

/** What is chosen, and what can be done with it; while something is drawn, how. */
export function toolBox(editor: EditSession): TemplateResult {
  const { tools } = editor;
  const activity = tools.activity.get();
  const words = hint(activity, editor);
  if (words !== null) return underWay(activity, words, editor);
  const chosen = tools.selection.get();
  const picked = html`
    <div class="picked">
      ${chosen.map(({ properties: p }) => html`<code title=${p.name}>${p.code}</code>`)}
      <button type="button" class="small" data-edit="all-community" @click=${busy(() => tools.communities())}>
        ${t("edit.all_community")}
      </button>
      <button type="button" class="small" @click=${() => tools.select([])}>${t("edit.clear")}</button>
    </div>
  `;
  return html`
    ${section(
      t("edit.selected"),
      chosen.length ? picked : empty(t("edit.select"), "pin"),
      html`<grid-list .editor=${editor}></grid-list>`,
    )}
    ${section(
      t("edit.tools"),
      buttons(editor),
      html`<p class="muted">${t("edit.needs.split")}</p>`,
      html`<p class="muted">${reparentBar(editor.scope.get())}</p>`,
    )}
    ${mergeBar(chosen) === "other_parent" ? html`<p class="fault">${t("edit.other_parent")}</p>` : nothing}
  `;
}
