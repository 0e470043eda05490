/** Holds the stream of changes of all tabs of this browser: a service takes six connections of a browser, and each tab needs some. */
import { ChangeStream } from "./change_stream";
import type { News, Wish } from "./messages";

const ports = new Set<MessagePort>();
let stream: ChangeStream | null = null;
let connected = false;

function tell(news: News): void {
  for (const port of ports) port.postMessage(news);
}

function open(url: string): ChangeStream {
  return new ChangeStream(url, {
    connected: (now) => {
      connected = now;
      tell({ kind: "connected", now });
    },
    changed: (change) => tell({ kind: "changed", change }),
    position: () => undefined,
  });
}

self.addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (!port) return;
  port.addEventListener("message", ({ data }: MessageEvent<Wish>) => {
    if (data.kind === "hello") {
      ports.add(port);
      stream ??= open(data.url);
      port.postMessage({ kind: "connected", now: connected } satisfies News);
    } else if (data.kind === "again") stream?.again();
    else ports.delete(port);
  });
  port.start();
});
