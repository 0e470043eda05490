/** Reads the text of an event stream (the format of server-sent events). */

export interface ServerEvent {
  type: string;
  data: string;
}

export class EventParser {
  /** The id of the newest event, or the one that the stream began with. */
  lastId = "";
  /** How long to wait before a stream that ended is opened again, when the service says so. */
  retry_ms: number | null = null;
  readonly #heard: (event: ServerEvent) => void;
  #rest = "";
  #type = "";
  #data: string[] = [];

  constructor(heard: (event: ServerEvent) => void) {
    this.#heard = heard;
  }

  /** Take what has arrived; a line may come in several parts. */
  feed(text: string): void {
    const lines = (this.#rest + text).split(/\r\n|\n|\r(?!$)/);
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") {
      this.#dispatch();
      return;
    }
    const at = line.indexOf(":");
    const name = at < 0 ? line : line.slice(0, at);
    const value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#type = value;
    else if (name === "id") this.lastId = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.retry_ms = Number(value);
  }

  #dispatch(): void {
    const [type, data] = [this.#type || "message", this.#data];
    this.#type = "";
    this.#data = [];
    if (data.length) this.#heard({ type, data: data.join("\n") });
  }
}
