/** Choosing grids and an operation. */
import { h, type Child } from "../core/dom";
import { t, term } from "../texts/text";
import { mergeBar } from "../edit/merge";
import { reshapeBar } from "../edit/reshape";
import type { EditSession } from "../edit/session";
import type { Activity } from "../edit/tools";
import { empty, section } from "./pieces";

function hint(activity: Activity, editor: EditSession): string | null {
  switch (activity.name) {
    case "choosing":
      return null;
    case "drawing":
      return t(activity.tool === "split" ? "edit.draw.split" : "edit.draw.reshape");
    case "moving":
      return t("edit.moving");
    case "pointing": {
      const kind = term("kind", activity.kind);
      const what =
        activity.child?.name ??
        (activity.tool === "transfer"
          ? editor.tools.selection
              .get()
              .map((each) => each.properties.code)
              .join(", ")
          : null);
      return t("edit.point", { kind: what === null ? kind : t("edit.point_receiver", { kind, what }) });
    }
  }
}

function buttons(editor: EditSession): Child {
  const { tools } = editor;
  const chosen = tools.selection.get();
  const tool = (name: string, text: string, off: boolean, act: () => void): HTMLElement =>
    h("button", { type: "button", "data-edit": name, disabled: off, onclick: act }, text);
  return h(
    "div",
    { class: "edit-tools", role: "toolbar", "aria-label": t("edit.tools") },
    tool("split", t("edit.split"), chosen.length !== 1, () => tools.line("split")),
    tool("merge", t("edit.merge"), mergeBar(chosen) !== null, () => tools.merge()),
    tool("move", t("edit.move"), chosen.length !== 1, () => tools.move()),
    tool("reshape", t("edit.reshape"), reshapeBar(chosen) !== null, () => tools.line("reshape")),
    tool("transfer", t("edit.transfer"), !chosen.length, () => tools.transfer()),
    tool("reparent-community", t("edit.reparent_community"), false, () => tools.reparent("community")),
    tool("reparent-town", t("edit.reparent_town"), false, () => tools.reparent("town")),
  );
}

/** What is chosen, and what can be done with it; while something is drawn, how. */
export function toolBox(editor: EditSession): HTMLElement {
  const { tools } = editor;
  const activity = tools.activity.get();
  const chosen = tools.selection.get();
  const words = hint(activity, editor);
  if (words !== null)
    return h(
      "div",
      { class: "drawing-hint", role: "status", "data-activity": activity.name },
      h("p", {}, words),
      h(
        "div",
        { class: "actions wrap" },
        activity.name === "drawing" &&
          h(
            "button",
            { type: "button", class: "small", "data-edit": "finish", onclick: () => tools.finish() },
            t("edit.finish_line"),
          ),
        activity.name === "drawing" &&
          h(
            "button",
            { type: "button", class: "small", "data-edit": "point-back", onclick: () => tools.takePointBack() },
            t("edit.point_back"),
          ),
        h(
          "button",
          { type: "button", class: "small", "data-edit": "leave", onclick: () => tools.leave() },
          t("cancel"),
        ),
      ),
    );
  const codes = chosen.map((each) => h("code", { title: each.properties.name }, each.properties.code));
  const clear = h("button", { type: "button", class: "small", onclick: () => tools.select([]) }, t("edit.clear"));
  return h(
    "div",
    {},
    section(t("edit.selected"), chosen.length ? h("div", { class: "picked" }, codes, clear) : empty(t("edit.select"))),
    section(t("edit.tools"), buttons(editor), h("p", { class: "muted" }, t("edit.needs.split"))),
    mergeBar(chosen) === "other_parent" ? h("p", { class: "fault" }, t("edit.other_parent")) : null,
  );
}
