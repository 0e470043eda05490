import { expect, it } from "vitest";
import { EventParser, type ServerEvent } from "./event_parser";

function parsed(...parts: string[]): { events: ServerEvent[]; parser: EventParser } {
  const events: ServerEvent[] = [];
  const parser = new EventParser((event) => events.push(event));
  for (const part of parts) parser.feed(part);
  return { events, parser };
}

it("reads events however the bytes are cut", () => {
  const text = 'id: 7\nretry: 1000\n: connected\n\nid: 8\nevent: change\ndata: {"layer":"areas"}\n\n';
  for (let cut = 0; cut <= text.length; cut++) {
    const { events, parser } = parsed(text.slice(0, cut), text.slice(cut));
    expect(events).toEqual([{ type: "change", data: '{"layer":"areas"}' }]);
    expect([parser.lastId, parser.retry_ms]).toEqual(["8", 1000]);
  }
});

it("knows the id of a stream that has told nothing yet", () => {
  const { events, parser } = parsed("id: 41\nretry: 1000\n: connected\n\n: heartbeat\n\n");
  expect(events).toEqual([]);
  expect(parser.lastId).toBe("41");
});

it("joins lines of data, takes every kind of line end, and passes over what it does not know", () => {
  expect(parsed("data: a\r\ndata:b\r\nnonsense\r\n\r\ndata\n\n").events).toEqual([
    { type: "message", data: "a\nb" },
    { type: "message", data: "" },
  ]);
  expect(parsed("data: not finished").events).toEqual([]);
});
