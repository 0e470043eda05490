/** Which view the side panel shows. */
import { Value } from "./value";

export type Route =
  | { view: "overview" }
  | { view: "alerts" }
  | { view: "alert"; id: number }
  | { view: "cases" }
  | { view: "case"; number: string }
  | { view: "assign" }
  | { view: "edit" };

export type Tab = "overview" | "alerts" | "cases" | "assign" | "edit";

export const route = new Value<Route>({ view: "overview" });

export function tabOf(of: Route): Tab {
  if (of.view === "alert") return "alerts";
  if (of.view === "case") return "cases";
  return of.view;
}

export function go(to: Route): void {
  route.set(to);
}
