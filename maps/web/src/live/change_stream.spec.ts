import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ChangeStream, type Change } from "./change_stream";

interface Asked {
  lastId: string | null;
  send: (text: string) => void;
  end: () => void;
}

const asked: Asked[] = [];
const told: { connected: boolean[]; changes: Change[]; ids: string[] } = { connected: [], changes: [], ids: [] };
let answers: (() => Response)[] = [];
let stream: ChangeStream | null = null;
const encoder = new TextEncoder();

beforeEach(() => {
  vi.useFakeTimers();
  asked.length = 0;
  answers = [];
  Object.assign(told, { connected: [], changes: [], ids: [] });
  vi.stubGlobal(
    "fetch",
    async (_url: string, { headers, signal }: RequestInit & { headers: Record<string, string> }) => {
      const refused = answers.shift()?.();
      let controller: ReadableStreamDefaultController<Uint8Array>;
      const body = new ReadableStream<Uint8Array>({
        start: (made) => {
          controller = made;
        },
      });
      signal?.addEventListener("abort", () => controller.error(new DOMException("aborted", "AbortError")));
      asked.push({
        lastId: headers["Last-Event-ID"] ?? null,
        send: (text) => controller.enqueue(encoder.encode(text)),
        end: () => controller.close(),
      });
      return refused ?? new Response(body, { status: 200 });
    },
  );
});

afterEach(() => {
  stream?.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function open(seen = ""): void {
  stream = new ChangeStream(
    "http://service/v1/events",
    {
      connected: (now) => told.connected.push(now),
      changed: (change) => told.changes.push(change),
      position: (id) => told.ids.push(id),
    },
    seen,
  );
}

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const change = (id: number, layer: string): string =>
  `id: ${id}\nevent: change\ndata: {"layer":"${layer}","zoom":12,"cells":[[1,2]]}\n\n`;

it("tells changes, and comes back after the last one that it has seen", async () => {
  open();
  await pass(0);
  asked[0]!.send("id: 3\nretry: 700\n: connected\n\n");
  asked[0]!.send(change(4, "areas"));
  await pass(0);
  expect(told).toEqual({
    connected: [true],
    changes: [{ layer: "areas", zoom: 12, cells: [[1, 2]] }],
    ids: ["3", "4"],
  });
  asked[0]!.end();
  await pass(699);
  expect([asked.length, told.connected]).toEqual([1, [true, false]]);
  await pass(2);
  expect(asked[1]!.lastId).toBe("4");
  expect(told.connected).toEqual([true, false, true]);
});

it("resumes where another tab was", async () => {
  open("17");
  await pass(0);
  expect(asked[0]!.lastId).toBe("17");
});

it("waits as long as a refusal says, then asks for all that the service remembers", async () => {
  answers = [() => new Response("", { status: 429, headers: { "Retry-After": "10" } })];
  open();
  await pass(9_900);
  expect(asked.length).toBe(1);
  await pass(200);
  expect(asked[1]!.lastId).toBe("0");
});

it("waits longer with each refusal, and not at all when somebody does not want to", async () => {
  answers = Array.from({ length: 4 }, () => () => new Response("", { status: 503 }));
  open();
  await pass(1_000 + 2_000 + 100);
  expect(asked.length).toBe(3);
  stream!.again();
  stream!.again();
  await pass(200);
  expect(asked.length).toBe(4);
});

it("takes a new stream for a new login, once", async () => {
  open();
  await pass(0);
  asked[0]!.send("id: 3\n\n");
  await pass(0);
  stream!.again();
  stream!.again();
  await pass(300);
  expect(asked.length).toBe(2);
  expect(asked[1]!.lastId).toBe("3");
});

it("gives a stream up that says nothing any more", async () => {
  open();
  await pass(40_000);
  asked[0]!.send(": heartbeat\n\n");
  await pass(40_000);
  expect(asked.length).toBe(1);
  await pass(25_000);
  expect(asked.length).toBe(2);
});

it("asks for nothing after its end", async () => {
  open();
  await pass(0);
  stream!.stop();
  await pass(60_000);
  expect(asked.length).toBe(1);
});
