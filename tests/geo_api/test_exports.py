"""Exports read back by GDAL, pyogrio, geopandas and pmtiles; scope, HEAD, errors on the way, cancellation."""

from __future__ import annotations

import contextlib
import csv
import datetime as dt
import gzip
import io
import json
import socket
import zoneinfo
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import geopandas as gpd
import httpx2
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pyogrio
import pytest
from pmtiles.reader import MemorySource, Reader, all_tiles
from shapely.geometry import shape
from sqlalchemy import text
from starlette.testclient import TestClient

from geo_api.features.exports import FORMATS
from layers.collections import COLLECTIONS, Selection
from layers.exports import ExportSource, text_of_cell
from layers.exports.rows import STATEMENT_NAME, record_batches
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Api, Seeded, api_over
from tests.support.direct_writes import write_cases_directly
from tests.support.long_runs import crossed
from tests.support.waiting import PATIENCE_S, wait_until

SEEDED = ("areas", "grids", "sites", "alerts", "cases", "stays", "visits", "tracks", "hot_spots")
AWKWARD = '测"试",\\ 甲\n乙 \t=1+1'
"""A name with everything that a text format must escape."""


@pytest.fixture(scope="module")
def own(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A copy with awkward names and with a unit grid that has a hole and two parts."""
    for made in api_over(seeded, "exports", tmp_path_factory.mktemp("exports")):
        with session(SYSTEM, made.url) as db:
            db.execute(text("UPDATE enterprises SET name = :n WHERE name LIKE '%A%'"), {"n": AWKWARD})
            db.execute(
                text("UPDATE enterprises SET status_since = NULL, industry = '' WHERE name <> :n"),
                {"n": AWKWARD},
            )
            db.execute(
                text(
                    "UPDATE areas SET geom = ST_GeomFromText('MULTIPOLYGON(((120 31,120.2 31,120.2 31.2,120"
                    " 31.2,120 31),(120.05 31.05,120.1 31.05,120.1 31.1,120.05 31.1,120.05 31.05)),((120.22"
                    " 31,120.24 31,120.24 31.1,120.22 31)))', 4326) WHERE code = '320601001001001'"
                )
            )
            write_cases_directly(db)
            for letter in "AB":
                db.execute(
                    text(
                        "INSERT INTO cases (number, title, item_code, domain, grid_area_id, town_area_id,"
                        " lead_body, co_handlers, assignment, state, opened_at, due_at, geom, area_id) VALUES"
                        " (:number, :title, 'ECO-001', 'ecology', :grid, :town, NULL, ARRAY['甲,乙',"
                        " '\"丙\"'], '{}', 'reported', '2026-03-01T01:02:03Z', '2026-03-02Z',"
                        " ST_SetSRID(ST_MakePoint(120.1, 31.2), 4326), :area)"
                    ),
                    {"number": f"NT-{letter}", "title": AWKWARD, "grid": made.ids[f"grid_{letter}1"],
                     "town": made.ids[f"town_{letter}"], "area": made.ids[f"community_{letter}"]},
                )  # fmt: skip
        yield made


_logged_in: dict[tuple[str, str | None], TestClient] = {}


def client(api: Api, username: str | None = None) -> TestClient:
    if (api.url, username) not in _logged_in:
        made = _logged_in[api.url, username] = TestClient(api.app, raise_server_exceptions=False)
        if username:
            made.post("/v1/login", json={"username": username, "password": PASSWORD})
    return _logged_in[api.url, username]


def items(who: TestClient, collection: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = who.get(f"/collections/{collection}/items?limit=10000{query}").json()[
        "features"
    ]
    return found


def read(body: bytes, ending: str, folder: Path) -> gpd.GeoDataFrame:
    path = folder / f"x.{ending}"
    path.write_bytes(body)
    if ending == "parquet":
        return gpd.read_parquet(path)
    if ending == "geojsonseq":  # the id of a GeoJSON feature is GDAL's FID
        return pyogrio.read_dataframe(path, fid_as_index=True).reset_index(names="id")
    return pyogrio.read_dataframe(path)


def plain(value: Any) -> Any:
    """A value of a data frame as items show it."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return None
    if isinstance(value, pd.Timestamp | dt.datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, dt.date):
        return value.isoformat()
    return value


def assert_same(frame: gpd.GeoDataFrame, features: list[dict[str, Any]]) -> None:
    assert len(frame) == len(features)
    for (_, row), feature in zip(frame.sort_values("id").iterrows(), features, strict=True):
        assert row["id"] == feature["id"]
        assert row.geometry.normalize().equals_exact(shape(feature["geometry"]).normalize(), 1e-7)
        for name, value in feature["properties"].items():
            found = plain(row[name])
            if isinstance(value, dict | list):
                found = json.loads(found) if isinstance(found, str) else found
                assert json.dumps(found, sort_keys=True) == json.dumps(value, sort_keys=True)
            elif isinstance(value, str) and len(value) == 10 and isinstance(found, str):
                assert found[:10] == value, name
            else:
                assert found == value, (name, found, value)


@pytest.mark.long
@pytest.mark.parametrize(
    ("collection", "ending"), crossed(list(COLLECTIONS), ["fgb", "parquet", "gpkg", "geojsonseq"], 1)
)
def test_what_is_read_back_equals_the_items(own: Api, tmp_path: Path, collection: str, ending: str) -> None:
    who = client(own, "supervisor")
    answer = who.get(f"/collections/{collection}/export?f={ending}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == FORMATS[ending].media_type
    assert f'filename="{collection}-' in answer.headers["content-disposition"]
    assert answer.headers["content-disposition"].endswith(f'.{ending}"')
    features = items(who, collection)
    assert features or collection not in SEEDED
    if ending == "geojsonseq" and not features:
        assert answer.content == b""
        return
    frame = read(answer.content, ending, tmp_path)
    assert frame.crs is not None and frame.crs.to_epsg() in (4326, None) and frame.crs.is_geographic
    assert_same(frame, features)


@pytest.mark.parametrize("collection", ["sites", "areas", "cases"])
def test_csv_holds_the_items(own: Api, collection: str) -> None:
    who = client(own, "supervisor")
    answer = who.get(f"/collections/{collection}/export?f=csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    features = items(who, collection)
    assert len(rows) == len(features)
    for row, feature in zip(rows, features, strict=True):
        assert row["id"] == str(feature["id"])
        for name, value in feature["properties"].items():
            if isinstance(value, bool):
                assert row[name] == str(value).lower()
            elif isinstance(value, dict | list):
                assert json.loads(row[name]) == value
            elif isinstance(value, float):
                assert float(row[name]) == value
            else:
                assert row[name] == ("" if value is None else str(value))
        if "lon" in row:
            assert [float(row["lon"]), float(row["lat"])] == feature["geometry"]["coordinates"]


def test_geoparquet_says_what_the_specification_asks_for(own: Api) -> None:
    body = client(own).get("/collections/areas/export?f=parquet").content
    file = pq.ParquetFile(io.BytesIO(body))
    geo = json.loads(file.metadata.metadata[b"geo"])
    assert geo["version"] == "1.1.0" and geo["primary_column"] == "geometry"
    column = geo["columns"]["geometry"]
    assert column["encoding"] == "WKB" and column["geometry_types"] == ["MultiPolygon"]
    assert column["bbox"] == [120.0, 31.0, 121.0, 31.5] and "crs" not in column
    assert str(file.schema_arrow.field("valid_from").type) == "timestamp[us, tz=UTC]"
    assert str(file.schema_arrow.field("indicative").type) == "bool"


def test_pmtiles_hold_the_tiles_of_the_service(own: Api) -> None:
    who = client(own, "supervisor")
    answer = who.get("/collections/sites/export?f=pmtiles")
    assert answer.status_code == 200, answer.text
    source = MemorySource(answer.content)
    reader = Reader(source)
    header, metadata = reader.header(), reader.metadata()
    assert (header["min_zoom"], header["max_zoom"]) == (0, 14)
    assert header["min_lon_e7"] / 1e7 == pytest.approx(120.1) and header["max_lon_e7"] / 1e7 == pytest.approx(
        120.6
    )
    assert metadata["vector_layers"][0]["id"] == "sites" and metadata["truncated_tiles"] == 0
    tiles = dict(all_tiles(source))
    assert len(tiles) > 15
    for (zoom, column, row), tile in list(tiles.items())[::5]:
        live = who.get(f"/collections/sites/tiles/WebMercatorQuad/{zoom}/{row}/{column}").content
        assert gzip.decompress(tile) == live


def test_filters_of_items_are_filters_of_exports(own: Api, tmp_path: Path) -> None:
    who = client(own)
    query = "&kind=unit_grid,town&bbox=120.3,31.1,120.4,31.2&at=2026-01-01T00:00:00Z"
    frame = read(who.get(f"/collections/areas/export?f=fgb{query}").content, "fgb", tmp_path)
    assert_same(frame, items(who, "areas", query))
    assert 0 < len(frame) < 6
    empty = read(who.get("/collections/sites/export?f=gpkg&bbox=1,1,2,2").content, "gpkg", tmp_path)
    assert len(empty) == 0 and "hazard" in empty.columns
    assert who.get("/collections/sites/export?f=pmtiles&bbox=1,1,2,2").status_code == 404


@pytest.mark.long
@pytest.mark.parametrize(
    ("collection", "ending"), crossed(["alerts", "cases", "stays", "visits", "tracks"], list(FORMATS), 2)
)
def test_an_officer_gets_no_row_of_another_town(
    own: Api, tmp_path: Path, collection: str, ending: str
) -> None:
    path = f"/collections/{collection}/export?f={ending}"
    assert client(own).get(path).status_code == 401
    mine, other = client(own, "officer.a"), client(own, "officer.b")
    ours, theirs = mine.get(path), other.get(path)
    if ending in ("csv", "pmtiles"):
        expected = len(items(mine, collection))
        if ending == "csv":
            assert len(list(csv.DictReader(io.StringIO(ours.content.decode("utf-8-sig"))))) == expected
        assert ours.content != theirs.content
        return
    ids = set(read(ours.content, ending, tmp_path)["id"])
    assert ids == {f["id"] for f in items(mine, collection)} and ids
    assert not ids & set(read(theirs.content, ending, tmp_path)["id"])
    assert b"V-B" not in ours.content and "苏FB5678".encode() not in ours.content


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/collections/sites/export", 400, "f"),
        ("/collections/sites/export?f=xls", 400, "f"),
        ("/collections/sites/export?f=csv&limti=3", 400, "limti"),
        ("/collections/sites/export?f=csv&datetime=2026-01-01", 400, "datetime"),
        ("/collections/nothing/export?f=csv", 404, "nothing"),
    ],
)
def test_a_wrong_question_is_a_problem(own: Api, path: str, status: int, named: str) -> None:
    answer = client(own).get(path)
    assert answer.status_code == status and named in answer.json()["detail"]
    assert answer.headers["content-type"] == "application/problem+json"


def test_head_costs_nothing_and_names_the_file(own: Api) -> None:
    answer = client(own).head("/collections/sites/export?f=gpkg")
    assert answer.status_code == 200 and answer.content == b""
    assert answer.headers["content-type"] == "application/geopackage+sqlite3"
    assert answer.headers["content-disposition"].endswith('.gpkg"')
    assert client(own).head("/collections/sites/export?f=csv&datetime=2026-01-01").status_code == 400


def test_text_is_packed_for_those_who_take_gzip_and_binaries_never(own: Api) -> None:
    who = client(own)
    plain_csv = who.get("/collections/sites/export?f=csv", headers={"Accept-Encoding": "identity"})
    assert plain_csv.headers["content-encoding"] == "identity"
    packed = who.get("/collections/sites/export?f=csv", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip" and packed.content == plain_csv.content
    binary = who.get("/collections/areas/export?f=parquet", headers={"Accept-Encoding": "gzip"})
    assert binary.headers["content-encoding"] == "identity" and binary.content[:4] == b"PAR1"


@pytest.mark.parametrize("ending", list(FORMATS))
def test_a_query_that_takes_too_long_is_a_problem_before_the_first_byte(own: Api, ending: str) -> None:
    own.app.state.settings.export_timeout_s, before = 1, own.app.state.settings.export_timeout_s
    try:
        with session(SYSTEM, own.url) as db:
            db.execute(text("LOCK TABLE sites IN ACCESS EXCLUSIVE MODE"))
            answer = client(own).get(f"/collections/sites/export?f={ending}")
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/too-slow")
    finally:
        own.app.state.settings.export_timeout_s = before


def test_more_exports_than_places_are_sent_away(own: Api) -> None:
    gate = own.app.state.export_gate
    most, gate.most = gate.most, 0
    try:
        answer = client(own).get("/collections/sites/export?f=csv")
        assert answer.status_code == 429 and int(answer.headers["retry-after"]) >= 1
    finally:
        gate.most = most
    for ending in FORMATS:
        assert client(own).get(f"/collections/sites/export?f={ending}").status_code == 200
    assert client(own).get("/collections/sites/export?f=pmtiles&bbox=1,1,2,2").status_code == 404
    assert gate.running == 0


@pytest.fixture(scope="module")
def many_rows(api: Api) -> Iterator[None]:
    """25,000 sites with long names that no compression makes short: more than all buffers on the way hold."""
    name = " || ".join(f"md5('{letter}' || i)" for letter in "abcdefghijklmnopqrstuvwxyz")
    made = (
        f"INSERT INTO sites (site_id, enterprise_id, kind, geom, h3_9, h3_10) SELECT {name}, e.id, 'sales',"
        " ST_SetSRID(ST_MakePoint(120, 31), 4326), 0, 0 FROM generate_series(1, 25000) i,"
        " (SELECT min(id) AS id FROM enterprises) e"
    )
    with session(SYSTEM, api.url) as db:
        db.execute(text(made))
    yield
    with session(SYSTEM, api.url) as db:
        db.execute(text("DELETE FROM sites WHERE length(site_id) > 500"))


@pytest.fixture
def many(many_rows: None, served: str) -> str:
    """A server over many rows: the address of their export."""
    return f"{served}/collections/sites/export"


def copies(api: Api) -> int:
    with database.engine(api.url).connect() as connection:
        found = connection.scalar(
            text("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state <> 'idle'")
        )
    return int(found or 0)


@contextlib.contextmanager
def reading(url: str) -> Iterator[httpx2.Response]:
    """An answer over a socket with a small buffer: the server waits for a reader who does not read."""
    small = httpx2.HTTPTransport(socket_options=[(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)])
    with (
        httpx2.Client(transport=small, headers={"Accept-Encoding": "identity"}, timeout=PATIENCE_S) as reader,
        reader.stream("GET", url) as answer,
    ):
        assert answer.status_code == 200
        yield answer


@pytest.mark.parametrize("ending", ["csv", "geojsonseq", "parquet"])
def test_a_reader_who_leaves_ends_the_cursor(many: str, api: Api, ending: str) -> None:
    with reading(f"{many}?f={ending}") as answer:
        blocks = answer.iter_raw()
        next(blocks)
        assert copies(api) == 1
    wait_until(lambda: copies(api) == 0, "the cursor ends")


def exports_at_work(api: Api) -> list[tuple[str, str]]:
    """State and statement of the sessions that read for an export, whatever else uses the database."""
    query = (
        "SELECT state, left(query, 200) FROM pg_stat_activity WHERE state <> 'idle' AND application_name = :name"
        " AND datname = current_database()"
    )
    with database.engine(api.url).connect() as connection:
        return [(row[0], row[1]) for row in connection.execute(text(query), {"name": STATEMENT_NAME})]


@pytest.mark.parametrize("ending", ["fgb", "gpkg", "pmtiles"])
def test_a_reader_who_leaves_ends_the_making_of_a_file(many: str, api: Api, ending: str) -> None:
    """The reader goes as soon as the statement is seen at work, however quick the machine is."""
    address = urlsplit(many)
    with socket.create_connection((address.hostname or "", address.port or 80)) as leaving:
        leaving.sendall(f"GET {address.path}?f={ending} HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        wait_until(lambda: exports_at_work(api), "the statement begins", pause_s=0)
    wait_until(lambda: exports_at_work(api) == [], lambda: f"the statement ends: {exports_at_work(api)}")


@pytest.mark.parametrize("ending", list(FORMATS))
def test_a_reader_who_leaves_ends_a_statement_that_stands(served: str, api: Api, ending: str) -> None:
    """A statement that waits for a lock gives no block at which anybody could look up."""
    url = f"{served}/collections/sites/export?f={ending}"
    with session(SYSTEM, api.url) as db:
        db.execute(text("LOCK TABLE enterprises IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(httpx2.TimeoutException):
            httpx2.get(url, timeout=2)
        wait_until(lambda: exports_at_work(api) == [], lambda: f"the statement ends: {exports_at_work(api)}")
    assert httpx2.get(url, timeout=PATIENCE_S).status_code == 200


@pytest.mark.parametrize("ending", ["csv", "geojsonseq", "parquet"])
def test_an_error_on_the_way_breaks_the_answer_off(many: str, api: Api, ending: str) -> None:
    cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'COPY (SELECT%' AND state <> 'idle'"
    with pytest.raises(httpx2.HTTPError), reading(f"{many}?f={ending}") as answer:
        blocks = answer.iter_raw()
        next(blocks)
        with database.engine(api.url).connect() as connection:
            assert connection.scalar(text(cancel)) == 1
        for _ in blocks:
            pass


def test_one_row_batches_keep_types(own: Api) -> None:
    source = ExportSource(own.url, SYSTEM, COLLECTIONS["sites"], Selection(), 30)
    table = [row for batch in record_batches(source) for row in batch.to_pylist()]
    assert {row["industry"] for row in table} == {"化工", ""}
    assert {row["status_since"] for row in table} == {dt.date(2025, 6, 30), None}
    assert AWKWARD in {row["enterprise_name"] for row in table}


def test_spreadsheets_keep_codes_as_texts_and_show_local_times_by_choice(own: Api) -> None:
    """Read back by openpyxl, and by the rule of spreadsheets for ``="…"``; times by the zone of another library."""
    who = client(own)
    plain = list(
        csv.DictReader(io.StringIO(who.get("/collections/areas/export?f=csv").content.decode("utf-8-sig")))
    )
    options = "codes=text&times=local"
    shown = who.get(f"/collections/areas/export?f=csv&{options}").content.decode("utf-8-sig")
    safe = list(csv.DictReader(io.StringIO(shown)))
    assert [row["code"] for row in safe] == [f'="{row["code"]}"' for row in plain]
    assert [text_of_cell(row["code"]) for row in safe] == [row["code"] for row in plain]
    zone = zoneinfo.ZoneInfo("Asia/Shanghai")
    for row, other in zip(plain, safe, strict=True):
        at = dt.datetime.fromisoformat(row["valid_from"]).astimezone(zone)
        assert other["valid_from"] == f"{at:%Y-%m-%d %H:%M:%S}"
    book = openpyxl.load_workbook(io.BytesIO(who.get("/collections/areas/export?f=xlsx&times=local").content))
    heading, *rows = book["areas"].iter_rows(values_only=True)
    code, since = heading.index("code"), heading.index("valid_from")
    assert [row[code] for row in rows] == [row["code"] for row in plain]
    assert [f"{row[since]:%Y-%m-%d %H:%M:%S}" for row in rows] == [row["valid_from"] for row in safe]
    sites = openpyxl.load_workbook(io.BytesIO(who.get("/collections/sites/export?f=xlsx").content))["sites"]
    (head,) = sites.iter_rows(max_row=1, values_only=True)
    cells = {cell for row in sites.iter_rows(min_row=2) for cell in row if cell.data_type == "f"}
    names = sites.iter_rows(
        min_row=2, min_col=head.index("enterprise_name") + 1, max_col=head.index("enterprise_name") + 1
    )
    assert not cells and AWKWARD in {row[0].value for row in names}
    assert who.get("/collections/sites/export?f=parquet&codes=text").status_code == 400
