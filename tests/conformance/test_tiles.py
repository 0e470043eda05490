"""OGC API Tiles part 1 and the two-dimensional tile matrix set, annex A."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

SPEC = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"
RELATION = "http://www.opengis.net/def/rel/ogc/1.0/"
MVT = "application/vnd.mapbox-vector-tile"
SET = "/collections/areas/tiles/WebMercatorQuad"
PUBLIC = ("areas", "grids", "sites", "places", "hot_spots", "emerging_hot_spots", "fences")


def links(body: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    return [link for link in body["links"] if link["rel"] == rel]


def test_conf_tiles_core_conformance_success(public: TestClient) -> None:
    classes = public.get("/conformance").json()["conformsTo"]
    assert {SPEC + name for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt")} <= set(
        classes
    )


def test_conf_tiles_core_tc_op(public: TestClient) -> None:
    assert public.get(f"{SET}/8/104/213").status_code == 200


def _defined(public: TestClient, name: str) -> None:
    paths = public.get("/openapi.json").json()["paths"]
    (path,) = [p for p in paths if p.endswith("/{tileMatrix}/{tileRow}/{tileCol}")]
    (found,) = [p for p in paths[path]["get"]["parameters"] if p["name"] == name]
    assert found["in"] == "path" and found["required"] and found["schema"]["type"] == "integer"


def test_conf_tiles_core_tc_tilematrix_definition(public: TestClient) -> None:
    _defined(public, "tileMatrix")


def test_conf_tiles_core_tc_tilerow_definition(public: TestClient) -> None:
    _defined(public, "tileRow")


def test_conf_tiles_core_tc_tilecol_definition(public: TestClient) -> None:
    _defined(public, "tileCol")


def test_conf_tiles_core_tc_success(public: TestClient) -> None:
    answer = public.get(f"{SET}/8/104/213")
    assert answer.headers["content-type"] == MVT and answer.content


def test_conf_tiles_core_tc_error(public: TestClient) -> None:
    assert public.get(f"{SET}/3/8/0").status_code == 404  # no such row in the matrix
    assert public.get(f"{SET}/99/0/0").status_code in (400, 404)
    assert public.get("/collections/nothing/tiles/WebMercatorQuad/0/0/0").status_code == 404


def test_conf_tiles_core_tc_empty(public: TestClient) -> None:
    answer = public.get(f"{SET}/8/0/0")
    assert answer.status_code in (200, 204) and answer.headers.get("x-features-shown") == "0"


def test_conf_tiles_tileset_description(public: TestClient) -> None:
    for name in PUBLIC:
        body = public.get(f"/collections/{name}/tiles/WebMercatorQuad").json()
        assert body["dataType"] == "vector" and body["crs"].endswith("/3857")
        (tiling,) = links(body, RELATION + "tiling-scheme")
        assert public.get(tiling["href"]).json()["id"] == "WebMercatorQuad"
        (item,) = links(body, "item")
        assert item["templated"] and item["type"] == MVT
        assert public.get(item["href"].format(tileMatrix=8, tileRow=104, tileCol=213)).status_code == 200
        assert body["layers"][0]["id"] == name


def test_conf_tiles_tilesets_list_tileset_links(public: TestClient) -> None:
    for name in PUBLIC:
        body = public.get(f"/collections/{name}/tiles").json()
        (listed,) = body["tilesets"]
        (self,) = links(listed, "self")
        assert public.get(self["href"]).status_code == 200


def test_conf_tiles_geodata_tilesets_desc_links(public: TestClient) -> None:
    for name in PUBLIC:
        (link,) = links(public.get(f"/collections/{name}").json(), RELATION + "tilesets-vector")
        assert public.get(link["href"]).json()["tilesets"]


def test_conf_tiles_geodata_tilesets_operation(public: TestClient) -> None:
    """Tiles of every collection, and of every one the tile set that its description leads to."""
    for name in PUBLIC:
        (link,) = links(public.get(f"/collections/{name}").json(), RELATION + "tilesets-vector")
        (listed,) = public.get(link["href"], headers={"Accept": "application/json"}).json()["tilesets"]
        assert {"dataType", "crs", "tileMatrixSetURI"} <= set(listed) and listed["dataType"] == "vector"
        (item,) = links(listed, "item")
        tile = public.get(item["href"].format(tileMatrix=0, tileRow=0, tileCol=0))
        assert tile.status_code == 200 and tile.headers["content-type"] == MVT


def test_conf_tiles_mvt_content(public: TestClient, tmp_path: Path) -> None:
    """GDAL finds the layers of the tile set and the features that the header counts."""
    import pyogrio

    for name in PUBLIC:
        answer = public.get(f"/collections/{name}/tiles/WebMercatorQuad/8/104/213")
        if not answer.content:
            assert answer.headers["x-features-shown"] == "0"
            continue
        (tmp_path / "t.mvt").write_bytes(answer.content)
        layers = {layer for layer, _ in pyogrio.list_layers(f"MVT:{tmp_path / 't.mvt'}")}
        described = public.get(f"/collections/{name}/tiles/WebMercatorQuad").json()["layers"]
        assert name in layers <= {layer["id"] for layer in described}
        found = pyogrio.read_info(f"MVT:{tmp_path / 't.mvt'}", layer=name, force_feature_count=True)
        assert found["features"] == int(answer.headers["x-features-shown"]) > 0


def test_conf_tiling_schemes(public: TestClient) -> None:
    body = public.get("/", headers={"Accept": "application/json"}).json()
    (link,) = links(body, RELATION + "tiling-schemes")
    (listed,) = public.get(link["href"]).json()["tileMatrixSets"]
    assert listed["id"] == "WebMercatorQuad" and public.get(listed["links"][0]["href"]).status_code == 200


@pytest.mark.parametrize(
    ("zoom", "scale"), [(0, 559082264.028717), (10, 545978.773465544), (18, 2132.72958384978)]
)
def test_conf_tms_scale_denominators(public: TestClient, zoom: int, scale: float) -> None:
    """The numbers of annex D of the standard."""
    matrix = public.get("/tileMatrixSets/WebMercatorQuad").json()["tileMatrices"][zoom]
    assert matrix["id"] == str(zoom) and matrix["matrixWidth"] == matrix["matrixHeight"] == 2**zoom
    assert matrix["scaleDenominator"] == pytest.approx(scale, rel=1e-12)
    assert matrix["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892], abs=1e-6)


def test_conf_tiles_mvt_row_before_column(public: TestClient) -> None:
    assert public.get(f"{SET}/8/104/213").headers["x-features-matched"] == "10"
    assert public.get(f"{SET}/8/213/104").headers["x-features-matched"] == "0"


def test_tilejson(public: TestClient) -> None:
    for name in PUBLIC:
        body = public.get(f"/collections/{name}/tiles/WebMercatorQuad?f=tilejson").json()
        assert body["tilejson"] == "3.0.0" and body["vector_layers"][0]["id"] == name
        assert public.get(body["tiles"][0].format(z=8, y=104, x=213)).headers["content-type"] == MVT


def test_html(public: TestClient) -> None:
    for path in ("/tileMatrixSets", "/tileMatrixSets/WebMercatorQuad", "/collections/areas/tiles", SET):
        assert public.get(path + "?f=html").headers["content-type"].startswith("text/html")
