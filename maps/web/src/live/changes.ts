/** Changes that the service tells of, for as long as the page is open: what was missed while the connection was lost is told too. */
import { address, followUnreached } from "../core/api";
import { Value } from "../core/value";
import type { Change } from "./change_stream";
import { shareStream, type Share } from "./sharing";

export const connected = new Value<boolean>(false);
/** The newest change; each is an object of its own, so that two of one layer are told apart. */
export const lastChange = new Value<{ layer: string } | null>(null);
/** When the map was last brought up to date with others' changes. */
export const updated = new Value<Date | null>(null);

let share: Share | null = null;
/** A doubt that turned out wrong is not raised again for so long: something other than the service fails then. */
const TRUST_MS = 30_000;
let trustedUntil_ms = 0;
let doubted = false;

/** Hear of every change from now on. */
export function listen(changed: (change: Change) => void): void {
  share = shareStream(address("v1/events"), {
    connected: (now) => {
      if (now && doubted) trustedUntil_ms = performance.now() + TRUST_MS;
      if (now) doubted = false;
      connected.set(now);
    },
    changed,
    position: () => undefined,
  });
  followUnreached(doubt);
  window.addEventListener("offline", () => {
    trustedUntil_ms = 0;
    doubt();
  });
  window.addEventListener("online", reconnect);
}

/** Connect anew at once: a new login needs a new stream. */
export function reconnect(): void {
  share?.again();
}

/** A question found no service: nothing more is asked until the stream, which is tried at once, says that it is there. */
export function doubt(): void {
  if (!connected.get() || performance.now() < trustedUntil_ms) return;
  doubted = true;
  connected.set(false);
  reconnect();
}
