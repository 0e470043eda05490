"""OGC API Features part 2, annex A: coordinate reference systems by reference."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from pyproj import Transformer
from starlette.testclient import TestClient

BASE = "http://www.opengis.net/def/crs/"
CRS84 = BASE + "OGC/1.3/CRS84"
PUBLIC = ("areas", "sites", "hot_spots")


def crs_of(client: TestClient, name: str) -> list[str]:
    found: list[str] = client.get(f"/collections/{name}").json()["crs"]
    return found


def test_conf_crs_crs_uri(public: TestClient) -> None:
    for name in PUBLIC:
        assert all(uri.startswith(BASE) for uri in crs_of(public, name))


def test_conf_crs_fc_md_crs_list(public: TestClient) -> None:
    for name in PUBLIC:
        assert crs_of(public, name)[0] == CRS84 and len(crs_of(public, name)) == 5


def test_conf_crs_storage_crs(public: TestClient) -> None:
    for name in PUBLIC:
        assert public.get(f"/collections/{name}").json()["storageCrs"] in crs_of(public, name)


def test_conf_crs_fc_md_crs_list_global(public: TestClient) -> None:
    assert public.get("/collections").json()["crs"] == crs_of(public, "areas")


def test_conf_crs_default_crs(public: TestClient) -> None:
    for name in PUBLIC:
        described = public.get(f"/collections/{name}").json()
        assert described["crs"][0] == CRS84 and described["extent"]["spatial"]["crs"] == CRS84


def test_conf_crs_crs_parameter(public: TestClient) -> None:
    _defined(public, "crs")


def test_conf_crs_bbox_crs_parameter(public: TestClient) -> None:
    _defined(public, "bbox-crs")


def test_conf_crs_bbox_crs_parameter_default(public: TestClient) -> None:
    for name in PUBLIC:
        asked = [
            f"/collections/{name}/items?bbox=120,31,121,31.5{more}" for more in ("", f"&bbox-crs={CRS84}")
        ]
        plain, named = (public.get(path).json()["features"] for path in asked)
        assert plain == named != []


def _defined(public: TestClient, parameter: str) -> None:
    operation = public.get("/openapi.json").json()["paths"]["/collections/areas/items"]["get"]
    (found,) = [p for p in operation["parameters"] if p["name"] == parameter]
    assert found["in"] == "query" and not found["required"] and found["schema"]["default"] == CRS84


def test_conf_crs_crs_parameter_default(public: TestClient) -> None:
    assert public.get("/collections/areas/items").headers["content-crs"] == f"<{CRS84}>"


def test_conf_crs_crs_parameter_transform(public: TestClient) -> None:
    for name in PUBLIC:
        for uri in crs_of(public, name):
            answer = public.get(f"/collections/{name}/items?crs={quote(uri, safe='')}")
            assert (answer.status_code, answer.headers["content-crs"]) == (200, f"<{uri}>")


def test_conf_crs_crs_parameter_invalid(public: TestClient) -> None:
    assert (
        public.get(f"/collections/areas/items?crs={quote(BASE + 'EPSG/0/9999999', safe='')}").status_code
        == 400
    )


def test_conf_crs_bbox_crs_parameter_invalid(public: TestClient) -> None:
    assert public.get("/collections/areas/items?bbox=1,2,3,4&bbox-crs=urn:nothing").status_code == 400


@pytest.mark.parametrize("code", [4326, 4490, 3857, 4549])
def test_conf_crs_crs_transform(public: TestClient, code: int) -> None:
    uri = f"{BASE}EPSG/0/{code}"
    to = Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")
    low, high = to.transform(120.05, 31.15), to.transform(120.15, 31.25)
    query = (
        f"bbox={low[0]},{low[1]},{high[0]},{high[1]}&bbox-crs={quote(uri, safe='')}&crs={quote(uri, safe='')}"
    )
    (feature,) = public.get(f"/collections/sites/items?{query}").json()["features"]
    assert feature["geometry"]["coordinates"] == pytest.approx(to.transform(120.1, 31.2), abs=2e-3)


def test_conf_crs_one_feature(public: TestClient) -> None:
    for uri in crs_of(public, "sites"):
        assert (
            public.get(f"/collections/sites/items/1?crs={quote(uri, safe='')}").headers["content-crs"]
            == f"<{uri}>"
        )
