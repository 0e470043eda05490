/** All tabs of a browser share one stream: held by a shared worker, else by the tab that has a lock, else each tab has its own. */
import { ChangeStream, type StreamListener } from "./change_stream";
import type { News, Wish } from "./messages";

const NAME = "wangge.events";

/** A tab's share of the stream. */
export interface Share {
  /** Connect anew. */
  again: () => void;
}

function told(listener: StreamListener, news: News): void {
  if (news.kind === "connected") listener.connected(news.now);
  else if (news.kind === "changed") listener.changed(news.change);
  else listener.position(news.id);
}

/** By a worker of all tabs. `failed` is called when the browser does not start it. */
function byWorker(url: string, listener: StreamListener, failed: () => void): Share {
  const worker = new SharedWorker(new URL("./shared_worker.ts", import.meta.url), { type: "module", name: NAME });
  const say = (wish: Wish): void => worker.port.postMessage(wish);
  worker.addEventListener("error", failed);
  worker.port.addEventListener("message", ({ data }: MessageEvent<News>) => told(listener, data));
  worker.port.start();
  const hello = (): void => say({ kind: "hello", url });
  hello();
  window.addEventListener("pagehide", () => say({ kind: "bye" }));
  window.addEventListener("pageshow", ({ persisted }) => persisted && hello());
  return { again: () => say({ kind: "again" }) };
}

/** By the tab that holds the lock: the others hear it; when it closes, the next one goes on after the last event that was heard. */
function byLock(url: string, listener: StreamListener): Share {
  const channel = new BroadcastChannel(NAME);
  let stream: ChangeStream | null = null;
  let connected = false;
  let seen = "";
  const tell = (news: News): void => {
    told(listener, news);
    channel.postMessage(news);
  };
  const hear = (message: News | Wish): void => {
    if (message.kind === "position") seen = message.id;
    if (message.kind === "hello") {
      if (stream) channel.postMessage({ kind: "connected", now: connected } satisfies News);
      if (stream && seen) channel.postMessage({ kind: "position", id: seen } satisfies News);
    } else if (message.kind === "again") stream?.again();
    else if (message.kind !== "bye") told(listener, message);
  };
  channel.addEventListener("message", ({ data }: MessageEvent<News | Wish>) => hear(data));
  channel.postMessage({ kind: "hello", url } satisfies Wish);
  void navigator.locks.request(NAME, () => {
    const lead: StreamListener = {
      connected: (now) => {
        connected = now;
        tell({ kind: "connected", now });
      },
      changed: (change) => tell({ kind: "changed", change }),
      position: (id) => {
        seen = id;
        tell({ kind: "position", id });
      },
    };
    stream = new ChangeStream(url, lead, seen);
    return new Promise(() => undefined); // the lock ends with the tab
  });
  return {
    again: () => {
      if (stream) stream.again();
      else channel.postMessage({ kind: "again" } satisfies Wish);
    },
  };
}

/** Share the stream of all tabs, in the best way that this browser has. */
export function shareStream(url: string, listener: StreamListener): Share {
  const withoutWorker = (): Share => {
    if ("locks" in navigator && "BroadcastChannel" in window) return byLock(url, listener);
    const own = new ChangeStream(url, listener);
    return { again: () => own.again() };
  };
  if (!("SharedWorker" in window)) return withoutWorker();
  try {
    let share: Share = byWorker(url, listener, () => {
      share = withoutWorker();
    });
    return { again: () => share.again() };
  } catch {
    return withoutWorker();
  }
}
