/** Short messages at the lower edge of the map: what went wrong, what was done. */
import { explain, isAbort, Problem } from "./api";
import { forgetSession, loggedIn } from "./session";
import { t } from "../texts/text";
import { Value } from "./value";

const SHOWN_MS = 7000;

export interface Notice {
  id: number;
  kind: "good" | "bad";
  /** In the language of the page, whichever that is when it is read. */
  text: () => string;
}

export const notices = new Value<readonly Notice[]>([]);
let last = 0;

export function dismiss(id: number): void {
  notices.set(notices.get().filter((each) => each.id !== id));
}

/** Say something for a while; what is given as a function follows the language of the page. The same thing is not said
 * twice, and of what was done only the newest is said: on a phone more would hide the next step. */
export function tell(text: string | (() => string), kind: "good" | "bad" = "good"): void {
  const notice: Notice = { id: ++last, kind, text: typeof text === "string" ? () => text : text };
  const kept = notices.get().filter((each) => each.text() !== notice.text() && (kind === "bad" || each.kind === "bad"));
  notices.set([...kept, notice]);
  setTimeout(() => dismiss(notice.id), SHOWN_MS);
}

/** Tell a person about an error. A login that ended is forgotten here too: who was asked to log in again did not. */
export function complain(error: unknown): void {
  if (isAbort(error)) return;
  if (error instanceof Problem && error.kind === "login-required" && loggedIn()) {
    forgetSession();
    tell(() => t("problem.login_ended"), "bad");
    return;
  }
  tell(() => explain(error), "bad");
}
