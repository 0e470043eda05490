"""Nobody gets a row of somebody else's by any door: every caller against every door.

What each caller may see is worked out here by hand, from the rows as they were written: by area and, for
cases and alerts, by domain. What comes out of a door is compared with it.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import json
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from sqlalchemy.orm import Session
from starlette.testclient import TestClient

from geo_api.auth.access import MAY, create_user
from geo_api.auth.api_keys import create_key, revoke_keys
from geo_api.features.exports import FORMATS
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.collections import COLLECTIONS
from layers.postgres import SYSTEM, Scope, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Seeded, logged_in, serving
from tests.support.busy_town import seed_work
from tests.support.direct_writes import write_cases_directly
from tests.support.event_streams import Stream, listening
from tests.support.identity_provider import AUDIENCE, Provider, providing
from tests.support.long_runs import some
from tests.support.routes import routes_of
from tests.support.small_town import BOXES, PLATES, TOWN_A, TOWN_B

PRIVATE = tuple(c.id for c in COLLECTIONS.values() if c.login)
WORLD = "POLYGON((-180 -90, 180 -90, 180 90, -180 90, -180 -90))"
READERS = frozenset({"viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service"})


@dataclass(frozen=True)
class Who:
    """A caller, and by hand what it may see: letters of towns, domains (None: all), role. No role: 401."""

    role: str | None
    letters: str = ""
    domains: frozenset[str] | None = None

    def rows(self, layer: str, rows: dict[int, tuple[str, str | None]]) -> set[int]:
        """Ids of a layer's rows (id to letter and domain) that it may see."""
        return {
            key
            for key, (letter, domain) in rows.items()
            if letter in self.letters and (domain is None or self.domains is None or domain in self.domains)
        }

    def may(self, layer: str) -> bool:
        permission = COLLECTIONS[layer].permission
        return permission is None or self.role in MAY[permission]


MARKET = frozenset({"market"})
CALLERS = {
    "public": Who(None),
    "viewer of A": Who("viewer", "A"),
    "grid manager of A": Who("grid_manager", "A"),
    "officer of A": Who("officer", "A"),
    "officer of B": Who("officer", "B"),
    "officer of A, market": Who("officer", "A", MARKET),
    "officer of A, ecology": Who("officer", "A", frozenset({"ecology"})),
    "dispatcher of market": Who("dispatcher", "AB", MARKET),
    "dispatcher": Who("dispatcher", "AB"),
    "supervisor": Who("supervisor", "AB"),
    "supervisor of A": Who("supervisor", "A"),
    "of an area that is not there": Who("officer", ""),
    "key": Who("service", "AB"),
    "key of A": Who("service", "A"),
    "key for A": Who("service", "A"),
    "key that sends": Who("sender", ""),
    "token of A": Who("officer", "A"),
    "token of B, market": Who("officer", "B", MARKET),
    "ended login": Who(None),
    "revoked key": Who(None),
    "key that is over": Who(None),
}
IN = [name for name, who in CALLERS.items() if who.role]
OUT = [name for name, who in CALLERS.items() if not who.role]


def turn_of(caller: str, of: str | int) -> int:
    """Which part of what could be asked a caller asks in a short run: every caller another one."""
    return list(CALLERS).index(caller) + (of if isinstance(of, int) else PRIVATE.index(of))


@dataclass
class Matrix:
    """The application, a client of each caller, and the rows: layer to id to letter and domain."""

    clients: dict[str, TestClient]
    rows: dict[str, dict[int, tuple[str, str | None]]]
    ids: dict[str, Any]
    url: str
    settings: Settings
    cases: dict[int, str] = field(default_factory=dict)

    def expected(self, caller: str, layer: str) -> set[int]:
        return CALLERS[caller].rows(layer, self.rows[layer])


def read_rows(db: Session, ids: dict[str, Any]) -> dict[str, dict[int, tuple[str, str | None]]]:
    """Every row of the private layers with the letter of its community and its domain, read without any
    policy.
    """
    letters = {ids[f"community_{letter}"]: letter for letter in "AB"}
    domain = {"cases": "domain", "alerts": "'ecology'"}
    return {
        layer: {
            key: (letters[area], kind)
            for key, area, kind in db.execute(
                text(f"SELECT id, area_id, {domain.get(layer, 'NULL')} FROM {layer}")
            )
        }
        for layer in PRIVATE
    }


LOST, GONE = "of an area that is not there", "999999"
"""An account whose area went after the account was made: a new one with such a code is refused."""
ACCOUNTS = {
    "viewer of A": ("viewer", TOWN_A, ()),
    "grid manager of A": ("grid_manager", TOWN_A, ()),
    "officer of A": ("officer", TOWN_A, ()),
    "officer of B": ("officer", TOWN_B, ()),
    "officer of A, market": ("officer", TOWN_A, ("market",)),
    "officer of A, ecology": ("officer", TOWN_A, ("ecology",)),
    "dispatcher of market": ("dispatcher", None, ("market",)),
    "dispatcher": ("dispatcher", None, ()),
    "supervisor": ("supervisor", None, ()),
    "supervisor of A": ("supervisor", TOWN_A, ()),
    LOST: ("officer", GONE, ()),
    "ended login": ("officer", TOWN_B, ()),
}
KEYS: dict[str, tuple[str, dict[str, Any]]] = {
    "key": ("service.all", {}),
    "key of A": ("service.a", {}),
    "key for A": ("service.all", {"area_code": TOWN_A}),
    "key that sends": ("service.all", {"role": "sender"}),
    "revoked key": ("service.revoked", {}),
    "key that is over": ("service.all", {"days": 1, "name": "over"}),
}


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as made:
        yield made


@pytest.fixture(scope="module")
def matrix(seeded: Seeded, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    url, ids = seeded.copy("matrix"), dict(seeded.ids)
    with session(SYSTEM, url) as db:
        seed_work(db, ids)
        rows = read_rows(db, ids)
        for name, (role, area, domains) in ACCOUNTS.items():
            here = TOWN_A if area == GONE else area
            create_user(
                db, username=name, password=PASSWORD, role=role, area_code=here, domains=list(domains)
            )
        db.execute(
            text("UPDATE users SET area_code = :gone WHERE username = :name"), {"gone": GONE, "name": LOST}
        )
        for name, area in (("service.all", None), ("service.a", TOWN_A), ("service.revoked", None)):
            create_user(db, username=name, password=PASSWORD, role="service", area_code=area)
        keys = {name: create_key(db, account, **terms) for name, (account, terms) in KEYS.items()}
        revoke_keys(db, "service.revoked")
        db.execute(text("UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE name = 'over'"))
    settings = Settings(
        database_url=url, data_dir=tmp_path_factory.mktemp("matrix"), secret=SecretStr("test"), log_level="error",
        oidc_issuer=provider.address, oidc_audience=AUDIENCE, rate_limits="off",
    )  # fmt: skip
    app = create_app(settings)
    # Over the event loop of its own, so that tiles, their cache and what is remembered of callers work as
    # served.
    with TestClient(app, raise_server_exceptions=False) as entered:
        yield Matrix(dict(clients_of(app, entered, keys, provider)), rows, ids, url, settings)
    database.engine(url).dispose()


def clients_of(
    app: Any, entered: TestClient, keys: dict[str, str], provider: Provider
) -> Iterator[tuple[str, TestClient]]:
    def client(**headers: str) -> TestClient:
        made = TestClient(app, raise_server_exceptions=False, headers=headers)
        made.portal = entered.portal
        return made

    yield "public", client()
    for name in ACCOUNTS:
        made = client()
        answer = made.post("/v1/login", json={"username": name, "password": PASSWORD})
        made.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        if name == "ended login":
            cookie = made.cookies["wangge_session"]
            made.post("/v1/logout")
            made.cookies.set("wangge_session", cookie)
        yield name, made
    for name, key in keys.items():
        yield name, client(Authorization=f"Bearer {key}")
    yield "token of A", client(Authorization=f"Bearer {provider.token(wangge_area=TOWN_A)}")
    token = provider.token(wangge_area=TOWN_B, wangge_domains=["market"])
    yield "token of B, market", client(Authorization=f"Bearer {token}")


def marks(letter: str) -> list[str]:
    """Texts that stand in private rows of a town only."""
    return [f"V-{letter}", f"S-{letter}", f"NT-{letter}-", f"案件{letter}", f"breach-{letter}", f"事件{letter}", PLATES[letter],
            f"preview-{letter}"]  # fmt: skip


def no_foreign(caller: str, content: bytes) -> None:
    """No text of a town that the caller does not see, and no whole plate unless the role reads them."""
    who = CALLERS[caller]
    for letter in set("AB") - set(who.letters):
        for mark in marks(letter):
            assert mark.encode() not in content, (caller, mark)
            assert json.dumps(mark)[1:-1].encode() not in content, (caller, mark)
    if who.role not in MAY["read_plates"]:
        assert not [p for p in PLATES.values() if p.encode() in content], caller
    if who.domains is not None:
        hidden = {"ecology", "market"} - who.domains
        assert not [d for d in hidden for letter in "AB" if f"NT-{letter}-{d}".encode() in content], caller


def features(answer: Any) -> set[int]:
    return {f["id"] for f in answer.json()["features"]}


@pytest.mark.long
@pytest.mark.parametrize("caller", OUT)
@pytest.mark.parametrize("layer", PRIVATE)
def test_who_is_nobody_gets_401_at_every_door(matrix: Matrix, caller: str, layer: str) -> None:
    key = min(matrix.rows[layer])
    doors = ["", "/items", f"/items/{key}", "/items?count=exact", "/items?f=html", "/queryables", "/schema", "/tiles",
             "/tiles/WebMercatorQuad", "/tiles/WebMercatorQuad/8/104/213", "/tiles/WebMercatorQuad/0/0/0",
             *(f"/export?f={name}" for name in FORMATS)]  # fmt: skip
    for door, method in some(itertools.product(doors, ("GET", "HEAD")), turn_of(caller, layer), 12):
        answer = matrix.clients[caller].request(
            method, f"/collections/{layer}{door}", headers={"If-None-Match": "*"}
        )
        assert answer.status_code == 401, (door, method)
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert answer.headers["cache-control"] == "no-store"
        no_foreign(caller, answer.content)


@pytest.mark.long
@pytest.mark.parametrize("caller", IN)
@pytest.mark.parametrize("layer", PRIVATE)
def test_items_counts_order_and_filters(matrix: Matrix, caller: str, layer: str) -> None:
    client, expected, found = matrix.clients[caller], matrix.expected(caller, layer), COLLECTIONS[layer]
    path = f"/collections/{layer}/items"
    if not CALLERS[caller].may(layer):
        assert (
            client.get(path).status_code == client.get(f"{path}/{min(matrix.rows[layer])}").status_code == 403
        )
        return
    page = client.get(f"{path}?count=exact")
    assert features(page) == expected and page.json()["numberMatched"] == len(expected)
    assert page.headers["cache-control"] == "private, no-store" and "Cookie" in page.headers["vary"]
    no_foreign(caller, page.content)
    turn = turn_of(caller, layer)
    probes = [
        f"S_INTERSECTS(geometry, {WORLD})",
        *(f"{name} IS NULL OR NOT ({name} IS NULL)" for name in found.filterable),
    ]
    for probe in some(probes, turn, 2):
        answer = client.get(path, params={"filter": probe})
        assert answer.status_code == 200 and features(answer) == expected, probe
    for asked in some(
        (
            "bbox=-180,-90,180,90",
            "datetime=../..",
            "offset=0",
            "crs=http://www.opengis.net/def/crs/EPSG/0/3857",
        ),
        turn,
        1,
    ):
        assert features(client.get(f"{path}?{asked}")) == expected, asked
    for name, sign in some(itertools.product(found.sortable, ("", "-")), turn, 2):
        assert set(walk(client, f"{path}?limit=1&sortby={sign}{name}")) == expected
    estimate = client.get(f"{path}?count=estimate&limit=1").json()
    if len(CALLERS[caller].letters) < 2 or CALLERS[caller].domains:
        assert (
            estimate.get("numberMatched", len(expected)) == len(expected)
            and "numberEstimated" not in estimate
        )
    html = client.get(f"{path}?f=html")
    assert html.status_code == 200
    no_foreign(caller, html.content)
    head = client.head(path)
    assert head.status_code == 200 and head.content == b""


def walk(client: TestClient, url: str) -> Iterator[int]:
    """Ids of all pages."""
    while url:
        page = client.get(url).json()
        yield from (f["id"] for f in page["features"])
        url = next((link["href"] for link in page["links"] if link["rel"] == "next"), "").removeprefix(
            "http://testserver"
        )


@pytest.mark.long
@pytest.mark.parametrize("caller", IN)
@pytest.mark.parametrize("layer", PRIVATE)
def test_one_row_at_a_time(matrix: Matrix, caller: str, layer: str) -> None:
    if not CALLERS[caller].may(layer):
        return
    client, expected = matrix.clients[caller], matrix.expected(caller, layer)
    absent = client.get(f"/collections/{layer}/items/999999999")
    for key in matrix.rows[layer]:
        etag = (
            matrix.clients["dispatcher"]
            .get(f"/collections/{layer}/items/{key}")
            .headers.get("etag", '"none"')
        )
        for headers in some(({}, {"If-None-Match": etag}, {"If-None-Match": "*"}), turn_of(caller, key), 1):
            answer = client.get(f"/collections/{layer}/items/{key}", headers=headers)
            assert answer.status_code in ((200, 304) if key in expected else (404,)), (key, headers)
            if key not in expected:  # told as what does not exist
                same = {name: answer.json()[name] for name in ("type", "title", "status")}
                assert same == {name: absent.json()[name] for name in same}
                no_foreign(caller, answer.content)


@pytest.mark.long
@pytest.mark.parametrize("caller", IN)
@pytest.mark.parametrize("layer", PRIVATE)
def test_tiles_of_every_zoom_and_their_304(matrix: Matrix, caller: str, layer: str) -> None:
    client, expected = matrix.clients[caller], matrix.expected(caller, layer)
    turn = turn_of(caller, layer)
    for zoom, row, column in some(((0, 0, 0), (5, 13, 26), (8, 104, 213)), turn, 2):
        path = f"/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{row}/{column}"
        if not CALLERS[caller].may(layer):
            assert client.get(path).status_code == 403
            continue
        for _ in range(3):  # asked of the route, of the database, of the cache
            tile = client.get(path)
            assert tile.status_code == 200 and tile.headers["x-features-matched"] == f"{len(expected)}"
            assert tile.headers["cache-control"] == "private, no-store"
            no_foreign(caller, tile.content)
        differing = [
            other
            for other, seen in CALLERS.items()
            if seen.role and seen.may(layer) and matrix.expected(other, layer) != expected
        ]
        for other in some(differing, turn, 1):
            others = matrix.clients[other].get(path)
            again = client.get(path, headers={"If-None-Match": others.headers["etag"]})
            # Lines too short for a zoom leave both tiles empty: equal bytes, and only then a 304.
            assert again.status_code == (304 if others.content == tile.content else 200), (caller, other)
        filtered = client.get(path, params={"filter": f"S_INTERSECTS(geometry, {WORLD})"})
        assert filtered.headers["x-features-matched"] == f"{len(expected)}"


def readable(name: str, content: bytes, folder: Path) -> bytes:
    """An export as plain bytes in which texts can be looked for."""
    if name == "parquet":
        return repr(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    if name == "xlsx":
        with zipfile.ZipFile(io.BytesIO(content)) as book:
            return b"\n".join(book.read(part) for part in book.namelist())
    if name == "gpkg":
        path = folder / "x.gpkg"
        path.write_bytes(content)
        with sqlite3.connect(path) as base:
            return "\n".join(base.iterdump()).encode()
    if name == "pmtiles":
        from pmtiles.reader import MemorySource, Reader, all_tiles

        source = MemorySource(content)
        return (
            b"".join(gzip.decompress(t) for _, t in all_tiles(source))
            + repr(Reader(source).metadata()).encode()
        )
    return content


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "caller", [c for c in IN if c not in ("supervisor", "key of A", "officer of A, ecology")]
)
def test_exports_hold_the_own_rows_only(matrix: Matrix, caller: str, name: str, tmp_path: Path) -> None:
    client = matrix.clients[caller]
    for layer in ("cases", "visits", "tracks") if name in ("csv", "parquet") else ("cases",):
        answer = client.get(f"/collections/{layer}/export?f={name}")
        if not CALLERS[caller].may(layer):
            assert answer.status_code == 403
            continue
        if name == "pmtiles" and not matrix.expected(caller, layer):
            assert answer.status_code == 404  # an archive of no tile is no archive
            continue
        assert answer.status_code == 200 and answer.headers["cache-control"] == "private, no-store"
        content = readable(name, answer.content, tmp_path)
        no_foreign(caller, content)
        if layer == "cases":
            own = {
                f"NT-{letter}-{domain}"
                for letter, domain in (matrix.rows["cases"][k] for k in matrix.expected(caller, "cases"))
            }
            assert all(number.encode() in content for number in own)


@pytest.mark.parametrize("caller", IN)
def test_a_cursor_of_another_gives_the_own_rows_only(matrix: Matrix, caller: str) -> None:
    for layer, sort in (("cases", "number"), ("alerts", "score"), ("visits", "entered_at")):
        first = matrix.clients["dispatcher"].get(f"/collections/{layer}/items?limit=1&sortby={sort}").json()
        link = next(link["href"] for link in first["links"] if link["rel"] == "next").removeprefix(
            "http://testserver"
        )
        assert set(walk(matrix.clients[caller], link)) <= matrix.expected(caller, layer)


PROBES = [
    ("alerts", "1 / (score - 0.8) > -1000"),  # dividing by zero would tell that a row of B is looked at
    ("alerts", "score BETWEEN 0 AND 1"),
    ("alerts", "CASEI(site_id) LIKE CASEI('s-%')"),
    ("alerts", "site_id IN ('S-A', 'S-B')"),
    ("alerts", "case_number LIKE 'NT-%' OR case_number IS NULL"),
    ("cases", "CASEI(number) LIKE CASEI('nt-%')"),
    ("cases", "T_AFTER(opened_at, TIMESTAMP('1990-01-01T00:00:00Z'))"),
    ("cases", "NOT (domain = 'x')"),
    ("visits", "vehicle_id > ''"),
    ("stays", "1 / (n_fixes - 12) > 0 OR n_fixes = 12"),
]


@pytest.mark.parametrize(("layer", "probe"), PROBES)
def test_probing_filters_find_no_more(matrix: Matrix, layer: str, probe: str) -> None:
    for caller in IN:
        answer = matrix.clients[caller].get(
            f"/collections/{layer}/items", params={"filter": probe, "count": "exact"}
        )
        assert answer.status_code in (200, 400), (caller, answer.text)
        if answer.status_code == 200:
            assert features(answer) <= matrix.expected(caller, layer)
            assert answer.json()["numberMatched"] <= len(matrix.expected(caller, layer))
            no_foreign(caller, json.dumps(answer.json()["features"], ensure_ascii=False).encode())
    # Nobody whose own rows divide by no zero hears of one: a foreign row is never looked at.
    if layer == "alerts" and probe.startswith("1 /"):
        assert (
            matrix.clients["officer of A"]
            .get(f"/collections/{layer}/items", params={"filter": probe})
            .status_code
            == 200
        )


@pytest.mark.parametrize(
    "name", ["plate", "password_hash", "evidence", "assignment", "geom", "ctid", "xmin", "hash"]
)
def test_what_is_not_published_cannot_be_asked(matrix: Matrix, name: str) -> None:
    for layer, caller in itertools.product(PRIVATE, ("officer of A", "dispatcher")):
        client = matrix.clients[caller]
        assert (
            client.get(f"/collections/{layer}/items", params={"filter": f"{name} = 'x'"}).status_code == 400
        )
        assert client.get(f"/collections/{layer}/items?{name}=x").status_code == 400
        assert client.get(f"/collections/{layer}/items?sortby={name}").status_code == 400


@pytest.mark.parametrize("caller", IN)
def test_cases_alerts_tracks_and_reports(matrix: Matrix, caller: str) -> None:
    client, who = matrix.clients[caller], CALLERS[caller]
    for letter, domain in itertools.product("AB", ("ecology", "market")):
        seen = matrix.ids[f"case_{letter}_{domain}"] in matrix.expected(caller, "cases")
        for door in ("", "/report.html", "/verify"):
            answer = client.get(f"/v1/cases/NT-{letter}-{domain}{door}")
            assert answer.status_code == (
                403 if who.role not in MAY["read_cases"] else 200 if seen else 404
            ), (letter, domain, door)
            if not seen:
                assert f"案件{letter}" not in answer.text and f"事件{letter}" not in answer.text
            elif door != "/verify":
                no_foreign(caller, answer.content)
        step = {"action": "note", "note": "x"}
        if not seen:
            assert client.post(
                f"/v1/cases/NT-{letter}-{domain}/events", json=step, headers={"If-Match": "*"}
            ).status_code in (403, 404)
    for letter in "AB":
        seen = matrix.ids[f"alert_{letter}"] in matrix.expected(caller, "alerts")
        card = client.get(f"/v1/alerts/{matrix.ids[f'alert_{letter}']}")
        assert card.status_code == (403 if who.role not in MAY["read_alerts"] else 200 if seen else 404)
        no_foreign(caller, card.content)
        if not seen:
            body = {"outcome": "confirmed", "note": ""}
            assert client.post(
                f"/v1/alerts/{matrix.ids[f'alert_{letter}']}/outcome", json=body
            ).status_code in (403, 404)
        track = client.get(f"/v1/vehicles/V-{letter}/track")
        expected = 403 if who.role not in MAY["read_tracks"] else 200 if letter in who.letters else 404
        assert track.status_code == expected
    if who.role == "officer" and "A" in who.letters and who.domains in (None, frozenset({"ecology"})):
        assert "苏F·A**34" in client.get(f"/v1/alerts/{matrix.ids['alert_A']}").text


@pytest.mark.parametrize("caller", IN)
def test_change_sets_of_another_area(matrix: Matrix, caller: str) -> None:
    client, who = matrix.clients[caller], CALLERS[caller]
    answer = client.get("/v1/change-sets?limit=1000")
    if who.role not in MAY["read_change_sets"]:
        assert answer.status_code == 403
        return
    assert {row["id"] for row in answer.json()["change_sets"]} == {
        matrix.ids[f"change_{letter}"] for letter in who.letters
    }
    no_foreign(caller, answer.content)
    for letter in set("AB") - set(who.letters):
        for step, body in (("apply", None), ("undo", None), ("reject", {"reason": "x"})):
            refused = client.post(f"/v1/change-sets/{matrix.ids[f'change_{letter}']}/{step}", json=body)
            absent = client.post(f"/v1/change-sets/999999999/{step}", json=body)
            assert refused.json()["type"] == absent.json()["type"]
            allowed = who.role in MAY["edit_areas"]
            assert refused.status_code == (404 if allowed else 403)  # told as what is not there
            no_foreign(caller, refused.content)
        town = matrix.ids[f"town_{letter}"]
        assert client.get(f"/v1/areas/{town}/balance").status_code == 404


@pytest.mark.parametrize("caller", list(CALLERS))
def test_public_doors_tell_nothing_private(matrix: Matrix, caller: str) -> None:
    client = matrix.clients[caller]
    doors = ["/", "/collections", "/openapi.json", "/metrics", "/conformance", "/health/ready", "/v1/settings", "/v1/style",
             "/v1/duty-items", "/v1/me", "/v1/runs", "/v1/model-runs", "/collections/hot_spots/items", "/v1/hot-spots/report.html", "/docs",
             "/v1/access-log?limit=1000", "/collections/fences/items"]  # fmt: skip
    for door in doors:
        answer = client.get(door)
        assert answer.status_code in (200, 401, 403), door
        if door.startswith("/v1/access-log") and CALLERS[caller].role == "supervisor":
            continue  # its paths are what the accounts of its area typed: tests/geo_api/test_access_log.py
        for letter in "AB":
            for mark in (f"V-{letter}", f"NT-{letter}", f"案件{letter}", PLATES[letter], f"breach-{letter}"):
                assert mark not in answer.text, (door, mark)
        if door == "/v1/runs" and answer.status_code == 200:
            whole = len(CALLERS[caller].letters) == 2 and CALLERS[caller].domains is None
            assert all(("counts" in run) is whole for run in answer.json()["runs"])
        if door == "/v1/model-runs" and answer.status_code == 200:
            whole = len(CALLERS[caller].letters) == 2 and CALLERS[caller].domains is None
            assert all((run["counts"] is not None) is whole for run in answer.json()["runs"])


@pytest.mark.parametrize("caller", list(CALLERS))
def test_assignment_and_errors_tell_nothing_private(matrix: Matrix, caller: str) -> None:
    client = matrix.clients[caller]
    for lon in (120.1, 120.6):
        body = {"lon": lon, "lat": 31.2, "item_code": "ECO-001", "at": "2026-03-01T00:00:00Z"}
        answer = client.post("/v1/assign", json=body)
        for letter in "AB":
            assert not [
                m
                for m in (f"V-{letter}", f"NT-{letter}", f"案件{letter}", PLATES[letter])
                if m in answer.text
            ]
    wrong = ["/collections/cases/items?filter=number", "/collections/alerts/items?bbox=1", "/v1/cases/%00", "/v1/alerts/0",
             "/collections/cases/items?cursor=AAAA", "/collections/cases/items/abc", "/v1/vehicles/%F0%9F%9A%9A/track"]  # fmt: skip
    for path in wrong:
        answer = client.get(path)
        assert 400 <= answer.status_code < 500, path
        assert answer.headers["content-type"] == "application/problem+json"
        no_foreign(caller, answer.content)


def change_of(matrix: Matrix, statement: str, **values: Any) -> int:
    """Commit a statement: the number of the last change that it made."""
    with session(SYSTEM, matrix.url) as db:
        write_cases_directly(db)
        db.execute(text(statement), values)
    with session(SYSTEM, matrix.url) as db:
        return int(db.execute(text("SELECT max(id) FROM layer_changes")).scalar_one())


def said_to_all(matrix: Matrix) -> int:
    """A change that every stream hears, so that silence before it is silence."""
    return change_of(matrix, "UPDATE sites SET kind = kind WHERE id = :site", site=matrix.ids["site_A"])


def stream_of(matrix: Matrix, caller: str, address: str, after: str | None = None) -> Any:
    client = matrix.clients[caller]
    cookies = {name: value for name, value in client.cookies.items() if name == "wangge_session"}
    return listening(address, cookies, after, authorization=client.headers.get("authorization"))


def letters_of(event: dict[str, Any]) -> set[str]:
    """Towns in which the middle of a touched tile lies."""
    assert event["cells"], event
    border = BOXES["B"][0]
    return {"A" if (column + 0.5) / 2**12 * 360 - 180 < border else "B" for column, _ in event["cells"]}


def heard_as_expected(
    matrix: Matrix, caller: str, heard: list[dict[str, Any]], layer: str, keys: set[int]
) -> None:
    """What a caller heard after rows of a layer were touched: of its own of them, and of nothing else."""
    who = CALLERS[caller]
    own = keys & matrix.expected(caller, layer) if who.may(layer) else set()
    private = [event for event in heard if COLLECTIONS[event["layer"]].login]
    about = [event for event in private if event["layer"] == layer]
    assert bool(about) is bool(own), (caller, layer, keys, heard)
    for event in about:
        assert letters_of(event) == {matrix.rows[layer][key][0] for key in own}, (caller, event)
    for event in private:
        assert who.may(event["layer"]) and letters_of(event) <= set(who.letters), (caller, event)
        assert event["bbox"], event
    assert not any(mark in json.dumps(heard, ensure_ascii=False) for letter in "AB" for mark in marks(letter))


def test_events_tell_of_the_own_rows_only(matrix: Matrix) -> None:
    """Every caller listens while each private row is touched, one commit a row."""
    refused = ("revoked key", "key that is over")
    with serving(matrix.settings) as address, contextlib.ExitStack() as stack:
        for caller in refused:
            client = matrix.clients[caller]
            assert client.get("/v1/events").status_code == 401
        streams: dict[str, Stream] = {
            caller: stack.enter_context(stream_of(matrix, caller, address))
            for caller in CALLERS
            if caller not in refused
        }
        for layer in PRIVATE:
            for key in matrix.rows[layer]:
                change_of(matrix, f"UPDATE {layer} SET area_id = area_id WHERE id = :key", key=key)
                last = said_to_all(matrix)
                for caller, stream in streams.items():
                    heard_as_expected(matrix, caller, stream.until("sites", last), layer, {key})


@pytest.mark.long
def test_missed_events_tell_of_the_own_rows_only(matrix: Matrix) -> None:
    """Who comes back with the id of somebody else's event hears what itself may hear."""
    with serving(matrix.settings) as address:
        for layer in PRIVATE:
            before = f"{said_to_all(matrix)}"
            for key in matrix.rows[layer]:
                change_of(matrix, f"UPDATE {layer} SET area_id = area_id WHERE id = :key", key=key)
            last = said_to_all(matrix)
            for caller in some([*IN, "public", "ended login"], PRIVATE.index(layer), 6):
                with stream_of(matrix, caller, address, before) as stream:
                    heard = stream.until("sites", last)
                heard_as_expected(matrix, caller, heard, layer, set(matrix.rows[layer]))


def test_after_too_long_only_layers_are_named_that_the_caller_reads(matrix: Matrix) -> None:
    with serving(matrix.settings) as address:
        for caller in [*IN, "public", "ended login"]:
            with stream_of(matrix, caller, address, "no number") as stream:
                heard = stream.until("sites", said_to_all(matrix))
            private = {event["layer"] for event in heard if COLLECTIONS[event["layer"]].login}
            who = CALLERS[caller]
            assert private == {layer for layer in PRIVATE if who.role in READERS and who.may(layer)}, caller


def test_a_row_that_goes_to_another_town_is_told_to_both(matrix: Matrix) -> None:
    """Of its old place to those who saw it, of its new one to those who see it now.

    Both lose or win a row.
    """
    move = "UPDATE alerts SET area_id = :area, geom = ST_Translate(geom, :east, 0) WHERE id = :key"
    width, key = BOXES["B"][0] - BOXES["A"][0], matrix.ids["alert_A"]
    with serving(matrix.settings) as address, contextlib.ExitStack() as stack:
        streams = {caller: stack.enter_context(stream_of(matrix, caller, address)) for caller in IN}
        for area, east in ((matrix.ids["community_B"], width), (matrix.ids["community_A"], -width)):
            change_of(matrix, move, key=key, area=area, east=east)
            last = said_to_all(matrix)
            for caller, stream in streams.items():
                who = CALLERS[caller]
                heard = [event for event in stream.until("sites", last) if event["layer"] == "alerts"]
                seen = who.may("alerts") and (who.domains is None or "ecology" in who.domains)
                told = set().union(*map(letters_of, heard))
                assert told == (set(who.letters) if seen else set()), (caller, heard)


def test_the_database_alone_keeps_rows_apart(matrix: Matrix) -> None:
    """Without any application: what a transaction of a scope sees in each table."""
    tables = {**dict.fromkeys(PRIVATE, "id"), "case_events": "case_id", "change_sets": "id"}
    ids = matrix.ids
    areas = tuple(ids[f"{kind}_A"] for kind in ("town", "community"))
    for role, domains in itertools.product(("public", "sender", "king", *sorted(READERS)), ((), ("market",))):
        scope = Scope(role=role, area_ids=areas, username="x", domains=domains)
        with session(scope, matrix.url) as db:
            seen = {t: set(db.execute(text(f"SELECT {key} FROM {t}")).scalars()) for t, key in tables.items()}
            if role not in READERS:
                assert not any(seen.values()), role
                continue
            who = Who(role, "A", frozenset(domains) or None)
            for layer in PRIVATE:
                wanted = who.rows(layer, matrix.rows[layer]) if who.may(layer) else set()
                assert seen[layer] == wanted, (role, layer)
            assert seen["case_events"] == seen["cases"]
            assert seen["change_sets"] == ({ids["change_A"]} if role in MAY["read_change_sets"] else set())
            for table in ("users", "login_sessions", "api_keys"):
                with pytest.raises(Exception, match="permission denied"), db.begin_nested():
                    db.execute(text(f"SELECT * FROM {table}"))


def test_a_note_cannot_be_written_into_a_case_of_another_domain(matrix: Matrix) -> None:
    scope = Scope("officer", False, (matrix.ids["community_A"],), "x", ("market",))
    new = text("SELECT record_case_event(CAST(:event AS jsonb))")

    def note(case: str) -> dict[str, str]:
        event = {
            "case_id": matrix.ids[case], "seq": 2, "at": "2026-03-03T00:00:00Z", "actor": "x", "role": "officer",
            "action": "note", "from_state": "reported", "to_state": "reported", "payload": {}, "prev_hash": "", "hash": "",
        }  # fmt: skip
        return {"event": json.dumps(event)}

    with pytest.raises(Exception, match="no case"), session(scope, matrix.url) as db:
        db.execute(new, note("case_A_ecology"))
    with session(scope, matrix.url) as db:
        db.execute(new, note("case_A_market"))
        db.rollback()


LOGGED_IN = frozenset({"sender", *READERS})  # a key that only sends is let in to collections and finds no row
ANYONE = frozenset({None, *LOGGED_IN})
TRACK_READERS = frozenset({"officer", "dispatcher", "supervisor", "service"})
PEOPLE = READERS - {"service"}  # logged in by cookie: keys and tokens have no account of their own
CASE_WORKERS = frozenset({"grid_manager", "officer", "dispatcher", "supervisor"})
CLERKS = frozenset({"grid_manager", "dispatcher", "supervisor"})
CLUE_READERS = CLERKS | {"officer", "service"}
DISPATCHERS = frozenset({"dispatcher"})
ANSWERERS = DISPATCHERS | {"officer"}
CALL_READERS = ANSWERERS | {"supervisor"}
SHARERS = frozenset({"dispatcher", "supervisor", "service"})
EDITORS = frozenset({"grid_manager", "supervisor"})
LEADERS = frozenset({"dispatcher", "supervisor"})
PROPOSED = "/v1/duty-proposals?effective_on=2999-01-01&covers=whole"
ITEM = "/collections/{collection_id}/items/{feature_id}"
TILE = "/collections/{collection_id}/tiles/WebMercatorQuad"
ROUTES: dict[tuple[str, str], dict[str, frozenset[str | None]]] = {
    ("GET", "/"): {"/": ANYONE},
    ("GET", "/conformance"): {"/conformance": ANYONE},
    ("GET", "/docs"): {"/docs": ANYONE},
    ("GET", "/health/live"): {"/health/live": ANYONE},
    ("GET", "/health/ready"): {"/health/ready": ANYONE},
    ("GET", "/map"): {"/map": ANYONE},
    ("GET", "/map/"): {"/map/": ANYONE},
    ("GET", "/static/"): {"/static/page.css": ANYONE},
    ("GET", "/metrics"): {"/metrics": ANYONE},
    ("GET", "/openapi.json"): {"/openapi.json": ANYONE},
    ("GET", "/problems/{kind}"): {"/problems/not-found": ANYONE},
    ("GET", "/tileMatrixSets"): {"/tileMatrixSets": ANYONE},
    ("GET", "/tileMatrixSets/{tile_matrix_set_id}"): {"/tileMatrixSets/WebMercatorQuad": ANYONE},
    ("GET", "/collections"): {"/collections": ANYONE},
    ("GET", "/collections/{collection_id}"): {"/collections/sites": ANYONE, "/collections/cases": LOGGED_IN},
    ("GET", "/collections/{collection_id}/changes"): {
        "/collections/sites/changes": ANYONE,
        "/collections/cases/changes": LOGGED_IN,
        "/collections/tracks/changes": TRACK_READERS,
    },
    ("GET", "/collections/{collection_id}/export"): {
        "/collections/places/export?f=csv": ANYONE,
        "/collections/cases/export?f=csv": LOGGED_IN,
        "/collections/tracks/export?f=csv": TRACK_READERS,
    },
    ("GET", "/collections/{collection_id}/items"): {
        "/collections/sites/items?limit=1": ANYONE,
        "/collections/visits/items?limit=1": LOGGED_IN,
        "/collections/tracks/items?limit=1": TRACK_READERS,
    },
    ("POST", "/collections/{collection_id}/items"): {
        "/collections/sites/items": CASE_WORKERS,
        "/collections/places/items": CASE_WORKERS,
    },
    ("OPTIONS", "/collections/{collection_id}/items"): {"/collections/sites/items": ANYONE},
    ("GET", ITEM): {
        "/collections/sites/items/999999999": ANYONE,
        "/collections/alerts/items/999999999": LOGGED_IN,
        "/collections/tracks/items/999999999": TRACK_READERS,
    },
    ("PUT", ITEM): {"/collections/places/items/999999999": CASE_WORKERS},
    ("PATCH", ITEM): {"/collections/sites/items/999999999": CASE_WORKERS},
    ("DELETE", ITEM): {"/collections/places/items/999999999": CASE_WORKERS},
    ("OPTIONS", ITEM): {"/collections/sites/items/999999999": ANYONE},
    ("GET", "/collections/{collection_id}/queryables"): {
        "/collections/areas/queryables": ANYONE,
        "/collections/stays/queryables": LOGGED_IN,
    },
    ("GET", "/collections/{collection_id}/schema"): {
        "/collections/areas/schema": ANYONE,
        "/collections/stays/schema": LOGGED_IN,
    },
    ("GET", "/collections/{collection_id}/sortables"): {
        "/collections/areas/sortables": ANYONE,
        "/collections/stays/sortables": LOGGED_IN,
    },
    ("GET", "/collections/{collection_id}/tiles"): {
        "/collections/areas/tiles": ANYONE,
        "/collections/cases/tiles": LOGGED_IN,
    },
    ("GET", TILE): {
        "/collections/areas/tiles/WebMercatorQuad": ANYONE,
        "/collections/cases/tiles/WebMercatorQuad": LOGGED_IN,
    },
    ("GET", f"{TILE}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"): {
        "/collections/areas/tiles/WebMercatorQuad/8/104/213": ANYONE,
        "/collections/cases/tiles/WebMercatorQuad/8/104/213": LOGGED_IN,
        "/collections/tracks/tiles/WebMercatorQuad/8/104/213": TRACK_READERS,
    },
    ("POST", "/v1/login"): {"/v1/login": ANYONE},
    ("POST", "/v1/logout"): {},  # ends the login of the caller: tests/geo_api/test_access.py
    ("GET", "/v1/me"): {"/v1/me": ANYONE},
    ("GET", "/v1/account"): {"/v1/account": PEOPLE},
    ("POST", "/v1/account/password"): {"/v1/account/password": PEOPLE},
    ("POST", "/v1/account/second-factor"): {"/v1/account/second-factor": PEOPLE},
    ("POST", "/v1/account/second-factor/confirm"): {"/v1/account/second-factor/confirm": PEOPLE},
    ("POST", "/v1/account/second-factor/remove"): {"/v1/account/second-factor/remove": PEOPLE},
    ("POST", "/v1/account/recovery-codes"): {"/v1/account/recovery-codes": PEOPLE},
    ("GET", "/v1/account/keys"): {"/v1/account/keys": PEOPLE},
    ("POST", "/v1/account/keys"): {"/v1/account/keys": PEOPLE},
    ("DELETE", "/v1/account/keys/{key_id}"): {"/v1/account/keys/999999999": PEOPLE},
    ("DELETE", "/v1/account/logins"): {"/v1/account/logins": PEOPLE},
    ("DELETE", "/v1/account/logins/{login_id}"): {"/v1/account/logins/999999999": PEOPLE},
    ("GET", "/v1/access-log"): {"/v1/access-log": frozenset({"supervisor"})},
    ("POST", "/v1/assign"): {"/v1/assign": ANYONE},
    ("POST", "/v1/assign/bulk"): {"/v1/assign/bulk": ANYONE},
    ("GET", "/v1/alert-budgets"): {"/v1/alert-budgets": READERS},
    ("PUT", "/v1/alert-budgets"): {"/v1/alert-budgets": frozenset({"dispatcher", "supervisor"})},
    ("GET", "/v1/alerts/{alert_id}"): {"/v1/alerts/999999999": READERS},
    ("POST", "/v1/alerts/{alert_id}/outcome"): {
        "/v1/alerts/999999999/outcome": frozenset({"officer", "dispatcher", "supervisor"})
    },
    ("GET", "/v1/vehicles/{vehicle_id}/track"): {"/v1/vehicles/nobody/track": TRACK_READERS},
    ("POST", "/v1/tracks"): {"/v1/tracks": frozenset({"dispatcher", "service", "sender"})},
    ("GET", "/v1/tracks/osmand"): {"/v1/tracks/osmand": frozenset({"service", "sender"})},
    ("POST", "/v1/tracks/osmand"): {"/v1/tracks/osmand": frozenset({"service", "sender"})},
    ("GET", "/v1/cases/{number}"): {"/v1/cases/NT-none": READERS},
    ("POST", "/v1/cases/{number}/events"): {"/v1/cases/NT-none/events": CASE_WORKERS},
    ("GET", "/v1/cases/{number}/verify"): {"/v1/cases/NT-none/verify": READERS},
    ("GET", "/v1/cases/{number}/report.html"): {"/v1/cases/NT-none/report.html": READERS},
    ("GET", "/v1/cases/{number}/report.pdf"): {"/v1/cases/NT-none/report.pdf": READERS},
    ("GET", "/v1/cases/{number}/pack.zip"): {
        "/v1/cases/NT-none/pack.zip": frozenset({"dispatcher", "supervisor"})
    },
    ("POST", "/v1/cases"): {"/v1/cases": frozenset({"grid_manager", "dispatcher", "supervisor", "service"})},
    ("GET", "/v1/places"): {"/v1/places?address=x": ANYONE},
    ("GET", "/v1/search"): {"/v1/search?q=x": ANYONE},
    ("GET", "/v1/clues/matters"): {"/v1/clues/matters?text=x": CLUE_READERS},
    ("GET", "/v1/clues/duplicates"): {"/v1/clues/duplicates?lon=120&lat=31": CLUE_READERS},
    ("GET", "/v1/clues"): {"/v1/clues": CLUE_READERS},
    ("POST", "/v1/clues"): {"/v1/clues": CLUE_READERS},
    ("GET", "/v1/clues/{clue_id}"): {"/v1/clues/999999999": CLUE_READERS},
    ("POST", "/v1/clues/{clue_id}/reject"): {"/v1/clues/999999999/reject": CLERKS},
    ("POST", "/v1/clues/{clue_id}/merge"): {"/v1/clues/999999999/merge": CLERKS},
    ("POST", "/v1/clues/{clue_id}/link"): {"/v1/clues/999999999/link": CLERKS},
    ("POST", "/v1/clues/{clue_id}/open"): {"/v1/clues/999999999/open": CLERKS},
    ("GET", "/open311/v2/discovery.{form}"): {"/open311/v2/discovery.json": ANYONE},
    ("GET", "/open311/v2/services.{form}"): {"/open311/v2/services.json": ANYONE},
    ("GET", "/open311/v2/services/{service_code}.{form}"): {"/open311/v2/services/none.xml": ANYONE},
    ("GET", "/open311/v2/requests.{form}"): {"/open311/v2/requests.json": ANYONE},
    ("GET", "/open311/v2/requests/{service_request_id}.{form}"): {"/open311/v2/requests/0.json": ANYONE},
    ("GET", "/open311/v2/tokens/{token}.{form}"): {"/open311/v2/tokens/0.json": ANYONE},
    ("POST", "/open311/v2/requests.{form}"): {},  # by a key in the form: tests/geo_api/test_open311.py
    ("GET", "/report"): {"/report": ANYONE},
    ("POST", "/v1/reports"): {"/v1/reports": ANYONE},
    ("POST", "/v1/reports/status"): {"/v1/reports/status": ANYONE},
    ("GET", "/v1/cases/{number}/attachments"): {"/v1/cases/NT-none/attachments": READERS},
    ("POST", "/v1/cases/{number}/attachments"): {"/v1/cases/NT-none/attachments": CASE_WORKERS},
    ("GET", "/v1/cases/{number}/attachments/{attachment_id}/file"): {
        "/v1/cases/NT-none/attachments/1/file": READERS
    },
    ("GET", "/v1/cases/{number}/attachments/{attachment_id}/preview.jpg"): {
        "/v1/cases/NT-none/attachments/1/preview.jpg": READERS
    },
    ("GET", "/v1/cases/{number}/attachments/{attachment_id}/original"): {
        "/v1/cases/NT-none/attachments/1/original": frozenset({"supervisor"})
    },
    ("POST", "/v1/cases/{number}/attachments/{attachment_id}/take-back"): {
        "/v1/cases/NT-none/attachments/1/take-back": CASE_WORKERS
    },
    ("GET", "/v1/cases/{number}/officers"): {
        "/v1/cases/NT-none/officers": frozenset({"dispatcher", "supervisor"})
    },
    ("GET", "/v1/cases/{number}/called-people"): {"/v1/cases/NT-none/called-people": DISPATCHERS},
    ("POST", "/v1/cases/{number}/dispatches"): {"/v1/cases/NT-none/dispatches": DISPATCHERS},
    ("POST", "/v1/cases/{number}/relocation/preview"): {"/v1/cases/NT-none/relocation/preview": DISPATCHERS},
    ("POST", "/v1/cases/{number}/relocation"): {"/v1/cases/NT-none/relocation": DISPATCHERS},
    ("GET", "/v1/dispatches"): {"/v1/dispatches": CALL_READERS},
    ("GET", "/v1/dispatches/{dispatch_id}"): {"/v1/dispatches/999999999": CALL_READERS},
    ("POST", "/v1/dispatches/{dispatch_id}/accept"): {"/v1/dispatches/999999999/accept": ANSWERERS},
    ("POST", "/v1/dispatches/{dispatch_id}/decline"): {"/v1/dispatches/999999999/decline": ANSWERERS},
    ("POST", "/v1/dispatches/{dispatch_id}/arrive"): {"/v1/dispatches/999999999/arrive": ANSWERERS},
    ("POST", "/v1/dispatches/{dispatch_id}/recall"): {"/v1/dispatches/999999999/recall": DISPATCHERS},
    ("GET", "/v1/short-towns"): {"/v1/short-towns": frozenset({"dispatcher", "supervisor"})},
    ("GET", "/v1/change-sets"): {"/v1/change-sets": CASE_WORKERS},
    ("POST", "/v1/change-sets"): {"/v1/change-sets": EDITORS},
    ("POST", "/v1/change-sets/preview"): {"/v1/change-sets/preview": EDITORS},
    ("POST", "/v1/change-sets/corners"): {"/v1/change-sets/corners": EDITORS},
    ("POST", "/v1/guide-layers"): {"/v1/guide-layers?name=a.geojson&crs=wgs84": EDITORS},
    ("POST", "/v1/guide-layers/difference"): {"/v1/guide-layers/difference": EDITORS},
    ("POST", "/v1/change-sets/{change_set_id}/apply"): {"/v1/change-sets/999999999/apply": EDITORS},
    ("POST", "/v1/change-sets/{change_set_id}/reject"): {"/v1/change-sets/999999999/reject": EDITORS},
    ("POST", "/v1/change-sets/{change_set_id}/undo"): {"/v1/change-sets/999999999/undo": EDITORS},
    ("GET", "/v1/change-sets/{change_set_id}"): {"/v1/change-sets/999999999": CASE_WORKERS},
    ("GET", "/v1/change-sets/{change_set_id}/codes"): {"/v1/change-sets/999999999/codes": CASE_WORKERS},
    ("GET", "/v1/areas/{code}/report.html"): {"/v1/areas/none/report.html": CASE_WORKERS},
    ("GET", "/v1/areas/{code}/story"): {"/v1/areas/none/story": CASE_WORKERS},
    ("GET", "/v1/areas/difference"): {"/v1/areas/difference?since=2026-01-01&until=2026-01-02": CASE_WORKERS},
    ("GET", "/v1/drafts"): {"/v1/drafts": CASE_WORKERS},
    ("POST", "/v1/drafts"): {"/v1/drafts": EDITORS},
    ("GET", "/v1/drafts/around"): {"/v1/drafts/around?area_ids=999999999": CASE_WORKERS},
    ("GET", "/v1/drafts/{draft_id}"): {"/v1/drafts/999999999": CASE_WORKERS},
    ("PUT", "/v1/drafts/{draft_id}"): {"/v1/drafts/999999999": EDITORS},
    ("DELETE", "/v1/drafts/{draft_id}"): {"/v1/drafts/999999999": EDITORS},
    ("POST", "/v1/drafts/{draft_id}/copy"): {"/v1/drafts/999999999/copy": EDITORS},
    ("GET", "/v1/areas/{area_id}/balance"): {"/v1/areas/999999999/balance": CASE_WORKERS},
    ("GET", "/v1/imports"): {"/v1/imports": frozenset({"service"}) | CASE_WORKERS},
    ("GET", "/v1/imports/{import_id}"): {"/v1/imports/999999999": frozenset({"service"}) | CASE_WORKERS},
    ("GET", "/v1/sites/unplaced"): {"/v1/sites/unplaced": frozenset({"service"}) | CASE_WORKERS},
    ("POST", "/v1/sites/unplaced/accept"): {"/v1/sites/unplaced/accept": CASE_WORKERS},
    ("POST", "/v1/sites/unplaced/{site_id}/place"): {"/v1/sites/unplaced/X/place": CASE_WORKERS},
    ("POST", "/v1/imports/{import_id}/undo"): {
        "/v1/imports/999999999/undo": frozenset({"dispatcher", "supervisor"})
    },
    ("GET", "/v1/published-cases"): {"/v1/published-cases": ANYONE},
    ("GET", "/v1/published-cases.rss"): {"/v1/published-cases.rss": ANYONE},
    ("GET", "/published"): {"/published": ANYONE},
    ("POST", "/v1/cases/{number}/take-down"): {"/v1/cases/NT-none/take-down": frozenset({"supervisor"})},
    ("GET", "/v1/webhooks"): {"/v1/webhooks": SHARERS},
    ("POST", "/v1/webhooks"): {"/v1/webhooks": SHARERS},
    ("POST", "/v1/webhooks/{webhook_id}/secret"): {"/v1/webhooks/999999999/secret": SHARERS},
    ("DELETE", "/v1/webhooks/{webhook_id}"): {"/v1/webhooks/999999999": SHARERS},
    ("GET", "/v1/webhooks/{webhook_id}/deliveries"): {"/v1/webhooks/999999999/deliveries": SHARERS},
    ("POST", "/v1/webhooks/{webhook_id}/deliveries/send-again"): {
        "/v1/webhooks/999999999/deliveries/send-again": SHARERS
    },
    ("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/send-again"): {
        "/v1/webhooks/999999999/deliveries/1/send-again": SHARERS
    },
    ("GET", "/v1/duty-items"): {"/v1/duty-items": ANYONE},
    ("GET", "/v1/registers/{register}"): {
        "/v1/registers/bodies": ANYONE,
        "/v1/registers/matters": ANYONE,
        "/v1/registers/officers": LEADERS,
        "/v1/registers/grid_workers": CLERKS,
        "/v1/registers/grid_households": ANYONE,
    },
    ("GET", "/v1/registers/{register}/{key}"): {
        "/v1/registers/bodies/none": ANYONE,
        "/v1/registers/officers/none": LEADERS,
    },
    ("PUT", "/v1/registers/{register}/{key}"): {"/v1/registers/bodies/none": LEADERS},
    ("PATCH", "/v1/registers/{register}/{key}"): {"/v1/registers/matters/none": LEADERS},
    ("POST", "/v1/registers/{register}/{key}/withdraw"): {"/v1/registers/officers/none/withdraw": LEADERS},
    ("POST", "/v1/registers/{register}/{key}/confirm"): {"/v1/registers/bodies/none/confirm": LEADERS},
    ("GET", "/v1/sources"): {"/v1/sources": LEADERS},
    ("GET", "/v1/sources/{name}"): {"/v1/sources/none": LEADERS},
    ("GET", "/v1/deliveries"): {"/v1/deliveries": LEADERS},
    ("GET", "/v1/deliveries/{delivery_id}"): {"/v1/deliveries/999999999": LEADERS},
    ("GET", "/v1/deliveries/{delivery_id}/report"): {"/v1/deliveries/999999999/report": LEADERS},
    ("POST", "/v1/deliveries/{delivery_id}/release"): {"/v1/deliveries/999999999/release": LEADERS},
    ("POST", "/v1/deliveries/{delivery_id}/refuse"): {"/v1/deliveries/999999999/refuse": LEADERS},
    ("GET", "/v1/lineage/alerts/{alert_id}"): {"/v1/lineage/alerts/999999999": LEADERS},
    ("GET", "/v1/lineage/imports/{import_id}"): {"/v1/lineage/imports/999999999": LEADERS},
    ("GET", "/v1/lineage/rows/{table}"): {"/v1/lineage/rows/sites?key=site_id:none": LEADERS},
    ("GET", "/v1/duty-proposals"): {"/v1/duty-proposals": LEADERS},
    ("POST", "/v1/duty-proposals"): {PROPOSED: LEADERS},
    ("POST", "/v1/duty-proposals/preview"): {PROPOSED.replace("?", "/preview?"): LEADERS},
    ("GET", "/v1/duty-proposals/{proposal_id}"): {"/v1/duty-proposals/999999999": LEADERS},
    ("POST", "/v1/duty-proposals/{proposal_id}/approve"): {
        "/v1/duty-proposals/999999999/approve": frozenset({"supervisor"})
    },
    ("POST", "/v1/duty-proposals/{proposal_id}/reject"): {"/v1/duty-proposals/999999999/reject": LEADERS},
    ("POST", "/v1/duty-proposals/{proposal_id}/undo"): {
        "/v1/duty-proposals/999999999/undo": frozenset({"supervisor"})
    },
    ("GET", "/v1/indicators"): {"/v1/indicators?since=2026-01-01&until=2026-02-01": READERS},
    ("GET", "/v1/indicators/cases"): {
        "/v1/indicators/cases?since=2026-01-01&until=2026-02-01&figure=rework_rate": READERS
    },
    ("GET", "/v1/runs"): {"/v1/runs": READERS},
    ("GET", "/v1/models"): {"/v1/models": READERS},
    ("GET", "/v1/models/{name}"): {"/v1/models/none": READERS},
    ("GET", "/v1/model-runs"): {"/v1/model-runs": READERS},
    ("GET", "/v1/model-runs/{run_id}"): {"/v1/model-runs/999999999": READERS},
    ("GET", "/v1/models/{name}/versions"): {"/v1/models/none/versions": READERS},
    ("POST", "/v1/models/{name}/in-force"): {"/v1/models/none/in-force": frozenset({"supervisor"})},
    ("POST", "/v1/models/{name}/put-back"): {"/v1/models/none/put-back": frozenset({"supervisor"})},
    ("GET", "/v1/settings"): {"/v1/settings": ANYONE},
    ("GET", "/v1/style"): {"/v1/style": ANYONE},
    ("GET", "/v1/base-map.pmtiles"): {"/v1/base-map.pmtiles": ANYONE},
    ("GET", "/v1/hot-spots/report.html"): {"/v1/hot-spots/report.html": ANYONE},
    ("GET", "/v1/hot-spots/report.pdf"): {"/v1/hot-spots/report.pdf?run_id=999999999": READERS},
    ("GET", "/v1/events"): {},  # has no end: test_events_tell_of_the_own_rows_only, above
    ("GET", "/events"): {},
}
"""Every route, and by hand: a request to it, and the roles that are let in (None: without a login)."""


def test_every_route_has_its_row(matrix: Matrix) -> None:
    assert routes_of(create_app(matrix.settings)) == set(ROUTES)


@pytest.mark.parametrize(
    "caller",
    ["public", "viewer of A", "grid manager of A", "officer of A", "dispatcher", "supervisor", "key", "key that sends",
     "ended login", "revoked key", "key that is over"],
)  # fmt: skip
def test_a_route_lets_in_whom_its_row_names(matrix: Matrix, caller: str) -> None:
    client, role = matrix.clients[caller], CALLERS[caller].role
    known = caller not in ("revoked key", "key that is over")
    wrong = []
    for (method, path), requests in ROUTES.items():
        for url, roles in requests.items():
            body = {} if method in ("POST", "PUT", "PATCH") else None
            status = client.request(method, url, json=body, follow_redirects=False).status_code
            wanted = None if role in roles else 403 if role else 401
            if path == "/v1/tracks/osmand" and role == "dispatcher":
                wanted = 401  # a person may send tracks, but a tracker has no login: it sends a key
            if known or None not in roles:
                wrong += (
                    [(method, url, status)] if (status if status in (401, 403) else None) != wanted else []
                )
    assert not wrong


ENROLMENT = {"/v1/account", "/v1/account/second-factor", "/v1/account/second-factor/confirm"}


def test_who_must_set_up_a_second_factor_is_nobody_at_every_route(matrix: Matrix) -> None:
    """The account's role and area open nothing: only the routes of the enrolment do."""
    settings = matrix.settings.model_copy(update={"second_factor_roles": "supervisor,dispatcher"})
    client = logged_in(create_app(settings), "supervisor")
    wrong = []
    for (method, path), requests in ROUTES.items():
        for url, roles in requests.items():
            if path == "/v1/tracks/osmand":
                continue  # asks for a key
            body = {} if method in ("POST", "PUT", "PATCH") else None
            answer = client.request(method, url, json=body, follow_redirects=False)
            told = answer.json()["type"] if answer.status_code == 403 else None
            wanted = None if None in roles or path in ENROLMENT else "/problems/enrolment-needed"
            wrong += [(method, url, answer.status_code)] if told != wanted else []
    assert not wrong


def test_what_needs_a_login_is_kept_by_no_cache(matrix: Matrix) -> None:
    client = matrix.clients["supervisor"]
    wrong, looked_at = [], 0
    for (method, _), requests in ROUTES.items():
        for url, roles in requests.items():
            if method != "GET" or None in roles or "supervisor" not in roles:
                continue
            answer = client.get(url, follow_redirects=False)
            looked_at += 1
            if answer.headers.get("cache-control") not in ("private, no-store", "no-store"):
                wrong.append((url, answer.status_code, answer.headers.get("cache-control")))
    assert not wrong and looked_at > 20
