"""Base maps over HTTP: ranges of the local file, what the page is offered, and wrong files and settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pmtiles.tile import TileType
from pydantic import SecretStr
from starlette.testclient import TestClient

from geo_api.cli.check import check_base_maps
from geo_api.http.settings import Settings, WrongSetting, read_settings
from geo_api.server.app import create_app
from tests.support.pmtiles_archives import write_archive

TIANDITU = {
    "name_zh": "天地图",
    "url": "https://t0.example/vec_w/wmts?TILEMATRIX={z}&TILEROW={y}&TILECOL={x}",
    "datum": "cgcs2000",
    "attribution": "© 天地图",
}


def client(url: str, folder: Path, **settings: object) -> TestClient:
    given = {"database_url": url, "data_dir": folder, "secret": SecretStr("x"), "log_level": "error"}
    return TestClient(create_app(Settings(**(given | settings))))  # type: ignore[arg-type]


def test_the_local_file_is_served_by_ranges_and_offered(fresh_database: str, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "base_map.pmtiles", TileType.PNG, [])
    whole = path.read_bytes()
    with client(fresh_database, tmp_path) as page:
        (offered,) = page.get("/v1/settings").json()["base_maps"]
        assert (offered["id"], offered["kind"], offered["datum"]) == ("file", "raster", "wgs84")
        part = page.get("/" + offered["url"], headers={"Range": "bytes=7-20"})
        assert (part.status_code, part.content) == (206, whole[7:21])
        assert part.headers["content-range"] == f"bytes 7-20/{len(whole)}"
        again = page.get("/" + offered["url"], headers={"Accept-Encoding": "gzip"})
        assert again.content == whole and again.headers["etag"] == part.headers["etag"]
        beyond = page.get("/" + offered["url"], headers={"Range": f"bytes={len(whole)}-"})
        assert beyond.status_code == 416


def test_a_cut_file_is_named_by_check_and_left_out(fresh_database: str, tmp_path: Path) -> None:
    path = write_archive(tmp_path / "mine.pmtiles", TileType.PNG, [])
    path.write_bytes(path.read_bytes()[:-1])
    (finding,) = check_base_maps(Settings(data_dir=tmp_path, base_map_file=path))
    assert not finding.ok and "mine.pmtiles: is cut" in finding.detail_en
    with client(fresh_database, tmp_path, base_map_file=path) as page:
        assert page.get("/v1/settings").json()["base_maps"] == []
        assert page.get("/v1/base-map.pmtiles").status_code == 404


def test_tiles_of_other_hosts_have_their_datum_and_the_page_may_ask_those_hosts(
    fresh_database: str, tmp_path: Path
) -> None:
    more = {
        "tile_url": "https://gaode.example/{z}/{x}/{y}",
        "tile_crs": "gcj02",
        "tile_attribution": "© 高德",
    }
    with client(fresh_database, tmp_path, tile_sources=json.dumps([TIANDITU]), **more) as page:
        first, second = page.get("/v1/settings").json()["base_maps"]
        assert (first["datum"], first["attribution"]) == ("gcj02", "© 高德")
        assert (second["datum"], second["url"]) == ("cgcs2000", TIANDITU["url"])
        assert second["name"] == {"zh": "天地图", "en": "天地图"}
        policy = page.get("/map/").headers["content-security-policy"]
        assert "https://gaode.example https://t0.example" in policy


@pytest.mark.parametrize(
    "wrong",
    [
        "[",
        '[{"name_zh": "x"}]',
        json.dumps([TIANDITU | {"datum": "bd09"}]),
        json.dumps([TIANDITU | {"url": "ftp://x"}]),
    ],
)
def test_sources_that_cannot_be_read_are_refused_at_the_start(
    wrong: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANGGE_TILE_SOURCES", wrong)
    with pytest.raises(WrongSetting, match="WANGGE_TILE_SOURCES"):
        read_settings()
