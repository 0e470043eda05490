/** Short messages at the lower edge of the map: what went wrong, what was done. */
import { explain, isAbort, Problem } from "./api";
import { h } from "./dom";
import { language } from "../texts/language";
import { t } from "../texts/text";
import { forgetSession, loggedIn } from "./session";

const SHOWN_MS = 7000;
/** What is said at the moment; the same thing is not said twice. */
const said = new Map<string, () => void>();
const holder = h("div", { class: "notices", role: "status", "aria-live": "polite" });

export function noticeHolder(): HTMLElement {
  return holder;
}

/** Say something for a while; what is given as a function follows the language of the page. */
export function tell(text: string | (() => string), kind: "good" | "bad" = "good"): void {
  const words = h("span", {});
  const shut = h("button", { class: "icon", onclick: () => close() }, "×");
  const notice = h("div", { class: `notice ${kind}` }, words, shut);
  const say = (): void => {
    words.textContent = typeof text === "string" ? text : text();
    shut.setAttribute("aria-label", t("close"));
  };
  const stop = language.subscribe(say);
  const close = (): void => {
    stop();
    notice.remove();
    if (said.get(first) === close) said.delete(first);
  };
  say();
  const first = words.textContent ?? "";
  said.get(first)?.();
  said.set(first, close);
  holder.append(notice);
  setTimeout(close, SHOWN_MS);
}

/** Tell a person about an error. A login that ended is forgotten here too. */
export function complain(error: unknown): void {
  if (isAbort(error)) return;
  if (error instanceof Problem && error.kind === "login-required" && loggedIn()) {
    forgetSession();
    tell(() => t("problem.login_ended"), "bad");
    return;
  }
  tell(() => explain(error), "bad");
}
