/** Who is logged in. */
import { get, post, rememberCsrf } from "./api";
import type { CallerDocument } from "./types";
import { Value } from "./value";

const PUBLIC: CallerDocument = { role: "public" };

export const session = new Value<CallerDocument>(PUBLIC);

const MAY: Record<string, readonly string[]> = {
  read_tracks: ["officer", "dispatcher", "supervisor", "service"],
  edit_areas: ["grid_manager", "supervisor"],
  edit_sites: ["grid_manager", "officer", "dispatcher", "supervisor"],
  undo_imports: ["dispatcher", "supervisor"],
  manage_webhooks: ["dispatcher", "supervisor"],
  take_down: ["supervisor"],
  move_cases: ["grid_manager", "officer", "dispatcher", "supervisor"],
  report_clues: ["grid_manager", "officer", "dispatcher", "supervisor"],
  decide_clues: ["grid_manager", "dispatcher", "supervisor"],
  see_officers: ["dispatcher", "supervisor"],
  see_grid_workers: ["grid_manager", "dispatcher", "supervisor"],
  send_officers: ["dispatcher"],
  read_dispatches: ["officer", "dispatcher", "supervisor"],
  edit_registers: ["dispatcher", "supervisor"],
  propose_duties: ["dispatcher", "supervisor"],
  pack_cases: ["dispatcher", "supervisor"],
  record_outcome: ["officer", "dispatcher", "supervisor"],
};

/** Whether a button is worth showing; the service decides. */
export function may(permission: keyof typeof MAY): boolean {
  return MAY[permission]?.includes(session.get().role) ?? false;
}

export function loggedIn(): boolean {
  return session.get().role !== "public";
}

/** Whether the account must set up its second factor before it may do anything. */
export function enrolling(): boolean {
  return session.get().enrolling ?? false;
}

export async function refreshSession(): Promise<void> {
  const me = await get<CallerDocument>("v1/me");
  rememberCsrf(me.csrf_token);
  session.set(me.role === "public" && !me.enrolling ? PUBLIC : me);
}

/** Tells the other tabs of this browser that somebody came or went. */
let others: BroadcastChannel | null = null;

/** Follow logins in other tabs: they share the cookie, so they share the person. */
export function shareSession(): void {
  if (!("BroadcastChannel" in window)) return;
  others = new BroadcastChannel("wangge.session");
  others.addEventListener("message", () => {
    refreshSession().catch(() => undefined); // the next question says what is wrong
  });
}

export async function logIn(username: string, password: string, code?: string): Promise<void> {
  const answer = await post<{ csrf_token: string }>("v1/login", { username, password, ...(code && { code }) });
  rememberCsrf(answer.csrf_token);
  await sessionChanged();
}

/** Ask who is logged in now, and let the other tabs ask, too. */
export async function sessionChanged(): Promise<void> {
  await refreshSession();
  others?.postMessage("changed");
}

/** End the login on the server only: what the page shows stays until it is known who goes on. */
export async function endLogin(): Promise<void> {
  await post("v1/logout");
  rememberCsrf(null);
}

export async function logOut(): Promise<void> {
  await endLogin();
  session.set(PUBLIC);
  others?.postMessage("changed");
}

/** The login ended on the server: the page goes back to what everybody sees. */
export function forgetSession(): void {
  rememberCsrf(null);
  session.set(PUBLIC);
}
