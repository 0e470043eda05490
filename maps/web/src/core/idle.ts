/** A desk that nobody touches: after the time that the service names the login ends. All tabs of a browser count together. */
import { session } from "./session";

const LOOK_EVERY_MS = 5_000;
const INPUTS = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

/** Call `ended` when nobody has touched any tab for the idle time of the login; never while nobody is logged in. */
export function followIdle(ended: () => Promise<void>): void {
  let touched_ms = Date.now();
  let told_ms = 0;
  let ending = false;
  const others = "BroadcastChannel" in window ? new BroadcastChannel("wangge.touched") : null;
  const touch = (): void => {
    touched_ms = Date.now();
    if (touched_ms - told_ms < LOOK_EVERY_MS) return;
    told_ms = touched_ms;
    others?.postMessage(touched_ms);
  };
  for (const each of INPUTS) window.addEventListener(each, touch, { passive: true, capture: true });
  others?.addEventListener("message", ({ data }) => {
    touched_ms = Math.max(touched_ms, Number(data));
  });
  session.subscribe(touch);
  setInterval(() => {
    const minutes = session.get().idle_minutes;
    if (ending || !minutes || Date.now() - touched_ms < minutes * 60_000) return;
    ending = true;
    void ended().finally(() => {
      ending = false;
      touch();
    });
  }, LOOK_EVERY_MS);
}
