"""Coordinates in other reference systems; expected numbers by pyproj with the authority's axis order."""

from __future__ import annotations

import urllib.parse
from typing import Any

import pytest
from pyproj import Transformer
from starlette.testclient import TestClient

from layers.codes.crs import from_storage

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
SITE_A = (120.1, 31.2)


def site(client: TestClient, crs: str) -> tuple[dict[str, Any], str]:
    answer = client.get("/collections/sites/items?site_id=S-A&crs=" + urllib.parse.quote(crs, safe=""))
    assert answer.status_code == 200, answer.text
    return answer.json()["features"][0], answer.headers["content-crs"]


@pytest.mark.parametrize("code", [4326, 4490, 3857, 4549])
def test_coordinates_are_those_of_pyproj_in_the_authoritys_order(public: TestClient, code: int) -> None:
    feature, header = site(public, f"{EPSG}{code}")
    assert header == f"<{EPSG}{code}>"
    own = Transformer.from_crs("OGC:CRS84", f"EPSG:{code}", always_xy=False)
    assert feature["geometry"]["coordinates"] == pytest.approx(
        own.transform(*SITE_A), abs=1e-3 if code in (3857, 4549) else 1e-7
    )
    assert "crs" not in feature["geometry"]


def test_the_default_is_crs84(public: TestClient) -> None:
    feature, header = site(public, CRS84)
    assert (feature["geometry"]["coordinates"], header) == (list(SITE_A), f"<{CRS84}>")
    assert public.get("/collections/sites/items").headers["content-crs"] == f"<{CRS84}>"


@pytest.mark.parametrize("name", ["gcj02", "bd09"])
def test_own_extension_for_gaode_and_baidu(public: TestClient, name: str) -> None:
    feature, header = site(public, name)
    lon, lat = from_storage([SITE_A[0]], [SITE_A[1]], name)
    assert header == f"<{name}>"
    assert feature["geometry"]["coordinates"] == pytest.approx([lon[0], lat[0]], abs=1e-7)
    middle = [sum(p[i] for p in feature["properties"]["boundary"]["coordinates"][0][:4]) / 4 for i in (0, 1)]
    assert middle == pytest.approx([lon[0], lat[0]], abs=1e-5)  # the boundary moved with its site


@pytest.mark.parametrize(
    "crs", ["CRS84", "EPSG:4326", "EPSG:4490", "EPSG:3857", "EPSG:4549", "gcj02", "bd09"]
)
def test_a_box_in_any_system_finds_the_site(public: TestClient, crs: str) -> None:
    feature, _ = site(public, crs)
    a, b = feature["geometry"]["coordinates"]
    reach = 1.0 if crs in ("EPSG:3857", "EPSG:4549") else 1e-5
    box = f"{a - reach},{b - reach},{a + reach},{b + reach}"
    found = public.get(f"/collections/sites/items?bbox={box}&bbox-crs={crs}").json()["features"]
    assert [f["properties"]["site_id"] for f in found] == ["S-A"]
    far = f"{a + reach},{b + reach},{a + 2 * reach},{b + 2 * reach}"
    assert public.get(f"/collections/sites/items?bbox={far}&bbox-crs={crs}").json()["features"] == []


@pytest.mark.parametrize("parameter", ["crs", "bbox-crs", "filter-crs"])
def test_another_system_is_a_400(public: TestClient, parameter: str) -> None:
    answer = public.get(f"/collections/sites/items?{parameter}={urllib.parse.quote(EPSG + '2154', safe='')}")
    assert answer.status_code == 400 and parameter in answer.json()["detail"]


def test_one_feature_in_another_system(public: TestClient) -> None:
    key = public.get("/collections/areas/items?kind=city").json()["features"][0]["id"]
    answer = public.get(f"/collections/areas/items/{key}?crs=EPSG:4326")
    ring = answer.json()["geometry"]["coordinates"][0][0]
    assert answer.headers["content-crs"] == f"<{EPSG}4326>" and [31.0, 120.0] in ring


@pytest.mark.parametrize("box", ["nan,0,1,1", "0,0,inf,1", "5,5,1,1", "1e300,0,1e301,1"])
def test_a_box_that_is_none_is_a_400(public: TestClient, box: str) -> None:
    assert public.get(f"/collections/sites/items?bbox={box}&bbox-crs=EPSG:4549").status_code == 400
