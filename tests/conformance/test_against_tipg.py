"""The same questions to tipg over the same rows: the same features, geometries and tile contents.

``tests/conformance/make_tipg`` makes the peer's environment.
"""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import shapely
from sqlalchemy import make_url, text

from layers.postgres import sessions as database
from tests.support.application import Api
from tests.support.waiting import PATIENCE_S, wait_until

UVICORN = Path(os.environ.get("WANGGE_TIPG", Path(__file__).parents[2] / ".setup/tipg/bin/uvicorn"))
pytestmark = pytest.mark.skipif(
    not UVICORN.is_file(), reason="tipg is not installed: tests/conformance/make_tipg"
)
COPIES = {
    "areas": "SELECT id, code, name, kind, parent_id, area_m2, valid_from, geom FROM areas WHERE valid_to IS NULL",
    "sites": "SELECT s.id, site_id, s.kind, e.hazard, s.geom FROM sites s JOIN enterprises e ON e.id ="
    " s.enterprise_id",
    "hot_spots": "SELECT id, field, value, level, geom FROM hot_spots",
}


@pytest.fixture(scope="module")
def tipg(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The peer over copies of the published rows: its address."""
    with database.session(database.SYSTEM, api.url) as db:
        db.execute(text("CREATE SCHEMA peer"))
        for name, query in COPIES.items():
            db.execute(text(f"CREATE TABLE peer.{name} AS {query}"))
            db.execute(text(f"ALTER TABLE peer.{name} ADD PRIMARY KEY (id)"))
    url = make_url(api.url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder, inner = quote(str(url.query["host"]), safe=""), url.query.get("port", "5432")
    settings = {
        "DATABASE_URL": f"postgresql://{url.username}@{folder}:{inner}/{url.database}",
        "TIPG_DB_SCHEMAS": '["peer"]',
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public"]',
        "PATH": "/usr/bin:/bin",
    }
    log = (tmp_path_factory.mktemp("tipg") / "log").open("wb")
    command = [str(UVICORN), "tipg.main:app", "--port", str(port), "--log-level", "warning"]
    with subprocess.Popen(command, env=settings, stdout=log, stderr=log) as server:
        address = f"http://127.0.0.1:{port}"
        wait_until(
            lambda: server.poll() is not None or httpx.get(f"{address}/healthz").status_code == 200,
            lambda: Path(log.name).read_text(),
            despite=(httpx.TransportError,),
        )
        assert server.poll() is None, Path(log.name).read_text()
        yield address
        server.terminate()
    with database.session(database.SYSTEM, api.url) as db:
        db.execute(text("DROP SCHEMA peer CASCADE"))


def ask(address: str, collection: str, **query: Any) -> dict[int, Any]:
    answer = httpx.get(
        f"{address}/collections/{collection}/items", params={"limit": 1000, **query}, timeout=PATIENCE_S
    )
    assert answer.status_code == 200, answer.text
    return {int(f["id"]): f for f in answer.json()["features"]}


@pytest.mark.parametrize("name", COPIES)
def test_the_same_features_and_geometries(address: str, tipg: str, name: str) -> None:
    ours, theirs = ask(address, name), ask(tipg, f"peer.{name}")
    assert set(ours) == set(theirs) and ours
    for key, feature in ours.items():
        shapes = [shapely.geometry.shape(f["geometry"]) for f in (feature, theirs[key])]
        assert shapes[0].normalize().equals_exact(shapes[1].normalize(), 1e-7)
        for member in set(feature["properties"]) & set(theirs[key]["properties"]) - {"valid_from"}:
            assert feature["properties"][member] == theirs[key]["properties"][member], (key, member)


@pytest.mark.parametrize(
    "box",
    ["120.01,31.01,120.02,31.02", "120.4,31.1,120.6,31.3", "0,0,1,1", "119,30,122,33", "120.5,31.5,121,32"],
)
@pytest.mark.parametrize("name", COPIES)
def test_the_same_boxes(address: str, tipg: str, name: str, box: str) -> None:
    assert set(ask(address, name, bbox=box)) == set(ask(tipg, f"peer.{name}", bbox=box))


@pytest.mark.parametrize(
    ("name", "ours", "theirs"),
    [
        ("areas", "kind = 'town'", None),
        ("areas", "kind IN ('town','city') AND NOT (name LIKE 'A%')", None),
        ("areas", "parent_id IS NULL OR area_m2 < 1e9", None),
        ("areas", "code BETWEEN '320601' AND '320601001'", None),
        ("sites", "hazard = 'chemical' AND kind <> 'storage'", None),
        ("hot_spots", "value > 8 AND level >= 0", None),
        ("areas", "S_INTERSECTS(geometry, POINT(120.1 31.2))", "S_INTERSECTS(geom, POINT(120.1 31.2))"),
        (
            "areas",
            "S_WITHIN(geometry, BBOX(120,31,120.5,31.5))",
            "S_WITHIN(geom, POLYGON((120 31,120.5 31,120.5 31.5,120 31.5,120 31)))",
        ),
        (
            "sites",
            "S_DISJOINT(geometry, POLYGON((120 31,120.3 31,120.3 31.5,120 31)))",
            "S_DISJOINT(geom, POLYGON((120 31,120.3 31,120.3 31.5,120 31)))",
        ),
    ],
)
def test_the_same_filters(address: str, tipg: str, name: str, ours: str, theirs: str | None) -> None:
    found = ask(address, name, filter=ours)
    assert set(found) == set(ask(tipg, f"peer.{name}", filter=theirs or ours, **{"filter-lang": "cql2-text"}))


@pytest.mark.parametrize("name", COPIES)
@pytest.mark.parametrize("tile", [(8, 213, 104), (10, 853, 417), (12, 3414, 1670), (5, 0, 0)])
def test_the_same_tiles(
    address: str, tipg: str, name: str, tile: tuple[int, int, int], tmp_path: Path
) -> None:
    z, x, y = tile
    ours = httpx.get(f"{address}/collections/{name}/tiles/WebMercatorQuad/{z}/{y}/{x}").content
    theirs = httpx.get(f"{tipg}/collections/peer.{name}/tiles/WebMercatorQuad/{z}/{x}/{y}").content
    assert decoded(ours, tile, tmp_path / "ours.pbf", name) == decoded(
        theirs, tile, tmp_path / "theirs.pbf", "default"
    )


def test_tiles_hold_something(address: str, tmp_path: Path) -> None:
    ours = httpx.get(f"{address}/collections/areas/tiles/WebMercatorQuad/8/104/213").content
    assert len(decoded(ours, (8, 213, 104), tmp_path / "t.pbf", "areas")) == 10


def decoded(content: bytes, tile: tuple[int, int, int], path: Path, layer: str) -> list[str]:
    """Sorted names of what GDAL finds in a tile."""
    import pyogrio

    if not content:
        return []
    path.write_bytes(content)
    z, x, y = tile
    frame = pyogrio.read_dataframe(path, layer=layer, X=str(x), Y=str(y), Z=str(z), read_geometry=False)
    return sorted(
        map(
            str,
            frame["mvt_id"] if "mvt_id" in frame and frame["mvt_id"].notna().all() else frame.get("id", []),
        )
    )
