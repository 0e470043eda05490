/** The grid editor's panel. */
import { get, itemsPath, type Page } from "../core/api";
import { h, fill, type Child } from "../core/dom";
import { number, surface, t, term, time } from "../core/language";
import { complain, tell } from "../core/notices";
import { route } from "../core/route";
import { may, session } from "../core/session";
import type { AreaProperties, ChangeSet, UnitLoad } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { mergeBar } from "../edit/merge";
import { EditSession, type Stage } from "../edit/session";
import { history, type Refusal } from "../edit/transact";
import { UNIT_ZOOM } from "../edit/units";
import { reloadCollection } from "../map/sources";
import { actionButton, empty, facts, section, show } from "./pieces";
import type { View, ViewContext } from "./view";

const HISTORY = 8;

/** The codes that were given; of a draft, those that would be. */
function newCodes({ result, preview }: ChangeSet): string[] {
  return result?.created?.map((each) => each.code) ?? preview.new_codes ?? [];
}

function codes(kind: "new" | "void", list: string[] | undefined): Child {
  return list?.length ? h("span", { class: `code-list ${kind}` }, list.map((code) => h("code", {}, code))) : null;
}

function loads(preview: ChangeSet["preview"]): { before: UnitLoad[]; after: UnitLoad[] } {
  const { load } = preview;
  if (!load) return { before: [], after: [] };
  if (Array.isArray(load)) return splitLoads(load, preview);
  return { before: load.before ?? [], after: load.after ?? [] };
}

function splitLoads(load: UnitLoad[], { voided_codes = [] }: ChangeSet["preview"]): { before: UnitLoad[]; after: UnitLoad[] } {
  const before = load.filter((each) => voided_codes.includes(each.code));
  return { before, after: load.filter((each) => !before.includes(each)) };
}

function loadTable(preview: ChangeSet["preview"]): Child {
  const { before, after } = loads(preview);
  if (!before.length && !after.length) return null;
  const rows = (name: string, list: UnitLoad[]): Child => [
    h("tr", {}, h("th", { colspan: 4 }, name)),
    list.map((each) => h("tr", {}, h("td", {}, h("code", {}, each.code)), h("td", { class: "num" }, number(each.sites ?? 0)), h("td", { class: "num" }, number(each.cases ?? 0)), h("td", { class: "num" }, surface(each.area_m2)))),
  ];
  const head = h("tr", {}, h("th", {}, t("area.code")), h("th", {}, t("edit.load_sites")), h("th", {}, t("edit.load_cases")), h("th", {}, t("area.surface")));
  return section(t("edit.load"), h("div", { class: "scroll" }, h("table", {}, h("thead", {}, head), h("tbody", {}, rows(t("edit.before"), before), rows(t("edit.after"), after)))));
}

function previewPanel(editor: EditSession, parts: Console, changeSet: ChangeSet): HTMLElement {
  const { preview } = changeSet;
  const put = actionButton(
    t("edit.apply"),
    async () => {
      const applied = await editor.apply(changeSet.id);
      reloadCollection(parts.map, "areas");
      tell(t("edit.applied", { codes: newCodes(applied).join(", ") }));
    },
    { class: "primary", "data-edit": "apply" },
  );
  return h(
    "div",
    { class: "preview", "data-change-set": changeSet.id },
    h("h3", {}, t("edit.draft")),
    facts([
      [t("edit.new_codes"), codes("new", preview.new_codes)],
      [t("edit.voided"), codes("void", preview.voided_codes)],
      [t("edit.sites"), number(preview.affected_sites ?? 0)],
      [t("edit.open_cases"), preview.open_cases?.length ? preview.open_cases.join(", ") : "0"],
    ]),
    h("p", { class: "muted" }, t("edit.cases_keep")),
    loadTable(preview),
    h("div", { class: "actions wrap" }, put, h("button", { "data-edit": "discard", onclick: () => editor.discard() }, t("edit.discard"))),
  );
}

function refusedPanel(refusal: Refusal): HTMLElement {
  return h(
    "div",
    { class: "refused", role: "alert", "data-rule": refusal.rule },
    h("h3", {}, t("edit.refused")),
    h("p", {}, refusal.text),
    facts([
      [t("edit.rule"), term("rule", refusal.rule)],
      [t("edit.zones"), refusal.zones.join(", ")],
    ]),
    refusal.clash && h("p", { class: "muted" }, t("edit.place")),
  );
}

function undoButton(editor: EditSession, { console: parts, again }: ViewContext, id: number): HTMLElement {
  return actionButton(
    t("edit.undo"),
    async () => {
      await editor.undo(id);
      reloadCollection(parts.map, "areas");
      tell(t("edit.undone"));
      again();
    },
    { class: "danger", "data-edit": "undo" },
  );
}

function appliedPanel(editor: EditSession, context: ViewContext, changeSet: ChangeSet): HTMLElement {
  return h(
    "div",
    { class: "preview", "data-applied": changeSet.id },
    h("h3", {}, t("edit.in_force")),
    facts([
      [t("edit.new_codes"), codes("new", newCodes(changeSet))],
      [t("edit.voided"), codes("void", changeSet.preview.voided_codes)],
    ]),
    h("div", { class: "actions wrap" }, undoButton(editor, context, changeSet.id)),
  );
}

function tools(editor: EditSession): HTMLElement {
  const chosen = editor.selection.get();
  const bar = mergeBar(chosen);
  return h(
    "div",
    {},
    section(t("edit.selected"), chosen.length ? h("div", { class: "picked" }, chosen.map((each) => h("code", {}, each.properties.code))) : empty(t("edit.select"))),
    h(
      "div",
      { class: "edit-tools" },
      h("button", { class: "primary", "data-edit": "split", disabled: chosen.length !== 1, onclick: () => editor.startSplit() }, t("edit.split")),
      actionButton(t("edit.merge"), () => editor.startMerge(), { "data-edit": "merge", disabled: bar !== null }),
      h("button", { disabled: !chosen.length, onclick: () => editor.clear() }, t("edit.clear")),
    ),
    bar === "other_parent" ? h("p", { class: "fault" }, t("edit.other_parent")) : null,
  );
}

function stageParts(editor: EditSession, context: ViewContext, stage: Stage): Child {
  switch (stage.name) {
    case "drawing":
      return h("p", { class: "drawing-hint", role: "status" }, t("edit.draw"));
    case "waiting":
      return h("div", { class: "loading", role: "status" }, h("span", { class: "spinner" }), t("loading"));
    case "preview":
      return previewPanel(editor, context.console, stage.changeSet);
    case "refused":
      return [tools(editor), refusedPanel(stage.refusal)];
    case "applied":
      return [tools(editor), appliedPanel(editor, context, stage.changeSet)];
    case "selecting":
      return tools(editor);
  }
}

function changeRow(changeSet: ChangeSet): HTMLElement {
  const ops = changeSet.operations.map((each) => term("op", each.op)).join(", ");
  const { voided_codes = [] } = changeSet.preview;
  return h(
    "div",
    { class: "body" },
    h("small", {}, term("change", changeSet.status)),
    h("b", {}, ops, ` #${changeSet.id}`),
    h("span", {}, time(changeSet.applied_at ?? changeSet.created_at)),
    h("p", {}, changeSet.author, " · ", voided_codes.join(", "), " → ", newCodes(changeSet).join(", ")),
  );
}

function draftRow(editor: EditSession, changeSet: ChangeSet): HTMLElement {
  const row = changeRow(changeSet);
  row.append(h("button", { class: "small", "data-review": changeSet.id, onclick: () => editor.review(changeSet) }, t("edit.review")));
  return row;
}

/** Bring the manager's own area into view when no unit grid can be seen. */
async function goToScope(parts: Console): Promise<void> {
  const code = session.get().area?.code;
  if (!code || parts.map.getZoom() >= UNIT_ZOOM) return;
  const page = await get<Page<AreaProperties>>(itemsPath("areas", { code, limit: 1 }));
  const found = page.features[0];
  if (found) flyTo(parts, found.geometry, 14);
}

/** The sitting outlives a redrawing of its panel (another language), and ends with the view. */
let sitting: EditSession | null = null;

function sit(parts: Console, signal: AbortSignal): EditSession {
  const editor = (sitting ??= new EditSession(parts));
  signal.addEventListener("abort", () =>
    queueMicrotask(() => {
      if (route.get().view === "edit" && may("edit_areas")) return;
      editor.end();
      if (sitting === editor) sitting = null;
    }),
  );
  return editor;
}

function changeLists(editor: EditSession, waiting: HTMLElement, past: HTMLElement, signal: AbortSignal): () => void {
  const list = (): void => {
    const sets = history(HISTORY * 3, signal);
    const some = (drafts: boolean) => async (): Promise<ChangeSet[]> =>
      (await sets).filter((each) => (each.status === "draft") === drafts).slice(0, HISTORY);
    void show(waiting, async () => {
      const found = await some(true)();
      return found.length ? found.map((each) => draftRow(editor, each)) : empty(t("edit.no_drafts"));
    }, list);
    void show(past, async () => {
      const found = await some(false)();
      return found.length ? found.map(changeRow) : empty(t("edit.no_history"));
    }, list);
  };
  return list;
}

export const edit: View = (context) => {
  const { console: parts, into, signal } = context;
  const fresh = sitting === null;
  mark(parts, null);
  parts.showGroup("unit_grid", true);
  const editor = sit(parts, signal);
  const [stageBox, waiting, past, zoomHint] = [h("div", {}), h("div", {}), h("div", {}), h("p", { class: "fault" })];
  const area = session.get().area?.name ?? t("login.city");
  into.append(h("h2", {}, t("edit")), h("p", { class: "muted" }, t("edit.about"), " ", t("edit.scope", { area })), zoomHint, stageBox, section(t("edit.drafts"), waiting), section(t("edit.history"), past));

  const draw = (): void => fill(stageBox, stageParts(editor, context, editor.stage.get()));
  const hint = (): void => {
    zoomHint.textContent = parts.map.getZoom() < UNIT_ZOOM ? t("edit.zoom") : editor.units.truncated ? t("edit.many_units") : "";
  };
  const list = changeLists(editor, waiting, past, signal);
  const ends = [
    editor.stage.subscribe((stage) => {
      draw();
      if (stage.name === "applied" || stage.name === "preview") list();
    }),
    editor.selection.subscribe(draw),
  ];
  parts.map.on("moveend", hint);
  draw();
  hint();
  list();
  if (fresh) goToScope(parts).catch(complain);
  signal.addEventListener("abort", () => {
    parts.map.off("moveend", hint);
    for (const end of ends) end();
  });
};
