/** Which views a person may open; the service decides what they hold. */
import type { Route } from "../address/address";
import type { Tab } from "../address/router";
import { enrolling, loggedIn, may, session } from "../core/session";

const NEED_LOGIN: readonly Route["view"][] = [
  "account",
  "alerts",
  "alert",
  "cases",
  "case",
  "edit",
  "imports",
  "webhooks",
  "figures",
  "dispatches",
  "registers",
  "intake",
  "clue",
  "runs",
  "sources",
  "unplaced",
  "models",
  "proposals",
];

export function needsLogin({ view }: Route): boolean {
  return NEED_LOGIN.includes(view);
}

export function mayOpen(to: Route): boolean {
  if (to.view === "account") return loggedIn() || enrolling();
  if (needsLogin(to) && !loggedIn()) return false;
  if (to.view === "webhooks") return may("manage_webhooks");
  if (to.view === "intake" || to.view === "clue") return may("report_clues");
  if (to.view === "dispatches") return may("read_dispatches");
  if (to.view === "imports" || to.view === "sources") return may("undo_imports");
  if (to.view === "unplaced") return may("edit_sites");
  if (to.view === "proposals") return may("propose_duties") && !session.get().area;
  if (to.view === "registers" && to.register === "officers") return may("see_officers");
  if (to.view === "registers" && to.register === "grid_workers") return may("see_grid_workers");
  return to.view !== "edit" || may("edit_areas");
}

/** The tabs that are offered. */
export function tabs(): Tab[] {
  const all: Tab[] = ["overview", "alerts", "cases", "assign", "edit", "imports"];
  return all.filter((view) => mayOpen({ view }));
}
