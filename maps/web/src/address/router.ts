/** Where the console is: the address, its history, and the view that it names. */
import { same } from "../core/same";
import { Value } from "../core/value";
import { parseAddress, writeAddress, type Address, type Route, type View } from "./address";

/** Views with a place of their own in the bar of tabs; `account` opens from the name at the top. */
export type Tab = "overview" | "alerts" | "cases" | "assign" | "edit" | "imports" | "account";

const START = parseAddress(globalThis.location?.hash ?? "");

/** The whole address; it changes with every choice, and by Back and forward. */
export const address = new Value<Address>(START);
/** The view of the side panel. */
export const route = new Value<Route>(START.route);

export function tabOf({ view }: Route): Tab {
  if (view === "sources" || view === "unplaced") return "imports";
  if (view === "alert" || view === "runs" || view === "models") return "alerts";
  if (view === "case") return "cases";
  if (view === "webhooks") return "account";
  if (view === "intake" || view === "clue") return "cases";
  if (view === "figures" || view === "dispatches" || view === "registers" || view === "proposals") return "cases";
  return view;
}

function adopt(next: Address): void {
  if (!same(address.get(), next)) address.set(next);
  if (!same(route.get(), next.route)) route.set(next.route);
}

/** Put a part of the address: `push` for what somebody chose, so that Back takes it back; `replace` for what follows from it. */
export function put(part: Partial<Address>, how: "push" | "replace" = "push"): void {
  const next = { ...address.get(), ...part };
  const fragment = `#${writeAddress(next)}`;
  if (fragment !== location.hash) {
    try {
      if (how === "push") history.pushState(null, "", fragment);
      else history.replaceState(null, "", fragment);
    } catch {
      // a browser takes so many changes of its address in a time: the next one says where we are
    }
  }
  adopt(next);
}

/** Filters and choices of the lists, for when their tab is opened again. */
const lastOf = new Map<View, Route>();

/** What of the address belongs to the view before: a popup, a track, and that its panel was put away. */
function left({ sheet }: Address): Partial<Address> {
  return { picked: null, track: null, sheet: sheet === "map" ? null : sheet };
}

/** Go to a view. */
export function go(to: Route, how: "push" | "replace" = "push"): void {
  put({ route: to, ...left(address.get()) }, how);
}

/** The view of a tab as it was left. */
export function tabRoute(tab: Tab): Route {
  return lastOf.get(tab) ?? { view: tab };
}

/** A link to a view, as the address bar would show it. */
export function linkTo(to: Route): string {
  const now = address.get();
  return `#${writeAddress({ ...now, route: to, ...left(now) })}`;
}

/** Follow Back, forward, and addresses that are typed or clicked; where they name no place or language, those of now stay. */
export function followHistory(): void {
  const remember = (now: Route): void => {
    if (now.view === tabOf(now) && now.view !== "edit") lastOf.set(now.view, now);
  };
  remember(route.get());
  route.subscribe(remember);
  const follow = (): void => {
    const next = parseAddress(location.hash);
    const { map, language } = address.get();
    put({ ...next, map: next.map ?? map, language: next.language ?? language }, "replace");
  };
  window.addEventListener("popstate", follow);
  window.addEventListener("hashchange", follow);
}
