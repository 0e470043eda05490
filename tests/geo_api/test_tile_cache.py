"""Kept tiles: the same bytes while nothing changed, the new ones right after a write, nobody else's ever."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import text

from geo_api.features.tile_cache import OVERHEAD_BYTES, TileAnswer, TileCache
from layers.collections import COLLECTIONS, Selection, TileQueries
from layers.collections.tiles import tile_statement
from layers.postgres import SYSTEM, AsyncReader, CompiledQuery, Scope, libpq_url, session
from layers.roles import READER_ROLE
from tests.support.application import PASSWORD, Api, Seeded, api_over, serving
from tests.support.tiles import tile_of
from tests.support.waiting import PATIENCE_S

LAT = 31.2
LON = {"A": 120.1, "B": 120.6}


def path_of(collection: str, lon: float, zoom: int = 14) -> str:
    z, column, row = tile_of(lon, LAT, zoom)
    return f"/collections/{collection}/tiles/WebMercatorQuad/{z}/{row}/{column}"


@pytest.fixture(scope="module")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A database of these tests alone: they write."""
    yield from api_over(seeded, "tile_cache", tmp_path_factory.mktemp("data"))


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many tiles the database has made, by the caller's name; they are made all the same."""
    counter: Counter[str] = Counter()
    read = TileQueries.read

    async def counted(self: TileQueries, reader: AsyncReader, scope: Scope, column: int, row: int) -> Any:
        counter[scope.username or ""] += 1
        return await read(self, reader, scope, column, row)

    monkeypatch.setattr(TileQueries, "read", counted)
    return counter


@pytest.fixture
def client(served: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=served, timeout=PATIENCE_S) as found:
        yield found


@contextmanager
def logged_in(address: str, username: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=address, timeout=PATIENCE_S) as client:
        answer = client.post("/v1/login", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
        yield client


def test_a_kept_tile_is_the_tile(client: httpx2.Client, made: Counter[str]) -> None:
    path = path_of("sites", LON["A"])
    first = client.get(path)
    assert first.headers["x-features-matched"] == "1" and len(first.content) > 0
    for _ in range(5):
        again = client.get(path)
        assert again.content == first.content
        same = ("etag", "cache-control", "vary", "content-type", "x-features-matched", "x-features-shown")
        assert {name: again.headers[name] for name in same} == {name: first.headers[name] for name in same}
        assert again.headers["x-content-type-options"] == "nosniff"
        assert again.headers["x-request-id"] != first.headers["x-request-id"]
    known = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (
        known.status_code == 304 and known.content == b"" and known.headers["etag"] == first.headers["etag"]
    )
    head = client.head(path)
    assert (head.status_code, head.content) == (200, b"") and head.headers["etag"] == first.headers["etag"]
    assert made.total() == 1, "made once, answered eight times"


def test_compressed_and_plain_are_the_same_tile(client: httpx2.Client, made: Counter[str]) -> None:
    path = path_of("areas", LON["A"], 9)
    packed = client.get(path, headers={"Accept-Encoding": "gzip"})
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert packed.content == plain.content and packed.headers["etag"] == plain.headers["etag"]
    assert int(plain.headers["content-length"]) == len(plain.content)
    assert int(packed.headers["content-length"]) < len(plain.content)
    assert made.total() == 1


def test_after_the_answer_to_a_write_the_tile_is_new(served: str, client: httpx2.Client) -> None:
    """Twenty times: keep the tile, write, read; and the tile elsewhere stays kept."""
    path, elsewhere = path_of("places", LON["A"] + 0.2), path_of("places", LON["B"])
    old = int(client.get(path).headers["x-features-matched"])
    tags = {client.get(path).headers["etag"]}
    far = client.get(elsewhere).headers["etag"]
    with logged_in(served, "dispatcher") as writer:
        for n in range(1, 21):
            place = {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [LON["A"] + 0.2 + n * 1e-5, LAT]},
                "properties": {"kind": "petrol", "radius_m": 60},
            }
            answer = writer.post("/collections/places/items", json=place)
            assert answer.status_code == 201, answer.text
            tile = client.get(path, headers={"If-None-Match": next(iter(tags))})
            assert tile.status_code == 200, "304 for a tile that changed"
            assert tile.headers["x-features-matched"] == str(old + n)
            tags = {tile.headers["etag"]}
            assert client.get(path, headers={"If-None-Match": tile.headers["etag"]}).status_code == 304
    assert client.get(elsewhere).headers["etag"] == far


@pytest.mark.parametrize("collection", ["alerts", "stays", "visits"])
def test_a_kept_tile_is_nobody_elses(served: str, api: Api, made: Counter[str], collection: str) -> None:
    path = path_of(collection, LON["A"])
    with session(SYSTEM, api.url) as db:
        real = db.execute(text(f"SELECT count(*) FROM {collection}")).scalar_one()
    assert real >= 2, "one in each town"
    with logged_in(served, "officer.a") as owner, logged_in(served, "officer.b") as other:
        for _ in range(3):
            mine = owner.get(path)
            assert mine.status_code == 200 and int(mine.headers["x-features-matched"]) >= 1
            assert mine.headers["cache-control"] == "private, no-store"
            theirs = other.get(path, headers={"If-None-Match": mine.headers["etag"]})
            assert (theirs.status_code, theirs.headers["x-features-matched"]) == (200, "0")
            for stranger in ({}, {"Cookie": "wangge_session=wrong"}, {"Cookie": "wangge_session="}):
                refused = httpx2.get(
                    served + path,
                    headers=stranger | {"If-None-Match": mine.headers["etag"]},
                    timeout=PATIENCE_S,
                )
                assert refused.status_code == 401 and "etag" not in refused.headers
            key = httpx2.get(served + path, headers={"Authorization": "Bearer wk_wrong"}, timeout=PATIENCE_S)
            assert key.status_code == 401
        assert made["officer.a"] <= 2 and made["officer.b"] <= 2 and set(made) == {"officer.a", "officer.b"}
        cookie = f"wangge_session={owner.cookies['wangge_session']}"
        assert httpx2.get(served + path, headers={"Cookie": cookie}, timeout=PATIENCE_S).status_code == 200
        assert owner.post("/v1/logout").status_code < 300
        ended = httpx2.get(served + path, headers={"Cookie": cookie}, timeout=PATIENCE_S)
        assert ended.status_code == 401, "who logged out"


def test_a_public_tile_is_one_for_everyone(served: str, client: httpx2.Client, made: Counter[str]) -> None:
    path = path_of("sites", LON["B"])
    first = client.get(path)
    with logged_in(served, "officer.a") as officer:
        answers = [
            officer.get(path),
            httpx2.get(served + path, headers={"Cookie": "wangge_session=wrong"}, timeout=PATIENCE_S),
            officer.get(path),
        ]
    assert {answer.content for answer in answers} == {first.content}
    assert made.total() == 1


def test_zero_megabytes_keep_nothing(api: Api, made: Counter[str]) -> None:
    path = path_of("sites", LON["A"])
    with serving(api.settings.model_copy(update={"tile_cache_mb": 0})) as address:
        tags = {httpx2.get(address + path, timeout=PATIENCE_S).headers["etag"] for _ in range(4)}
    assert len(tags) == 1 and made.total() == 4


def test_twenty_who_ask_at_once_are_one_query(
    served: str, made: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = path_of("grids", LON["A"])
    httpx2.get(
        served + path_of("grids", LON["B"]), timeout=PATIENCE_S
    )  # the question is known: tiles are answered before the routes
    made.clear()
    asked = itertools.count(1)
    get_or_make, all_ask = TileCache.get_or_make, asyncio.Event()

    async def counted(
        self: TileCache, name: Any, version: Any, make: Callable[[], Awaitable[Any]], **more: Any
    ) -> Any:
        async def make_late() -> Any:
            await all_ask.wait()
            return await make()

        if next(asked) == 20:
            all_ask.set()
        return await get_or_make(self, name, version, make_late, **more)

    monkeypatch.setattr(TileCache, "get_or_make", counted)
    with httpx2.Client(base_url=served, timeout=PATIENCE_S) as client, ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: client.get(path), range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert made.total() == 1


def answer_of(n: int) -> TileAnswer:
    return TileAnswer(bytes(n), False, b'W/"1"', [])


def test_it_holds_no_more_than_its_bytes_and_drops_what_was_used_least_lately() -> None:
    room = 3 * (1_000 + OVERHEAD_BYTES)

    async def make() -> TileAnswer:
        return answer_of(1_000)

    async def make_large() -> TileAnswer:
        return answer_of(room + 1)

    async def fill() -> TileCache:
        cache = TileCache(room)
        for name in "abc":
            await cache.get_or_make(name, 1, make)
        assert cache.get("a", 1) is not None and cache.held_bytes == room
        await cache.get_or_make("d", 1, make)
        return cache

    cache = asyncio.run(fill())
    assert [cache.get(name, 1) is not None for name in "abcd"] == [True, False, True, True]
    assert cache.held_bytes == room and len(cache) == 3

    async def large() -> None:
        await cache.get_or_make("e", 1, make_large)

    asyncio.run(large())
    assert cache.held_bytes <= room and cache.get("e", 1) is None


def test_who_leaves_does_not_end_what_others_wait_for_and_a_failure_is_not_kept() -> None:
    async def run() -> None:
        cache, n = TileCache(1_000_000), Counter[str]()
        begun, go_on = asyncio.Event(), asyncio.Event()

        async def make() -> TileAnswer:
            n["made"] += 1
            begun.set()
            await go_on.wait()
            return answer_of(5)

        async def fail() -> TileAnswer:
            raise ValueError("no database")

        leaver = asyncio.create_task(cache.get_or_make("t", 1, make))
        await begun.wait()
        waiter = asyncio.create_task(cache.get_or_make("t", 1, make))
        await asyncio.sleep(0)
        leaver.cancel()
        go_on.set()
        assert len((await waiter).body) == 5 and n["made"] == 1
        newer = await cache.get_or_make("t", 2, make)
        assert n["made"] == 2 and cache.get("t", 2) is newer and cache.get("t", 1) is None
        for _ in range(2):
            with pytest.raises(ValueError, match="no database"):
                await cache.get_or_make("u", 1, fail)

    asyncio.run(run())


@pytest.mark.parametrize("collection", ["sites", "areas", "stays"])
def test_the_statement_of_a_tile_uses_the_spatial_index_under_the_policy(api: Api, collection: str) -> None:
    """With the reading role, a town's scope and one plan for all tiles: the index, not the table."""
    address = tile_of(LON["A"], LAT, 14)
    query = CompiledQuery.from_statement(
        tile_statement(COLLECTIONS[collection], Selection(), address), generic=True
    )
    with psycopg.connect(libpq_url(api.url)) as connection:
        connection.execute(f"SET LOCAL ROLE {READER_ROLE}")
        connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        connection.execute("SET LOCAL enable_seqscan = off")  # the tables of the tests are small
        connection.execute("SELECT set_config('wangge.areas', '1,2', true)")
        connection.execute(b"PREPARE tile AS " + query.sql)
        values = ", ".join("NULL" if v is None else psycopg.sql.Literal(v).as_string() for v in query.values)
        row = connection.execute(f"EXPLAIN (FORMAT JSON) EXECUTE tile({values})".encode()).fetchone()
    assert row is not None
    plan = json.dumps(row[0])
    assert "geom_3857" in plan and '"Index Cond"' in plan, plan
