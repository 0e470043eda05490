/** The grid editor's panel: puts its boxes together and draws each anew when what it shows changes. */
import { get, itemsPath, type Page } from "../core/api";
import { fill, h } from "../core/dom";
import { t } from "../texts/text";
import { complain } from "../core/notices";
import { route } from "../core/route";
import { may, session } from "../core/session";
import type { AreaProperties } from "../core/types";
import { flyTo, mark, type Console } from "../console";
import { EditSession } from "../edit/session";
import { UNIT_ZOOM } from "../edit/units";
import { lastChange } from "../live";
import { reloadCollection } from "../map/sources";
import { changeLists } from "./edit_approval";
import { balanceBox } from "./edit_balance";
import { exportBox } from "./edit_export";
import { outcomeBox } from "./edit_outcome";
import { stepBox } from "./edit_steps";
import { toolBox } from "./edit_tools";
import { section } from "./pieces";
import type { View } from "./view";

/** Bring the manager's own area into view when no unit grid can be seen. */
async function goToScope(parts: Console): Promise<void> {
  const code = session.get().area?.code;
  if (!code || parts.map.getZoom() >= UNIT_ZOOM) return;
  const page = await get<Page<AreaProperties>>(itemsPath("areas", { code, limit: 1 }));
  const found = page.features[0];
  if (found) flyTo(parts, found.geometry, 14);
}

/** The sitting outlives a redrawing of its panel (another language, another login), and ends with the view. */
let sitting: EditSession | null = null;

function sit(parts: Console, signal: AbortSignal): EditSession {
  sitting ??= new EditSession(parts);
  const editor = sitting;
  signal.addEventListener("abort", () =>
    queueMicrotask(() => {
      if (route.get().view === "edit" && may("edit_areas")) return;
      editor.end();
      if (sitting === editor) sitting = null;
    }),
  );
  return editor;
}

/** Boxes that follow the sitting; what is being written is not drawn over. */
function follow(
  editor: EditSession,
  list: () => void,
  boxes: Record<"tools" | "steps" | "outcome" | "exports", HTMLElement>,
): (() => void)[] {
  const tools = (): void => fill(boxes.tools, toolBox(editor));
  const steps = (): void => fill(boxes.steps, stepBox(editor));
  const outcome = (): void => {
    steps();
    fill(boxes.outcome, outcomeBox(editor));
    fill(boxes.exports, exportBox(editor));
  };
  let shown = editor.sheet.get().steps;
  tools();
  outcome();
  return [
    editor.tools.activity.subscribe(tools),
    editor.tools.selection.subscribe(tools),
    editor.outcome.subscribe((now) => {
      outcome();
      if (["submitted", "applied", "none"].includes(now.name)) list();
    }),
    editor.sheet.subscribe((sheet) => {
      if (sheet.steps !== shown) steps();
      shown = sheet.steps;
    }),
  ];
}

export const edit: View = (context) => {
  const { console: parts, into, signal } = context;
  const fresh = sitting === null;
  mark(parts, null);
  for (const kind of ["unit_grid", "community"]) parts.showGroup(kind, true);
  const editor = sit(parts, signal);
  const boxes = {
    tools: h("div", {}),
    steps: h("div", {}),
    outcome: h("div", { class: "outcome" }),
    exports: h("div", {}),
  };
  const [waiting, past, zoomHint] = [h("div", {}), h("div", {}), h("p", { class: "fault" })];
  const area = session.get().area?.name ?? t("login.city");
  into.append(
    h("h2", {}, t("edit")),
    h("p", { class: "muted" }, t("edit.about"), " ", t("edit.scope", { area })),
    zoomHint,
    boxes.tools,
    boxes.outcome,
    boxes.steps,
    section(t("edit.drafts"), waiting),
    section(t("edit.history"), past),
    balanceBox(editor, parts, signal),
    boxes.exports,
  );
  const hint = (): void => {
    zoomHint.textContent =
      parts.map.getZoom() < UNIT_ZOOM ? t("edit.zoom") : editor.units.truncated ? t("edit.many_units") : "";
  };
  const list = changeLists(editor, waiting, past, signal);
  const ends = follow(editor, list, boxes);
  ends.push(lastChange.subscribe((change) => change?.layer === "areas" && list()));
  ends.push(editor.outcome.subscribe(({ name }) => name === "applied" && reloadCollection(parts.map, "areas")));
  parts.map.on("moveend", hint);
  hint();
  if (fresh) goToScope(parts).catch(complain);
  signal.addEventListener("abort", () => {
    parts.map.off("moveend", hint);
    for (const end of ends) end();
  });
};
