"""A map of nobody's making: a bare MapLibre reads every collection of the catalog by its TileJSON alone.

The map is a new one of MapLibre's own class with an empty style, so that nothing of the console helps it.
What it holds is compared with the features that the API gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import shapely

from geo_api.auth.access import create_user
from geo_api.cli.demo import Login
from layers.collections import COLLECTIONS, Collection
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.application import PASSWORD
from tests.support.busy_town import fill_every_collection
from tests.support.console import Console
from tests.support.databases import own_database
from tests.support.served_city import City, serve_city
from tests.support.small_town import seed_town
from tests.support.waiting import wait_until

Open = Callable[..., Console]
LAYER = {"point": "circle", "line": "line", "polygon": "fill"}
SHAPE = {"point": "Point", "line": "LineString", "polygon": "Polygon"}
DEADLINE_S = 100
BARE_MAP = """([tilejson, collection, layer]) => {
  const holder = document.createElement("div");
  holder.style.cssText = "position:fixed;left:0;top:0;width:640px;height:480px;z-index:9999";
  document.body.append(holder);
  const Map = window.__wangge.map.constructor;
  const map = new Map({ container: holder, style: { version: 8, sources: {}, layers: [] }, attributionControl: false, fadeDuration: 0 });
  const bare = (window.__bare = { map, errors: [], collection });
  map.on("error", (e) => bare.errors.push(String(e.error?.message ?? e.type)));
  map.once("load", () => {
    map.addSource("s", { type: "vector", url: tilejson });
    map.addLayer({ id: "l", type: layer, source: "s", "source-layer": collection });
    map.once("idle", () => (bare.rested = true));
  });
}"""
STATE = """() => {
  const { map, errors, collection, rested } = window.__bare, source = map.getSource("s");
  const done = Boolean(rested && source && map.isSourceLoaded("s"));
  const found = done ? map.querySourceFeatures("s", { sourceLayer: collection }) : [];
  return { done, errors, layers: source?.vectorLayerIds ?? [], bounds: source?.bounds, maxzoom: source?.maxzoom,
    features: found.map((f) => ({ id: f.id, type: f.geometry.type, properties: f.properties })) };
}"""

LOOK_AT = """([west, south, east, north, maxZoom]) => {
  const bare = window.__bare;
  bare.rested = false;
  bare.map.once("idle", () => (bare.rested = true));
  bare.map.fitBounds([[west, south], [east, north]], { duration: 0, padding: 8, maxZoom });
}"""

TAKE_AWAY = """() => {
  const holder = window.__bare.map.getContainer();
  window.__bare.map.remove();
  holder.remove();
  delete window.__bare;
}"""


@pytest.fixture(scope="session")
def city(cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[City]:
    """A city with a feature in every collection, instead of the analysed one."""
    with own_database(cluster, _migrated, "every_collection") as url:
        with session(SYSTEM, url) as db:
            fill_every_collection(db, seed_town(db))
            create_user(db, username="dispatcher", password=PASSWORD, role="dispatcher")
        logins = [Login("dispatcher", PASSWORD, "dispatcher")]
        with serve_city(url, tmp_path_factory.mktemp("every"), logins) as made:
            yield made


def items(city: City, collection: str, headers: dict[str, str]) -> dict[int, dict[str, Any]]:
    """Features of a collection by id, as the API gives them."""
    url = f"{city.address}/collections/{collection}/items?limit=10000&count=exact"
    page = httpx2.get(url, headers=headers, timeout=60).raise_for_status().json()
    assert page["numberMatched"] == len(page["features"])
    return {f["id"]: f for f in page["features"]}


@pytest.fixture(scope="module")
def dispatcher(city: City) -> dict[str, str]:
    """Headers of somebody who sees everything."""
    answer = httpx2.post(
        f"{city.address}/v1/login", json={"username": "dispatcher", "password": PASSWORD}, timeout=60
    ).raise_for_status()
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in answer.cookies.items())}


def rested(console: Console) -> dict[str, Any]:
    """What the bare map holds once it has loaded and drawn what its view needs."""

    def state() -> dict[str, Any] | None:
        now: dict[str, Any] = console.page.evaluate(STATE)
        assert now["errors"] == []
        return now if now["done"] else None

    found: dict[str, Any] = wait_until(state, "the bare map rests", DEADLINE_S)
    return found


def look_at(console: Console, box: tuple[float, float, float, float], most_zoom: float) -> dict[str, Any]:
    console.page.evaluate(LOOK_AT, [*box, most_zoom])
    return rested(console)


def same(value: Any, tile: Any) -> bool:
    """Numbers of a tile may be floats of single width."""
    if isinstance(value, float) and isinstance(tile, int | float):
        return tile == pytest.approx(value, rel=1e-6)
    return bool(value == tile)


def compare(collection: Collection, shown: list[dict[str, Any]], known: dict[int, dict[str, Any]]) -> None:
    for feature in shown:
        assert feature["type"].removeprefix("Multi") == SHAPE[collection.geometry_type]
        about = known[feature["id"]]["properties"]
        tiled = {p.name for p in collection.properties if p.tile}
        assert set(feature["properties"]) == {name for name in tiled if about[name] is not None}
        wrong = {n: (about[n], v) for n, v in feature["properties"].items() if not same(about[n], v)}
        assert wrong == {}


def read(console: Console, collection: Collection, known: dict[int, dict[str, Any]]) -> None:
    """The whole collection in one view, then one of its features from near."""
    address = f"{console.city.address}/collections/{collection.id}/tiles/WebMercatorQuad?f=tilejson"
    console.page.evaluate(BARE_MAP, [address, collection.id, LAYER[collection.geometry_type]])
    rested(console)
    whole = look_at(console, box_of(list(known.values())), 13.5)
    labels = [] if collection.labels is None else [f"{collection.id}_labels"]
    assert whole["layers"] == [collection.id, *labels]
    assert {f["id"] for f in whole["features"]} == set(known)
    compare(collection, whole["features"], known)
    key = max(known)
    near = look_at(console, box_of([known[key]]), 13.5)
    assert key in {f["id"] for f in near["features"]}
    compare(collection, near["features"], known)
    console.page.evaluate(TAKE_AWAY)


def box_of(features: list[dict[str, Any]]) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(
        [shapely.geometry.shape(f["geometry"]) for f in features]
    ).tolist()
    return west, south, east, north


@pytest.fixture(scope="module")
def page_of_nobody(open_page_of_module: Open) -> Console:
    return open_page_of_module()


@pytest.fixture(scope="module")
def page_of_the_dispatcher(open_page_of_module: Open) -> Console:
    console = open_page_of_module()
    console.log_in("dispatcher")
    return console


@pytest.fixture(scope="module")
def page_that_is_refused(open_page_of_module: Open) -> Console:
    console = open_page_of_module()
    console.expect_status(401)
    return console


@pytest.mark.parametrize("name", [c.id for c in COLLECTIONS.values() if not c.login])
def test_without_a_login(page_of_nobody: Console, city: City, name: str) -> None:
    read(page_of_nobody, COLLECTIONS[name], items(city, name, {}))


@pytest.mark.parametrize("name", list(COLLECTIONS))
def test_logged_in(
    page_of_the_dispatcher: Console, city: City, dispatcher: dict[str, str], name: str
) -> None:
    read(page_of_the_dispatcher, COLLECTIONS[name], items(city, name, dispatcher))


@pytest.mark.parametrize("name", [c.id for c in COLLECTIONS.values() if c.login])
def test_who_is_not_logged_in_is_refused_and_told(page_that_is_refused: Console, name: str) -> None:
    """MapLibre hears of it as an error of its source; no feature comes."""
    console = page_that_is_refused
    collection = COLLECTIONS[name]
    address = f"{console.city.address}/collections/{name}/tiles/WebMercatorQuad?f=tilejson"
    console.page.evaluate(BARE_MAP, [address, name, LAYER[collection.geometry_type]])
    heard = wait_until(lambda: console.page.evaluate(STATE)["errors"], "the refusal is heard", DEADLINE_S)
    assert all("401" in each for each in heard)
    assert console.page.evaluate(STATE)["features"] == []
    console.page.evaluate(TAKE_AWAY)
