/** One stream of changes, kept open: resumed where it ended, and tried again when it is lost or refused. */
import { EventParser } from "./event_parser";

/** What changed: a collection, and in which cells of that zoom; `null`: anywhere. */
export interface Change {
  layer: string;
  zoom: number;
  cells: readonly (readonly [number, number])[] | null;
}

export interface StreamListener {
  connected: (now: boolean) => void;
  changed: (change: Change) => void;
  /** The id after which the stream is to be resumed. */
  position: (id: string) => void;
}

/** Waits when the service takes no stream; the last one again and again. */
const WAITS_MS = [1_000, 2_000, 5_000, 10_000, 30_000];
/** The service says something every 15 s: a stream that is silent for so long is lost. */
const SILENCE_MS = 50_000;
const LOOK_MS = 10_000;
/** Several tabs hear of one login: their wishes for a new stream are one. */
const GATHER_MS = 150;

export function changeOf(data: string): Change | null {
  const { layer, zoom, cells } = JSON.parse(data) as Partial<Change>;
  return layer ? { layer, zoom: zoom ?? 0, cells: zoom === undefined ? null : (cells ?? null) } : null;
}

export class ChangeStream {
  readonly #url: string;
  readonly #listener: StreamListener;
  #seen: string;
  #connection = new AbortController();
  #wake: () => void = () => undefined;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `seen`: the id of the newest event that was heard elsewhere; what came after it is told first. */
  constructor(url: string, listener: StreamListener, seen = "") {
    this.#url = url;
    this.#listener = listener;
    this.#seen = seen;
    void this.#run();
  }

  /** Connect anew: a login needs a new stream, and somebody may not want to wait. */
  again(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#connection.abort();
      this.#wake();
    }, GATHER_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#connection.abort();
    this.#wake();
  }

  async #run(): Promise<void> {
    let attempt = 0;
    while (!this.#stopped) {
      const connection = new AbortController();
      this.#connection = connection;
      let wait_ms = WAITS_MS[Math.min(attempt++, WAITS_MS.length - 1)] ?? 0;
      try {
        const headers = { Accept: "text/event-stream", ...(this.#seen && { "Last-Event-ID": this.#seen }) };
        const options = { headers, credentials: "same-origin", cache: "no-store", signal: connection.signal } as const;
        const response = await fetch(this.#url, options);
        if (response.ok && response.body) {
          attempt = 0;
          wait_ms = (await this.#read(response.body, connection)) ?? 0;
        } else {
          this.#seen ||= "0"; // what was missed is unknown: all that the service remembers
          wait_ms = Math.max(wait_ms, 1000 * (Number(response.headers.get("Retry-After")) || 0));
        }
      } catch {
        // the network is away, or the connection was ended here: it is tried again
      }
      if (this.#stopped) return;
      this.#listener.connected(false);
      if (connection.signal.aborted) attempt = 0;
      else await this.#sleep(wait_ms);
    }
  }

  #sleep(wait_ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, wait_ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Read until the stream ends; gives how long the service wants to be left alone then. */
  async #read(body: ReadableStream<Uint8Array>, connection: AbortController): Promise<number | null> {
    const parser = new EventParser(({ type, data }) => {
      const change = type === "change" ? changeOf(data) : null;
      if (change) this.#listener.changed(change);
    });
    let heardAt = performance.now();
    const watch = setInterval(() => performance.now() - heardAt > SILENCE_MS && connection.abort(), LOOK_MS);
    this.#listener.connected(true);
    try {
      const text = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
      for (;;) {
        const { done, value } = await text.read();
        if (done) return parser.retry_ms;
        heardAt = performance.now();
        parser.feed(value);
        this.#move(parser.lastId);
      }
    } catch {
      return parser.retry_ms;
    } finally {
      clearInterval(watch);
    }
  }

  #move(id: string): void {
    if (!id || id === this.#seen) return;
    this.#seen = id;
    this.#listener.position(id);
  }
}
