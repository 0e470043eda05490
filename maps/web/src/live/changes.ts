/** Changes that the service tells of, for as long as the page is open: what was missed while the connection was lost is told too. */
import { address } from "../core/api";
import { Value } from "../core/value";
import type { Change } from "./change_stream";
import { shareStream, type Share } from "./sharing";

export const connected = new Value<boolean>(false);
/** The newest change; each is an object of its own, so that two of one layer are told apart. */
export const lastChange = new Value<{ layer: string } | null>(null);
/** When the map was last brought up to date with others' changes. */
export const updated = new Value<Date | null>(null);

let share: Share | null = null;

/** Hear of every change from now on. */
export function listen(changed: (change: Change) => void): void {
  share = shareStream(address("v1/events"), {
    connected: (now) => connected.set(now),
    changed,
    position: () => undefined,
  });
}

/** Connect anew at once: a new login needs a new stream. */
export function reconnect(): void {
  share?.again();
}
