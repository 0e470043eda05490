"""Limits before parsing: who sends, how large, how deep, how slow.

Each refusal leaves the service as it was.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.http.json_text import MAX_DEPTH, UnfitJson, read_json
from geo_api.server import connection_limits
from geo_api.server.request_limits import BODY_LIMITS, OTHER_BODIES, body_limit
from layers.postgres import SYSTEM, session
from tests.support.application import Api, serving
from tests.support.routes import routes_of
from tests.support.waiting import PATIENCE_S

Login = Callable[[str], TestClient]
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", ["/v1/login", "/v1/assign", "/v1/assign/bulk"])
def test_a_body_that_is_too_large_is_refused_unread(public: TestClient, path: str) -> None:
    most = body_limit(path).max_bytes
    answer = public.post(path, content=b" " * (most + 1), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
    assert f"{most:,}" in answer.json()["detail"] and answer.json()["detail_zh"]
    assert answer.headers["connection"] == "close" and answer.headers["x-request-id"]


def test_a_body_without_a_length_is_counted_as_it_arrives(public: TestClient) -> None:
    blocks = iter([b'{"username": "', *[b"a" * 1_000] * 9, b'", "password": "x"}'])
    answer = public.post("/v1/login", content=blocks, headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


@pytest.mark.parametrize(
    "path", ["/v1/change-sets", "/v1/cases/T20260101-0001/events", "/collections/sites/items"]
)
def test_nobody_sends_a_body_where_a_login_is_needed(public: TestClient, path: str) -> None:
    taken: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(3_000):
            taken.append(number)
            yield b"[" * 1_000

    answer = public.post(path, content=blocks(), headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/login-required")
    assert public.post(path, content=b"[" * 5_000, headers=JSON).status_code == 401


def test_a_body_without_the_token_of_the_page_is_refused_before_it_is_parsed(login: Login) -> None:
    client = login("grid.a")
    del client.headers["X-CSRF-Token"]
    answer = client.post("/v1/change-sets", content=b"no json", headers=JSON)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/csrf")


def test_the_largest_body_that_fits_is_read(login: Login) -> None:
    client = login("officer.a")
    body = b'{"action": "note", "note": "' + b"a" * (OTHER_BODIES.max_bytes - 30) + b'"}'
    assert len(body) == OTHER_BODIES.max_bytes
    answer = client.post("/v1/cases/none/events", content=body, headers=JSON | {"If-Match": "*"})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-body"), answer.text[:300]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"lon": 1, "lat": ' + b"[" * 900 + b"]" * 900 + b"}", "inside each other"),
        (b"[" * 100_000, "not JSON"),
        (b'{"item_code": "\\ud800", "lon": 1, "lat": 1}', "surrogate"),
        (b'{"item_code": "\xff", "lon": 1, "lat": 1}', "not JSON"),
        (b'{"lon": NaN, "lat": 1}', "not JSON"),
        (b'{"lon": Infinity, "lat": 1}', "not JSON"),
        (b'{"lon": 1, "lat": 1', "not JSON"),
        (b"", "not JSON"),
        ('{"lon": 1}'.encode("utf-16"), "not JSON"),
    ],
)
def test_json_that_nobody_may_send(public: TestClient, body: bytes, reason: str) -> None:
    answer = public.post("/v1/assign", content=body, headers=JSON | {"Content-Length": str(len(body))})
    if not body:
        assert answer.status_code == 422
        return
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-request"), answer.text
    assert reason in answer.json()["detail"] and answer.json()["detail_zh"].startswith("请求体")


def test_brackets_in_a_text_are_no_depth() -> None:
    read_json(b'{"note": "' + b"[" * 500 + b'\\"' + b"{" * 500 + b'\\\\"}')
    read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)
    for opened in (b"[", b'{"a":'):
        with pytest.raises(UnfitJson):
            read_json(opened * (MAX_DEPTH + 1) + b"1")


def test_faults_of_a_body_are_counted_and_not_all_listed(public: TestClient) -> None:
    points = b",".join([b"0"] * 9_000)
    answer = public.post(
        "/v1/assign/bulk", content=b'{"crs": "wgs84", "points": [' + points + b"]}", headers=JSON
    )
    assert answer.status_code == 422
    assert len(answer.json()["faults"]) == 100 and answer.json()["faults_found"] == 9_000


def test_a_step_of_a_case_stores_nothing_that_is_refused(api: Api, login: Login) -> None:
    number = api.ids["case_A"] if "case_A" in api.ids else "none"
    before = _events(api)
    client = login("officer.a")
    for payload in (
        b'{"x": "\\udfff"}',
        b'{"x": "\\u200b\\u200b"}',  # a reason that nobody can see
        b'{"x": "a\\u202eb"}',  # is shown otherwise than it is stored
        b'{"x": ' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"x": "' + b"a" * 20_000 + b'"}',
    ):
        body = b'{"action": "note", "note": "n", "payload": ' + payload + b"}"
        answer = client.post(f"/v1/cases/{number}/events", content=body, headers=JSON | {"If-Match": "*"})
        assert answer.status_code in (400, 404, 422), answer.text[:200]
    assert _events(api) == before


def _events(api: Api) -> Any:
    with session(SYSTEM, api.url) as db:
        return db.scalar(text("SELECT count(*) FROM case_events"))


def test_headers_that_are_too_large(public: TestClient) -> None:
    answer = public.get("/collections", headers={"Cookie": "a=" + "b" * 70_000})
    assert (answer.status_code, answer.json()["type"]) == (431, "/problems/head-too-large")


def test_every_limit_of_a_path_is_one_that_a_route_has(api: Api) -> None:
    paths = {path for _, path in routes_of(api.app)}
    for start, _ in BODY_LIMITS:
        assert any(path.startswith(start) for path in paths), start


@pytest.fixture
def quick_heads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEAD_SECONDS", 1)


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    return socket.create_connection((parts.hostname or "", parts.port or 0), timeout=PATIENCE_S)


def _rest(sent: socket.socket) -> bytes:
    found = b""
    try:
        while block := sent.recv(65_536):
            found += block
    except ConnectionResetError:
        pass
    return found


def test_an_endless_header_is_cut(api: Api) -> None:
    with serving(api.settings) as address, _connected(address) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ")
        sent = 0
        try:
            while sent < 100 * 2**20:
                sent += client.send(b"a" * 65_536)
        except (BrokenPipeError, ConnectionResetError):
            pass
        assert sent < 50 * 2**20, "the server reads on"


def test_a_head_of_normal_size_in_pieces_is_read_and_the_next_one_too(api: Api) -> None:
    with serving(api.settings) as address, _connected(address) as client:
        for _ in range(3):
            for piece in (b"GET /health/live HT", b"TP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n\r\n"):
                client.sendall(piece)
            answer = b""
            while b'"status"' not in answer:
                answer += client.recv(65_536)
            assert answer.startswith(b"HTTP/1.1 200")


def test_half_a_head_does_not_stay(api: Api, quick_heads: None) -> None:
    with serving(api.settings) as address, _connected(address) as half, _connected(address) as silent:
        half.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        started = time.monotonic()
        assert _rest(half).startswith(b"HTTP/1.1 408")
        assert _rest(silent) == b""
        assert time.monotonic() - started < PATIENCE_S
        assert not half.recv(1)


def test_a_connection_may_rest_between_two_requests_for_longer_than_a_head_may_take(
    api: Api, quick_heads: None
) -> None:
    with serving(api.settings) as address, _connected(address) as client, _connected(address) as clock:
        ask = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        client.sendall(ask)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")
        assert _rest(clock) == b""  # a second has passed
        client.sendall(ask)
        assert client.recv(65_536).startswith(b"HTTP/1.1 200")


def test_json_is_read_once(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the framework nor a route reads it again."""
    client, read, mark = login("dispatcher"), [], "120.15123456789"
    json_loads = json.loads

    def counted(given: Any, *arguments: Any, **more: Any) -> Any:
        read.append(str(given))
        return json_loads(given, *arguments, **more)

    bodies = {
        "/v1/assign": f'{{"lon": {mark}, "lat": 32.15, "item_code": "ECO-RESUME-001"}}',
        "/v1/change-sets": f'{{"name": {mark}}}',
        "/collections/places/items": f'{{"type": {mark}}}',
    }
    monkeypatch.setattr(json, "loads", counted)
    statuses = [client.post(path, content=body, headers=JSON).status_code for path, body in bodies.items()]
    monkeypatch.undo()
    assert 500 not in statuses and not [text for text in read if mark in text]
