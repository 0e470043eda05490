/** Short messages at the lower edge of the map: what went wrong, what was done. */
import { explain, isAbort, Problem } from "./api";
import { h } from "./dom";
import { t } from "./language";
import { forgetSession, loggedIn } from "./session";

const SHOWN_MS = 7000;
const holder = h("div", { class: "notices", role: "status", "aria-live": "polite" });

export function noticeHolder(): HTMLElement {
  return holder;
}

export function tell(text: string, kind: "good" | "bad" = "good"): void {
  const close = (): void => notice.remove();
  const notice = h(
    "div",
    { class: `notice ${kind}` },
    h("span", {}, text),
    h("button", { class: "icon", "aria-label": t("close"), onclick: close }, "×"),
  );
  holder.append(notice);
  setTimeout(close, SHOWN_MS);
}

/** Tell a person about an error. A login that ended is forgotten here too. */
export function complain(error: unknown): void {
  if (isAbort(error)) return;
  if (error instanceof Problem && error.kind === "login-required" && loggedIn()) {
    forgetSession();
    tell(t("problem.login_ended"), "bad");
    return;
  }
  tell(explain(error), "bad");
}
