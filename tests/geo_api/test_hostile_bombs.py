"""Small bodies that become large, and what a device's address can hold.

Refused, with the memory of the server measured.
"""

from __future__ import annotations

import datetime as dt
import io
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.tracks import routes_tracks as tracks
from layers.errors import InputError
from layers.imports import read_fix_parts
from layers.imports.fix_formats import MAX_ROWS
from layers.imports.unpacked_sizes import MAX_BYTES
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Seeded, api_over, serving
from tests.support.fix_batches import ARROW, PARQUET
from tests.support.service_process import serve
from tests.support.waiting import PATIENCE_S

MOST_MEMORY_BYTES = 1.5 * 2**30
LIMIT_BYTES = 64 * 2**20


def table(n: int, **more: Any) -> pa.Table:
    zeros = pa.array(np.zeros(n))
    columns = {"vehicle_id": pa.array(np.zeros(n, np.int64)), "lon": zeros, "lat": zeros}
    columns["t"] = pa.array(np.zeros(n, np.int64)).cast(pa.timestamp("us", "UTC"))
    return pa.table(columns | more)


def arrow(tables: list[pa.Table], compression: str | None) -> bytes:
    out = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=compression)
    with pa.ipc.new_stream(out, tables[0].schema, options=options) as writer:
        for each in tables:
            writer.write_table(each)
    return out.getvalue()


def parquet(made: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(made, out, compression="zstd")
    return out.getvalue()


def named_by_all(n: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array(["x" * 50_000_000]))


def views(n: int) -> pa.Array:
    one = pa.array(["y" * 1_000_000], pa.string_view()).buffers()
    return pa.Array.from_buffers(pa.string_view(), n, [None, pa.py_buffer(one[1].to_pybytes() * n), one[2]])


BOMBS: dict[str, Callable[[], bytes]] = {
    "one message, zstd": lambda: arrow([table(20_000_000)], "zstd"),
    "one message, lz4": lambda: arrow([table(20_000_000)], "lz4"),
    "many messages": lambda: arrow([table(2_000_000)] * 20, "zstd"),
    "rows of nothing": lambda: arrow(
        [pa.table(dict.fromkeys(table(1).column_names, pa.nulls(50_000_000)))], None
    ),
    "a long name in all rows": lambda: arrow([table(100_000, vehicle_id=named_by_all(100_000))], "zstd"),
    "views of the same bytes": lambda: arrow([table(300_000, vehicle_id=views(300_000))], None),
    "parquet: a long name in all rows": lambda: parquet(
        table(6, vehicle_id=pa.array(["x" * 50_000_000] * 6, pa.large_string()))
    ),
    "parquet: a long name of a dictionary": lambda: parquet(table(40, vehicle_id=named_by_all(40))),
    "parquet: rows": lambda: parquet(table(MAX_ROWS + 1)),
}


def media_of(name: str) -> str:
    return PARQUET if name.startswith("parquet") else ARROW


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused(name: str) -> None:
    body = BOMBS[name]()
    assert len(body) < LIMIT_BYTES
    with pytest.raises(InputError):
        for _ in read_fix_parts(io.BytesIO(body), media_of(name)):
            pass


def test_too_many_rows_are_refused_before_the_first_is_read() -> None:
    """Rows that were checked and written for nothing would take a busy server minutes."""
    body = arrow([table(MAX_ROWS // 2)] * 2 + [table(1)], "zstd")
    with pytest.raises(InputError, match=f"{MAX_ROWS:,} rows"):
        next(read_fix_parts(io.BytesIO(body), ARROW))
    fits = arrow([table(MAX_ROWS // 2)] * 2, "zstd")
    assert next(read_fix_parts(io.BytesIO(fits), ARROW))


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_a_stream_that_is_compressed_and_not_too_large_is_read(compression: str | None) -> None:
    made = table(120_000, vehicle_id=pa.array(["a"] * 120_000).dictionary_encode())
    parts = read_fix_parts(io.BytesIO(arrow([made], compression)), ARROW)
    assert sum(frame.height for frame, _ in parts) == 120_000


def test_a_length_that_is_a_lie_is_refused() -> None:
    """The first eight bytes of each compressed buffer say how long it becomes."""
    body = arrow([table(10_000)], "zstd")
    (honest,) = {(80_000).to_bytes(8, "little")}
    assert honest in body
    for lie in (MAX_BYTES + 1, 2**62, -2, -(2**63), 79_999, 80_001):
        told = body.replace(honest, lie.to_bytes(8, "little", signed=True))
        with pytest.raises(InputError):
            for _ in read_fix_parts(io.BytesIO(told), ARROW):
                pass


def test_a_stream_of_damaged_metadata_is_refused_or_read() -> None:
    body, chance = arrow([table(50)], "zstd"), np.random.default_rng(1)
    for _ in range(400):
        damaged = bytearray(body)
        damaged[chance.integers(len(body))] = chance.integers(256)
        try:
            for _ in read_fix_parts(io.BytesIO(bytes(damaged)), ARROW):
                pass
        except InputError:
            pass


def peaks() -> list[int]:
    """Greatest resident sizes of the processes below this one, in bytes."""
    parents, found = {}, []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
        except (OSError, ValueError):
            continue
        parents[int(place.name)] = int(status["PPid"]), int(status.get("VmHWM", "0 kB").split()[0]) * 1024
    below = {os.getpid()}
    for _ in range(5):
        below |= {pid for pid, (parent, _) in parents.items() if parent in below}
    for pid in below - {os.getpid()}:
        found.append(parents[pid][1])
    return found


def test_the_memory_of_a_server_that_is_sent_bombs(seeded: Seeded, tmp_path: Path) -> None:
    url = seeded.copy("bombs")
    with session(SYSTEM, url) as db:
        create_user(db, username="svc", password=PASSWORD, role="service")
        key = create_key(db, "svc")
    with (
        serve(url, tmp_path, workers=2, WANGGE_RATE_LIMITS="off") as service,
        httpx2.Client(base_url=service.address, timeout=PATIENCE_S) as client,
    ):
        for name, make in BOMBS.items():
            headers = {"Authorization": f"Bearer {key}", "Content-Type": media_of(name)}
            answer = client.post("/v1/tracks?crs=wgs84", content=make(), headers=headers)
            assert answer.status_code in (400, 422), (name, answer.text[:300])
            assert answer.headers["content-type"] == "application/problem+json"
        assert client.get("/health/ready").status_code == 200
        assert 50 * 2**20 < max(peaks()) < MOST_MEMORY_BYTES


@pytest.fixture(scope="module")
def device(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    for made in api_over(seeded, "devices", tmp_path_factory.mktemp("devices")):
        with session(SYSTEM, made.url) as db:
            create_user(db, username="svc", password=PASSWORD, role="service")
            key = create_key(db, "svc")
        yield TestClient(made.app, raise_server_exceptions=False), key


STRANGE = ("", " ", "NaN", "inf", "-1e308", "1e308", "1e999", "0x10", "１２", "1_0", "12,5", "\x00", "\u202e", "'--", "[]",
           "9" * 200, "-9223372036854775808", "2026-02-30", "%s", "🚚")  # fmt: skip


@pytest.mark.parametrize("name", ["id", "lat", "lon", "location", "timestamp", "speed", "bearing", "heading", "valid",
                                  "speed_unit", "deviceid"])  # fmt: skip
@pytest.mark.parametrize("form", [False, True], ids=["query", "form"])
def test_whatever_a_device_sends_is_told(device: tuple[TestClient, str], name: str, form: bool) -> None:
    client, key = device
    now = f"{dt.datetime.now(dt.UTC).timestamp():.0f}"
    for value in STRANGE:
        values = {"id": "OS", "lat": "31.2", "lon": "120.1", "timestamp": now} | {name: value}
        if form:
            answer = client.post(f"/v1/tracks/osmand?key={key}", data=values)
        else:
            answer = client.get("/v1/tracks/osmand", params=values | {"key": key})
        assert answer.status_code in (200, 400), (name, value, answer.status_code, answer.text[:300])
        if answer.status_code == 200:
            told = answer.json()
            assert told["accepted"] + told["duplicate"] + told["rejected"] == 1, (name, value, told)
            negative = (
                ("-1e308",) if name in ("lat", "lon") else ()
            )  # of speed and bearing it means: not known
            if value in ("1e308", *negative) and name in ("lat", "lon", "speed", "bearing"):
                assert told["rejected"] == 1 and told["reasons"][0]["reason"], (name, value, told)


def test_a_form_of_a_device_has_a_size(device: tuple[TestClient, str]) -> None:
    client, key = device
    assert client.post(f"/v1/tracks/osmand?key={key}", data={"id": "x" * 9_000}).status_code == 413
    twice = client.get(f"/v1/tracks/osmand?key={key}&id=A&id=B&lat=31.2&lon=120.1")
    assert twice.status_code in (200, 400)


def test_a_body_that_does_not_come_and_one_without_an_end(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow sender loses its place; one that names no length is stopped where the limit is.

    Neither is kept.
    """
    monkeypatch.setattr(tracks, "BODY_SECONDS", 1)
    for made in api_over(seeded, "slow", tmp_path):
        with session(SYSTEM, made.url) as db:
            create_user(db, username="svc", password=PASSWORD, role="service")
            key = create_key(db, "svc")
        settings = made.settings.model_copy(update={"ingest_max_bytes": 100_000})
        with serving(settings) as address:
            head = f"POST /v1/tracks?crs=wgs84 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nContent-Type: text/csv\r\n"
            port = int(address.rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as slow:
                slow.sendall(f"{head}Content-Length: 50000\r\n\r\nvehicle_id,t".encode())
                assert b" 408 " in slow.recv(4096).partition(b"\r\n")[0]
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as endless:
                endless.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
                for _ in range(4):
                    endless.sendall(b"%x\r\n%s\r\n" % (50_000, b"x" * 50_000))
                assert b" 413 " in endless.recv(4096).partition(b"\r\n")[0]
            with httpx2.Client(base_url=address, timeout=PATIENCE_S) as client:
                headers = {"Authorization": f"Bearer {key}", "Content-Type": "text/csv"}
                answer = client.post("/v1/tracks?crs=wgs84", content=b"x" * 100_001, headers=headers)
                assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
                assert client.get("/health/ready").status_code == 200
