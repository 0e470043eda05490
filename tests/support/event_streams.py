"""Streams of changes, read as a browser would read them."""

from __future__ import annotations

import contextlib
import json
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx2

from tests.support.application import PASSWORD
from tests.support.waiting import PATIENCE_S


class Stream:
    """The events of one stream, as a browser would read them."""

    def __init__(self) -> None:
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        self.last_id: str | None = None
        self.ready = threading.Event()

    def read(self, lines: Iterator[str]) -> None:
        data: dict[str, Any] | None = None
        try:
            for line in lines:
                if line.startswith("id: "):
                    self.last_id = line.removeprefix("id: ")
                elif line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                elif line == "" and data is not None:
                    self.events.put(data | {"id": self.last_id})
                    data = None
                elif line.startswith(": connected"):
                    self.ready.set()
        except httpx2.HTTPError:
            pass

    def next(self, layer: str | None = None) -> dict[str, Any]:
        """The next event, of that layer."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = self.events.get(timeout=max(end - time.monotonic(), 0.01))
            if layer in (None, found["layer"]):
                return found

    def until(self, layer: str, change: int = 0) -> list[dict[str, Any]]:
        """All events up to the one of a layer that tells of that change, or of a later one."""
        heard = [self.next()]
        while heard[-1]["layer"] != layer or (heard[-1]["change"] or 0) < change:
            heard.append(self.next())
        return heard


@contextlib.contextmanager
def listening(
    address: str,
    cookies: dict[str, str] | None = None,
    last_event_id: str | None = None,
    path: str = "/v1/events",
    authorization: str | None = None,
) -> Iterator[Stream]:
    headers = {} if last_event_id is None else {"Last-Event-ID": last_event_id}
    if authorization is not None:
        headers["Authorization"] = authorization
    stream = Stream()
    with (
        httpx2.Client(cookies=cookies, timeout=PATIENCE_S) as client,
        client.stream("GET", address + path, headers=headers) as answer,
    ):
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        threading.Thread(target=stream.read, args=(answer.iter_lines(),), daemon=True).start()
        assert stream.ready.wait(PATIENCE_S)
        yield stream


def log_in(address: str, username: str) -> dict[str, str]:
    answer = httpx2.post(
        f"{address}/v1/login", json={"username": username, "password": PASSWORD}, timeout=PATIENCE_S
    )
    assert answer.status_code == 200, answer.text
    return {"wangge_session": answer.cookies["wangge_session"]}
