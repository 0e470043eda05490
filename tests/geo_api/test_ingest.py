"""Fixes in over HTTP: formats, duplicates, bad rows, areas, keys, back pressure, the OsmAnd protocol."""

from __future__ import annotations

import datetime as dt
import io
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import polars as pl
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key, revoke_keys
from geo_api.tracks.ingest import Terms, ingest
from layers.errors import InputError
from layers.imports import read_fix_parts
from layers.postgres import PUBLIC, SYSTEM, session
from tests.support.application import PASSWORD, Api, Seeded, api_over, serving
from tests.support.fix_batches import ARROW, CSV, NDJSON, NOW, PARQUET, encoded, rows
from tests.support.long_runs import examples
from tests.support.small_town import TOWN_A
from tests.support.waiting import PATIENCE_S

Post = Callable[..., Any]


@pytest.fixture(scope="module")
def own(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Api, dict[str, str]]]:
    for made in api_over(seeded, "ingest", tmp_path_factory.mktemp("ingest")):
        keys = {}
        with session(SYSTEM, made.url) as db:
            for name, area in (("city", None), ("town", TOWN_A)):
                create_user(db, username=f"svc.{name}", password=PASSWORD, role="service", area_code=area)
                keys[name] = create_key(db, f"svc.{name}")
        yield made, keys


@pytest.fixture
def post(own: tuple[Api, dict[str, str]]) -> Post:
    api, keys = own
    client = TestClient(api.app, raise_server_exceptions=False)

    def send(body: bytes, media: str, *, crs: str | None = "wgs84", key: str = "city") -> Any:
        headers = {"Authorization": f"Bearer {keys[key]}", "Content-Type": media}
        query = f"?crs={crs}" if crs else ""
        return client.post(f"/v1/tracks{query}", content=body, headers=headers)

    return send


def stored(api: Api, vehicle: str) -> list[tuple[Any, ...]]:
    with session(SYSTEM, api.url) as db:
        found = db.execute(
            text(
                "SELECT t, lon, lat, speed_kmh, heading_deg, h3_9, area_id FROM fixes f JOIN vehicles v"
                " ON v.id = f.vehicle_id WHERE v.vehicle_id = :v ORDER BY t"
            ),
            {"v": vehicle},
        )
        return [tuple(row) for row in found]


@pytest.mark.parametrize("media", [NDJSON, CSV, ARROW, PARQUET])
def test_every_format_stores_the_same_and_twice_changes_nothing(
    own: tuple[Api, dict[str, str]], post: Post, media: str
) -> None:
    import h3

    api, _ = own
    name = f"T-{media.rpartition('.')[2].rpartition('/')[2]}"
    frame = rows(name)
    first = post(encoded(frame, media), media).json()
    assert first == {
        "accepted": 5,
        "duplicate": 0,
        "rejected": 0,
        "reasons": [],
        "unregistered_vehicles": {"count": 1, "vehicle_ids": [name]},
    }
    found = stored(api, name)
    assert [row[:5] for row in found] == [
        (r["t"], r["lon"], r["lat"], r["speed_kmh"], r["heading_deg"]) for r in frame.iter_rows(named=True)
    ]
    assert [row[5] for row in found] == [
        int(h3.latlng_to_cell(31.2, 120.1 + i * 1e-4, 9), 16) for i in range(5)
    ]
    assert {row[6] for row in found} == {api.ids["community_A"]}
    again = post(encoded(frame, media), media).json()
    assert (again["accepted"], again["duplicate"], again["unregistered_vehicles"]["count"]) == (0, 5, 0)
    assert stored(api, name) == found


def test_part_of_a_batch_is_there_and_the_first_arrival_stays(
    own: tuple[Api, dict[str, str]], post: Post
) -> None:
    frame = rows("T-part", 6)
    post(encoded(frame[2:4], NDJSON), NDJSON)
    moved = pl.concat([frame, frame[:1]]).with_columns(lat=pl.lit(31.4))
    answer = post(encoded(moved, NDJSON), NDJSON).json()
    assert (answer["accepted"], answer["duplicate"]) == (4, 3)
    assert [row[2] for row in stored(own[0], "T-part")] == [31.4, 31.4, 31.2, 31.2, 31.4, 31.4]


def test_good_rows_are_written_and_bad_ones_told(own: tuple[Api, dict[str, str]], post: Post) -> None:
    t = NOW.isoformat()
    lines = [
        {"vehicle_id": "T-bad", "t": t, "lon": 120.1, "lat": 31.2},
        {"vehicle_id": "T-bad", "t": t, "lon": 31.2, "lat": 120.1},
        {"vehicle_id": "T-bad", "t": "yesterday", "lon": 120.1, "lat": 31.2},
        {"vehicle_id": "T-bad", "t": t, "lon": "far", "lat": 31.2},
        {"vehicle_id": "T-bad", "t": (NOW + dt.timedelta(days=1)).isoformat(), "lon": 120.1, "lat": 31.2},
        {"vehicle_id": "T-bad", "t": "1999-01-01T00:00:00Z", "lon": 120.1, "lat": 31.2},
        {"vehicle_id": "T\u0000bad", "t": t, "lon": 120.1, "lat": 31.2},
        {"t": t, "lon": 120.1, "lat": 31.2},
        {"vehicle_id": 77, "t": t, "lon": 120, "lat": 31.2, "unknown": [1]},
        {"vehicle_id": "T-bad", "t": t, "lon": 0, "lat": 0},
        {"vehicle_id": "T-bad", "t": t, "lon": 120.1, "lat": 31.2, "speed_kmh": -1},
    ]
    body = "\n".join(json.dumps(line) for line in lines) + "\n\nnot json\n[1]\n"
    answer = post(body.encode(), NDJSON)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["accepted"], told["duplicate"], told["rejected"]) == (2, 0, 11)
    assert {(r["row"], r["field"]) for r in told["reasons"]} >= {
        (2, "lat"), (3, "t"), (4, "lon"), (5, "t"), (6, "t"), (7, "vehicle_id"), (8, "vehicle_id"),
        (10, "lon"), (11, "speed_kmh"), (13, ""), (14, ""),
    }  # fmt: skip
    assert len(stored(own[0], "77")) == 1


def test_a_batch_without_a_good_row_is_a_422_and_reasons_are_capped(post: Post) -> None:
    frame = rows("T-none", 300).with_columns(lat=pl.lit(95.0))
    answer = post(encoded(frame, CSV), CSV)
    problem = answer.json()
    assert answer.status_code == 422 and problem["type"] == "/problems/rejected"
    assert problem["rejected"] == 300 and len(problem["reasons"]) == 100


@pytest.mark.parametrize(
    ("body", "media", "crs", "status", "named"),
    [
        (b"{}", NDJSON, None, 422, "crs"),
        (b"{}", NDJSON, "mars", 422, "mars"),
        (b"{}", "application/json", "wgs84", 415, "x-ndjson"),
        (b"PAR1 no", PARQUET, "wgs84", 422, "Parquet"),
        (b"nothing", ARROW, "wgs84", 422, "Arrow"),
        (b"vehicle_id,t,lon\n1,2,3\n", CSV, "wgs84", 422, "lat"),
        (b"\xff\xfe\x00", CSV, "wgs84", 422, "UTF-8"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_problem(
    post: Post, body: bytes, media: str, crs: str | None, status: int, named: str
) -> None:
    answer = post(body, media, crs=crs)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json" and named in answer.json()["detail"]


def test_other_coordinate_systems_are_brought_to_storage(own: tuple[Api, dict[str, str]], post: Post) -> None:
    frame = rows("T-gcj", 1).with_columns(lon=pl.lit(120.868746860), lat=pl.lit(32.014148162))
    assert post(encoded(frame, CSV), CSV, crs="gcj02").json()["accepted"] == 1
    lon, lat = stored(own[0], "T-gcj")[0][1:3]
    assert abs(lon - 120.8645) < 1e-8 and abs(lat - 32.0163) < 1e-8


def test_an_account_of_an_area_writes_only_there(own: tuple[Api, dict[str, str]], post: Post) -> None:
    frame = pl.concat([rows("T-in", 2), rows("T-out", 3, lon=120.7)])
    told = post(encoded(frame, PARQUET), PARQUET, key="town").json()
    assert (told["accepted"], told["rejected"]) == (2, 3)
    assert {r["row"] for r in told["reasons"]} == {3, 4, 5}
    assert stored(own[0], "T-out") == []


def test_who_may_write(own: tuple[Api, dict[str, str]]) -> None:
    api, keys = own
    body, headers = encoded(rows("T-who"), CSV), {"Content-Type": CSV}
    client = TestClient(api.app, raise_server_exceptions=False)

    def status(**extra: str) -> int:
        return client.post("/v1/tracks?crs=wgs84", content=body, headers={**headers, **extra}).status_code

    assert status() == 401
    assert status(Authorization="Bearer wk_wrong") == 401
    for name, expected in (("officer.a", 403), ("viewer.a", 403), ("dispatcher", 200)):
        answer = client.post("/v1/login", json={"username": name, "password": PASSWORD})
        assert status() == 403, "a cookie without its CSRF token"
        assert status(**{"X-CSRF-Token": answer.json()["csrf_token"]}) == expected
    client.cookies.clear()
    with session(SYSTEM, api.url) as db:
        extra = create_key(db, "svc.town")
        assert db.scalar(text("SELECT count(*) FROM api_keys WHERE key_hash = :k"), {"k": extra}) == 0
    assert status(Authorization=f"Bearer {extra}") == 200
    with session(SYSTEM, api.url) as db:
        assert revoke_keys(db, "svc.town") >= 1
        keys["town"] = create_key(db, "svc.town")
        with pytest.raises(InputError, match="role dispatcher"):
            create_key(db, "dispatcher")
    assert status(Authorization=f"Bearer {extra}") == 401
    with session(PUBLIC, api.url) as db, pytest.raises(Exception, match="permission denied"):
        db.execute(text("SELECT * FROM api_keys"))


def test_too_much_is_refused_before_it_is_held(own: tuple[Api, dict[str, str]], post: Post) -> None:
    gate = own[0].app.state.ingest_gate
    body = encoded(rows("T-much"), CSV)
    try:
        gate.max_body_bytes = len(body) - 1
        assert post(body, CSV).status_code == 413
        gate.max_body_bytes, gate.max_bytes = 10**6, len(body) - 1
        answer = post(body, CSV)
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
        gate.max_bytes, gate.max_batches = 10**6, 0
        assert post(body, CSV).status_code == 429
    finally:
        gate.max_body_bytes = gate.max_bytes = 10**8
        gate.max_batches = 16
    assert (gate.bytes, gate.batches) == (0, 0)
    assert post(body, CSV).json()["accepted"] == 5


def test_a_refused_client_hears_the_answer_after_it_has_sent_all(own: tuple[Api, dict[str, str]]) -> None:
    """A large body that the server did not read would break the connection before the client hears the
    429.
    """
    api, keys = own
    headers = {"Authorization": f"Bearer {keys['city']}", "Content-Type": CSV}
    with serving(api.settings.model_copy(update={"ingest_batches": 0})) as address:
        for _ in range(3):
            answer = httpx2.post(
                f"{address}/v1/tracks?crs=wgs84",
                content=b"x" * (20 * 2**20),
                headers=headers,
                timeout=PATIENCE_S,
            )
            assert answer.status_code == 429 and answer.json()["type"] == "/problems/busy"


def test_batches_with_the_same_keys_at_once_neither_lose_nor_double(own: tuple[Api, dict[str, str]]) -> None:
    api, _ = own
    day = NOW - dt.timedelta(days=40)
    frames = [rows(f"T-race-{i}", 400, start=day) for i in range(6)]
    terms = Terms(api.url, "wgs84", SYSTEM, 366, 30)
    barrier = threading.Barrier(4)

    def send(shift: int) -> tuple[int, int]:
        body = encoded(pl.concat(frames[shift:] + frames[:shift]), PARQUET)
        barrier.wait()
        report = ingest(lambda: read_fix_parts(io.BytesIO(body), PARQUET, rows=700), terms)
        return report.accepted, report.duplicate

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(send, range(4)))
    assert sum(accepted for accepted, _ in told) == 2400 and sum(map(sum, told)) == 4 * 2400
    assert sum(len(stored(api, f"T-race-{i}")) for i in range(6)) == 2400


def test_the_index_of_areas_is_made_anew_when_an_area_changes(
    own: tuple[Api, dict[str, str]], post: Post
) -> None:
    api, _ = own
    assert post(encoded(rows("T-sea", 1, lon=122.5), CSV), CSV).json()["accepted"] == 1
    with session(SYSTEM, api.url) as db:
        new = db.scalar(
            text(
                "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) VALUES ('9', 'sea',"
                " 'community', '2020-01-01', ST_Multi(ST_MakeEnvelope(122, 31, 123, 32, 4326)),"
                " ST_SetSRID(ST_MakePoint(122.5, 31.5), 4326), 1) RETURNING id"
            )
        )
    later = rows("T-sea", 1, lon=122.5, start=NOW - dt.timedelta(hours=1))
    post(encoded(later, CSV), CSV)
    assert [row[6] for row in stored(api, "T-sea")] == [new, None]


def test_a_database_that_is_held_up_is_a_503_and_nothing_is_written(
    own: tuple[Api, dict[str, str]], post: Post
) -> None:
    api, _ = own
    body = encoded(rows("T-held", 3), PARQUET)
    api.app.state.settings.statement_timeout_s, before = 1, api.app.state.settings.statement_timeout_s
    try:
        with session(SYSTEM, api.url) as db:
            db.execute(text("LOCK TABLE fixes IN ACCESS EXCLUSIVE MODE"))
            answer = post(body, PARQUET)
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-slow")
    finally:
        api.app.state.settings.statement_timeout_s = before
    assert stored(api, "T-held") == []
    assert post(body, PARQUET).json()["accepted"] == 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_osmand(own: tuple[Api, dict[str, str]], method: str) -> None:
    api, keys = own
    client = TestClient(api.app, raise_server_exceptions=False)
    name, stamp = f"T-osmand-{method}", int(NOW.timestamp()) - 60
    values = {"id": name, "lat": "31.2", "lon": "120.1", "timestamp": str(stamp), "speed": "10",
              "bearing": "270", "altitude": "4", "batt": "88", "key": keys["city"]}  # fmt: skip
    key = {"key": values["key"]}
    if method == "GET":
        answer = client.get("/v1/tracks/osmand", params=values)
    else:
        answer = client.post("/v1/tracks/osmand", params=key, data=values)
    assert answer.status_code == 200, answer.text
    assert answer.json()["accepted"] == 1
    t, lon, lat, speed, heading = stored(api, name)[0][:5]
    assert (t.timestamp(), lon, lat, speed, heading) == (stamp, 120.1, 31.2, 18.52, 270.0)
    ms = {**values, "timestamp": str(stamp * 1000), "speed_unit": "ms"}
    assert client.get("/v1/tracks/osmand", params=ms).json()["duplicate"] == 1
    bad = client.get("/v1/tracks/osmand", params={**values, "lat": "131"})
    assert bad.status_code == 200 and bad.json()["rejected"] == 1
    invalid = client.get("/v1/tracks/osmand", params={**values, "valid": "false"})
    assert invalid.json()["rejected"] == 1
    assert client.get("/v1/tracks/osmand", params={**values, "lat": "north"}).status_code == 400
    assert client.get("/v1/tracks/osmand", params={**values, "id": ""}).status_code == 400
    assert client.get("/v1/tracks/osmand", params={**values, "key": "wk_no"}).status_code == 401
    assert client.get("/v1/tracks/osmand", params={**values, "key": ""}).status_code == 401


def test_a_phone_sends_json_and_what_it_does_not_know_is_null(own: tuple[Api, dict[str, str]]) -> None:
    api, keys = own
    client = TestClient(api.app, raise_server_exceptions=False)
    moment = NOW - dt.timedelta(seconds=50)
    location = {
        "timestamp": moment.isoformat().replace("+00:00", "Z"),
        "coords": {"latitude": 31.2, "longitude": 120.1, "accuracy": 4.3, "speed": 11.1, "heading": 158.4},
        "is_moving": True,
        "battery": {"level": 0.88, "is_charging": False},
    }
    sent = {"location": location, "device_id": "T-phone"}
    answer = client.post("/v1/tracks/osmand", params={"key": keys["city"]}, json=sent)
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    t, lon, lat, speed, heading = stored(api, "T-phone")[0][:5]
    assert (t, lon, lat, heading) == (moment, 120.1, 31.2, 158.4)
    assert speed == pytest.approx(39.96, abs=0.01)  # 11.1 m/s

    unknown = {**location["coords"], "speed": -1, "heading": -1}  # type: ignore[dict-item]
    sent = {"location": location | {"coords": unknown}, "device_id": "T-phone-unknown"}
    assert client.post("/v1/tracks/osmand", params={"key": keys["city"]}, json=sent).json()["accepted"] == 1
    assert stored(api, "T-phone-unknown")[0][3:5] == (None, None)
    for broken in (b"{", b"[]", b'{"location": 1, "device_id": "x"}', b'{"location": {"coords": []}}'):
        answer = client.post(
            "/v1/tracks/osmand",
            params={"key": keys["city"]},
            content=broken,
            headers={"Content-Type": "application/json"},
        )
        assert answer.status_code == 400, broken


def test_a_tracker_sends_what_nobody_reads(own: tuple[Api, dict[str, str]]) -> None:
    api, keys = own
    client = TestClient(api.app, raise_server_exceptions=False)
    stamp = int(NOW.timestamp()) - 40
    asked = (
        f"id=T-extra&lat=31.2&lon=120.1&timestamp={stamp}&sat=9&ignition=true&alarm=sos&bearing=-1&speed=-1"
    )
    answer = client.get(f"/v1/tracks/osmand?{asked}&key={keys['city']}")
    assert (answer.status_code, answer.json()["accepted"]) == (200, 1), answer.text
    assert stored(api, "T-extra")[0][3:5] == (None, None)


def test_a_cookie_cannot_write_by_get(own: tuple[Api, dict[str, str]]) -> None:
    client = TestClient(own[0].app, raise_server_exceptions=False)
    client.post("/v1/login", json={"username": "dispatcher", "password": PASSWORD})
    assert client.get("/v1/tracks/osmand?id=x&lat=31.2&lon=120.1").status_code == 401


@examples(60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=300), media=st.sampled_from([NDJSON, CSV, ARROW, PARQUET]))
def test_any_bytes_are_read_or_refused(body: bytes, media: str) -> None:
    try:
        for frame, faults in read_fix_parts(io.BytesIO(body), media):
            assert frame.height + len(faults) >= 0
    except InputError:
        pass


FIT = ("苏F·A1234", "粤B 挂1234", "00:1B:44:11:3A:B7", "866123456789012", "bus_7.2-b", "नि1")
UNFIT = (
    '=HYPERLINK("http://x")',
    "+86",
    "@cmd",
    "-5",
    "a/b",
    "a=b",
    "T\tx",
    "T\u202ex",
    "T\u200bx",
    "<b>",
    "x" * 65,
)


def test_ids_of_vehicles_have_an_alphabet_at_every_door_over_http(
    own: tuple[Api, dict[str, str]], post: Post
) -> None:
    api, keys = own
    t = NOW.isoformat()
    lines = [{"vehicle_id": each, "t": t, "lon": 120.1, "lat": 31.2} for each in (*FIT, *UNFIT)]
    told = post("\n".join(map(json.dumps, lines)).encode(), NDJSON).json()
    assert (told["accepted"], told["rejected"]) == (len(FIT), len(UNFIT))
    assert {(r["row"], r["field"]) for r in told["reasons"]} == {
        (len(FIT) + place, "vehicle_id") for place in range(1, len(UNFIT) + 1)
    }
    assert "letters of any script" in told["reasons"][0]["reason"] and "汉字" in told["reasons"][0]["reason"]
    client = TestClient(api.app, raise_server_exceptions=False)
    values = {"lat": "31.2", "lon": "120.1", "timestamp": str(int(NOW.timestamp())), "key": keys["city"]}
    for each in UNFIT:
        answer = client.get("/v1/tracks/osmand", params={**values, "id": each}).json()
        assert (answer["rejected"], answer["reasons"][0]["field"]) == (1, "vehicle_id"), each
    with session(SYSTEM, api.url) as db:
        names = set(db.scalars(text("SELECT vehicle_id FROM vehicles")))
    assert set(FIT) <= names and not set(UNFIT) & names
