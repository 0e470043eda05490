/** Changes that the service tells of, for as long as the page is open: what was missed while the connection was lost is told too. */
import { address } from "./core/api";
import { Value } from "./core/value";
import type { Cell } from "./geometry/cells";
import type { Change } from "./map/redraw";

export const connected = new Value<boolean>(false);
/** The newest change; each is an object of its own, so that two of one layer are told apart. */
export const lastChange = new Value<{ layer: string } | null>(null);
/** When the map was last brought up to date with others' changes. */
export const updated = new Value<Date | null>(null);

/** Waits when the service takes no stream, in seconds; the last one again and again. */
const WAITS_S = [1, 2, 5, 10, 30];
/** The newest event that this page has seen. */
let seen = "";

function changeOf(data: string): Change | null {
  const { layer, zoom, cells } = JSON.parse(data) as { layer?: string; zoom?: number; cells?: Cell[] | null };
  return layer ? { layer, zoom: zoom ?? 0, cells: zoom === undefined ? null : (cells ?? null) } : null;
}

function streamAddress(): string {
  return address("v1/events") + (seen ? `?after=${encodeURIComponent(seen)}` : "");
}

/** How long a service that refused a stream wants to be left alone: an event source does not say, so it is asked once more. */
async function patience(attempt: number, signal: AbortSignal): Promise<number> {
  const usual = WAITS_S[Math.min(attempt, WAITS_S.length - 1)] ?? 1;
  const asking = new AbortController();
  signal.addEventListener("abort", () => asking.abort());
  try {
    const answer = await fetch(streamAddress(), { credentials: "same-origin", signal: asking.signal });
    asking.abort();
    const wanted = Number(answer.headers.get("Retry-After")) || 0;
    return answer.ok && attempt === 0 ? 0 : Math.max(usual, wanted);
  } catch {
    return usual;
  }
}

/** Listen until `stop` is called; a new login needs a new stream. A lost connection is resumed where it ended. */
export function listen(changed: (change: Change) => void): () => void {
  const ended = new AbortController();
  let source: EventSource;
  let attempt = 0;
  let again = 0;

  const refused = async (): Promise<void> => {
    seen ||= "0"; // what was missed is unknown: all that the service remembers
    const wait_s = await patience(attempt++, ended.signal);
    if (!ended.signal.aborted) again = window.setTimeout(open, wait_s * 1000);
  };
  function open(): void {
    source = new EventSource(streamAddress());
    source.addEventListener("open", () => {
      attempt = 0;
      connected.set(true);
    });
    source.addEventListener("error", () => {
      connected.set(false);
      // otherwise the browser comes back by itself, with the last id
      if (source.readyState === EventSource.CLOSED) void refused();
    });
    source.addEventListener("change", (event: MessageEvent<string>) => {
      if (event.lastEventId) seen = event.lastEventId;
      const change = changeOf(event.data);
      if (change) changed(change);
    });
  }
  open();
  return () => {
    ended.abort();
    clearTimeout(again);
    source.close();
  };
}
