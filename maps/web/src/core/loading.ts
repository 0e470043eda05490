/** What an element loads: when it appears, when somebody else logs in, and when others change a layer that it shows. */
import type { ReactiveController, ReactiveControllerHost } from "lit";
import { connected, lastChange } from "../live/changes";
import { isAbort, Problem } from "./api";
import { session } from "./session";

export class Loading<T> implements ReactiveController {
  value: T | undefined;
  error: unknown;
  readonly #host: ReactiveControllerHost;
  readonly #work: (signal: AbortSignal) => Promise<T>;
  readonly #layers: readonly string[];
  #running: AbortController | null = null;
  /** The service was away when it was asked last. */
  #failed = false;
  #ends: (() => void)[] = [];

  constructor(host: ReactiveControllerHost, work: (signal: AbortSignal) => Promise<T>, layers: readonly string[] = []) {
    this.#host = host;
    this.#work = work;
    this.#layers = layers;
    host.addController(this);
  }

  hostConnected(): void {
    this.#ends = [
      session.subscribe(this.again),
      connected.subscribe((now) => {
        if (now && this.#failed) void this.load();
      }),
      lastChange.subscribe((change) => {
        if (change && this.#layers.includes(change.layer)) void this.load();
      }),
    ];
    void this.load();
  }

  hostDisconnected(): void {
    for (const end of this.#ends) end();
    this.#running?.abort();
  }

  /** Ask anew, and show that it is being asked. */
  readonly again = (): void => {
    this.value = undefined;
    this.error = undefined;
    this.#host.requestUpdate();
    void this.load();
  };

  /** Ask anew; what is shown stays until the answer is there. */
  async load(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    try {
      const value = await this.#work(running.signal);
      if (running.signal.aborted) return;
      this.#failed = false;
      this.value = value;
      this.error = undefined;
    } catch (error) {
      if (running.signal.aborted || isAbort(error)) return;
      this.#failed = passing(error);
      if (this.value !== undefined && this.#failed) return;
      this.value = undefined;
      this.error = error;
    }
    this.#host.requestUpdate();
  }
}

/** The service is away for a while: what is shown may be old, but it is there. */
function passing(error: unknown): boolean {
  return error instanceof Problem && (error.status === 0 || error.status >= 500);
}
