"""Bodies that nobody sends by accident.

Each is a problem or told row by row, never a 500, never partly lost.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from layers.errors import InputError
from layers.imports import read_fix_parts
from layers.imports.fix_formats import MAX_ROWS
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Seeded, api_over
from tests.support.fix_batches import ARROW, CSV, NDJSON, NOW, PARQUET, encoded, rows

Post = Callable[..., Any]
MEDIA = (NDJSON, CSV, ARROW, PARQUET)
REFUSED = (400, 413, 415, 422, 429)
STAMP = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.fixture(scope="module")
def post(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    for made in api_over(seeded, "hostile", tmp_path_factory.mktemp("hostile")):
        with session(SYSTEM, made.url) as db:
            create_user(db, username="svc", password=PASSWORD, role="service")
            key = create_key(db, "svc")
        client = TestClient(made.app, raise_server_exceptions=False)

        def send(body: bytes, media: str, *, client: TestClient = client, key: str = key, **more: str) -> Any:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": media, **more}
            return client.post("/v1/tracks?crs=wgs84", content=body, headers=headers)

        yield send


def is_a_problem(answer: Any) -> None:
    assert answer.status_code in REFUSED, (answer.status_code, answer.text[:500])
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"]


def all_told(answer: Any, given: int) -> dict[str, Any]:
    """Every row is accepted, a duplicate, or rejected with a reason that names row and field."""
    if answer.status_code != 200:
        is_a_problem(answer)
    told: dict[str, Any] = answer.json()
    assert told["accepted"] + told["duplicate"] + told["rejected"] == given, told
    assert len(told["reasons"]) >= min(told["rejected"], 100)
    assert all(each["row"] >= 1 and each["reason"] for each in told["reasons"])
    return told


def line(**more: Any) -> bytes:
    return json.dumps({"vehicle_id": "H", "t": STAMP, "lon": 120.1, "lat": 31.2, **more}).encode() + b"\n"


def parquet(table: pa.Table, **how: Any) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, **how)
    return out.getvalue()


def arrow(table: pa.Table) -> bytes:
    out = io.BytesIO()
    with pa.ipc.new_stream(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


@pytest.mark.parametrize("media", MEDIA)
def test_an_empty_body_and_one_of_another_kind(post: Post, media: str) -> None:
    for body in (b"", b"PK\x03\x04 not it", b"\x00" * 4096, b"\xff\xfe\x00\xd8", b"PAR1", b"PAR1" * 100):
        answer = post(body, media)
        if answer.status_code == 200:
            assert body == b"" and answer.json()["accepted"] == 0
        else:
            is_a_problem(answer)


@pytest.mark.parametrize("media", (ARROW, PARQUET))
def test_a_body_that_was_cut_writes_nothing(post: Post, media: str) -> None:
    whole = encoded(rows(f"cut-{media[-5:]}", 500), media)
    for share in (0.1, 0.5, 0.9, 0.99):
        is_a_problem(post(whole[: int(len(whole) * share)], media))
    assert post(whole, media).json()["accepted"] == 500  # nothing of the cut ones was there


@pytest.mark.parametrize("media", (NDJSON, CSV))
def test_a_text_that_was_cut_in_a_line_tells_that_line(post: Post, media: str) -> None:
    whole = encoded(rows(f"torn-{media[-3:]}", 20), media)
    told = all_told(post(whole[:-25], media), 20)
    assert (told["accepted"], told["rejected"]) == (19, 1) and told["reasons"][0]["row"] == 20


@pytest.mark.parametrize("encoding", ["gzip", "zstd", "br", "deflate", "gzip, gzip", "x"])
def test_compressed_bodies_are_not_unpacked(post: Post, encoding: str) -> None:
    answer = post(gzip.compress(b"\n" * 50_000_000), NDJSON, **{"Content-Encoding": encoding})
    is_a_problem(answer)
    assert answer.status_code == 415


NUMBERS = ("NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e999", "-0.0", "1e-320", "9" * 400)


@pytest.mark.parametrize("field", ["lon", "lat", "speed_kmh", "heading_deg"])
@pytest.mark.parametrize("value", NUMBERS)
def test_numbers_at_the_end_of_the_scale(post: Post, field: str, value: str) -> None:
    """In a text as they stand; where they mean anything, as a double too. A good row beside is kept."""
    vehicle = f"n-{field}-{value[:9]}"
    good = line(vehicle_id=vehicle)
    bad = line(vehicle_id=f"{vehicle}!", **{field: 1.5}).replace(
        f'"{field}": 1.5'.encode(), f'"{field}": {value}'.encode()
    )
    told = all_told(post(good + bad, NDJSON), 2)
    harmless = abs(float(value)) < 1e-300
    assert told["accepted"] >= 1 and (harmless or told["rejected"] == 1), told
    about = {"vehicle_id": "c", "t": STAMP, "lon": "120.1", "lat": "31.2", field: value}
    all_told(post((",".join(about) + "\n" + ",".join(about.values()) + "\n").encode(), CSV), 1)
    frame = rows(f"d-{vehicle}", 2).with_columns(
        pl.Series(field, [None if field[0] in "sh" else 31.2, float(value)])
    )
    for media in (ARROW, PARQUET):
        all_told(post(encoded(frame, media), media), 2)


@pytest.mark.parametrize("stamp", ["0000-00-00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "+292277026596-12-04",
                                   "-1", "1e20", "2026-02-30T00:00:00Z", "2026-01-01T25:00:00Z", "\x00", "明天", ""])  # fmt: skip
def test_times_far_out(post: Post, stamp: str) -> None:
    for body, media in ((line(t=stamp), NDJSON), (f"vehicle_id,t,lon,lat\nT,{stamp},120,31\n".encode(), CSV)):
        told = all_told(post(body, media), 1)
        assert told["rejected"] == 1 and told["reasons"][0]["field"] == "t"


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("value", [-(2**63), -(2**63) + 1, 2**63 - 1, 2**62, -(2**40), 0])
def test_timestamps_at_the_end_of_64_bits(post: Post, unit: str, value: int) -> None:
    t = pa.array([value], pa.int64()).cast(pa.timestamp(unit, "UTC"))
    table = pa.table({"vehicle_id": ["T"], "t": t, "lon": [120.1], "lat": [31.2]})
    answer = post(arrow(table), ARROW)
    assert answer.status_code in REFUSED, answer.text[:300]
    is_a_problem(answer)


WRONG = {
    "lists": pa.array([[1.0]]),
    "structs": pa.array([{"a": 1}]),
    "maps": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    "bytes": pa.array([b"\xff\x00"]),
    "booleans": pa.array([True]),
    "times of day": pa.array([1], pa.time64("us")),
    "durations": pa.array([1], pa.duration("us")),
    "decimals": pa.array([1]).cast(pa.decimal128(38, 0)),
    "nulls": pa.nulls(1),
    "texts": pa.array(["x"]),
    "dictionary": pa.array(["x"]).dictionary_encode(),
    "big text": pa.array(["x" * 5_000_000], pa.large_string()),
}


@pytest.mark.parametrize("kind", list(WRONG))
@pytest.mark.parametrize("name", ["vehicle_id", "t", "lon", "speed_kmh"])
def test_columns_of_a_wrong_type(post: Post, name: str, kind: str) -> None:
    columns = {"vehicle_id": pa.array(["W"]), "t": pa.array([NOW]), "lon": pa.array([120.1]), "lat": pa.array([31.2]),
               name: WRONG[kind]}  # fmt: skip
    for body, media in ((arrow(pa.table(columns)), ARROW), (parquet(pa.table(columns)), PARQUET)):
        answer = post(body, media)
        if answer.status_code != 200:
            is_a_problem(answer)


@pytest.mark.parametrize(
    "vehicle",
    [
        "",
        " ",
        "\x00",
        "a\x00b",
        "x" * 65,
        "x" * 1_000_000,
        "\u202e",
        "\ud800",
        "'; DROP TABLE fixes; --",
        "🚚",
        "苏F·A1234",
        "00:1B:44:11:3A:B7",
    ],
    ids=repr,
)
def test_names_of_vehicles(post: Post, vehicle: str) -> None:
    body = line(vehicle_id=vehicle)
    answer = post(body, NDJSON)
    if vehicle[:1] in ("苏", "0"):
        assert answer.status_code == 200
    else:
        is_a_problem(answer)


def test_bytes_that_are_no_utf8(post: Post) -> None:
    is_a_problem(post(line().replace(b'"H"', b'"\xed\xa0\x80"'), NDJSON))
    is_a_problem(post(b"vehicle_id,t,lon,lat\n\xff\xfe,2026-01-01,1,1\n", CSV))


@pytest.mark.parametrize("media", (ARROW, PARQUET))
def test_columns_of_text_that_is_no_utf8(post: Post, media: str) -> None:
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(b"\xed\xa0\x80")]
    )
    table = pa.table({"vehicle_id": text, "t": [NOW], "lon": [120.1], "lat": [31.2]})
    is_a_problem(post(arrow(table) if media == ARROW else parquet(table), media))


def test_the_same_column_twice(post: Post) -> None:
    columns = [pa.array(["D"]), pa.array([NOW]), pa.array([120.1]), pa.array([31.2]), pa.array([121.0])]
    table = pa.Table.from_arrays(columns, names=["vehicle_id", "t", "lon", "lat", "lon"])
    for body, media in (
        (arrow(table), ARROW),
        (parquet(table), PARQUET),
        (b"vehicle_id,t,lon,lat,lon\nD,2026,1,2,3\n", CSV),
    ):
        is_a_problem(post(body, media))


def test_a_hundred_thousand_columns(post: Post) -> None:
    names = [*("vehicle_id", "t", "lon", "lat"), *(f"c{i}" for i in range(100_000))]
    values = ["M", STAMP, "120.1", "31.2", *["1"] * 100_000]
    all_told(post((",".join(names) + "\n" + ",".join(values) + "\n").encode(), CSV), 1)
    wide = {name: pa.array([1]) for name in names[4:5_000]}
    table = pa.table({"vehicle_id": ["M2"], "t": [NOW], "lon": [120.1], "lat": [31.2], **wide})
    all_told(post(arrow(table), ARROW), 1)
    all_told(post(line(**dict.fromkeys(names[4:3_000], 1)), NDJSON), 1)


def test_json_that_nests_for_ever(post: Post) -> None:
    is_a_problem(post(b"[" * 60_000 + b"\n", NDJSON))
    is_a_problem(post(b'{"a":' * 10_000 + b"1" + b"}" * 10_000 + b"\n", NDJSON))
    is_a_problem(post(b'{"vehicle_id":"' + b"x" * 3_000_000 + b'"}\n', NDJSON))


def test_a_few_bytes_that_are_billions_of_rows_are_refused_before_they_are_read(post: Post) -> None:
    n = MAX_ROWS + 1
    run = pa.DictionaryArray.from_arrays(
        pa.array(pl.zeros(n, pl.Int32, eager=True).to_arrow()), pa.array(["B"])
    )
    ones = pa.array(pl.ones(n, pl.Float64, eager=True).to_arrow())
    t = pa.array(pl.zeros(n, pl.Int64, eager=True).to_arrow()).cast(pa.timestamp("us", "UTC"))
    body = parquet(pa.table({"vehicle_id": run, "t": t, "lon": ones, "lat": ones}), compression="zstd")
    assert len(body) < 200_000
    answer = post(body, PARQUET)
    is_a_problem(answer)
    assert f"{MAX_ROWS:,}" in answer.json()["detail"]
    with pytest.raises(InputError, match="rows"):
        next(read_fix_parts(io.BytesIO(body), PARQUET))


@pytest.mark.parametrize("media", MEDIA)
def test_two_equal_rows_are_one_fix(post: Post, media: str) -> None:
    frame = rows(f"twice-{media[-3:]}", 3)
    told = all_told(post(encoded(pl.concat([frame, frame]), media), media), 6)
    assert (told["accepted"], told["duplicate"]) == (3, 3)


@pytest.mark.parametrize(
    "value", ["NaN", "Infinity", "-Infinity", "1e308", "-1e308", "1e999", '"x"', "null", "true", "[]"]
)
@pytest.mark.parametrize("name", ["lon", "lat"])
def test_assignment_of_places_that_are_none(post: Post, public: TestClient, name: str, value: str) -> None:
    point = {"lon": 120.1, "lat": 31.2, "item_code": "ECO-001"}
    text = json.dumps(point).replace(f'"{name}": {point[name]}', f'"{name}": {value}')
    for path, body in (
        ("/v1/assign", text),
        ("/v1/assign/bulk", f'{{"points": [{json.dumps(point)}, {text}]}}'),
    ):
        answer = public.post(path, content=body, headers={"Content-Type": "application/json"})
        if path.endswith("bulk") and answer.status_code == 200:  # the other point is answered
            told = answer.json()
            assert [fault["row"] for fault in told["faults"]] == [2] and len(told["assignments"]) == 1
            continue
        is_a_problem(answer)
