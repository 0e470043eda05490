"""Lines and polygons over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient


def ask(client: TestClient, geometry: dict[str, Any], **more: Any) -> Any:
    item = client.get("/v1/duty-items").json()["items"][0]["item_code"]
    return client.post("/v1/assign", json={"geometry": geometry, "item_code": item} | more)


def test_a_line_over_both_towns_names_the_common_superior(public: TestClient) -> None:
    line = {"type": "LineString", "coordinates": [[120.1, 31.2], [120.7, 31.2]]}
    answer = ask(public, line).json()
    cross = answer["cross_region"]
    assert [(t["code"], t["share"]) for t in cross["towns"]] == [
        ("320601001", pytest.approx(2 / 3, abs=1e-3)),
        ("320601002", pytest.approx(1 / 3, abs=1e-3)),
    ]
    assert cross["superior"]["code"] == "320601" and cross["lead_town"] == "320601001"
    shifted = ask(public, line, crs="gcj02").json()["cross_region"]["towns"]
    assert shifted[0]["share"] != cross["towns"][0]["share"]  # moved by 480 m


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": "LineString", "coordinates": [[1]]},
        {"type": "Polygon", "coordinates": [[[120, 31], [121, 32], [121, 31], [120, 32], [120, 31]]]},
        {"type": "Circle", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": ["a", "b"]},
    ],
)
def test_faulty_geometries(public: TestClient, geometry: dict[str, Any]) -> None:
    answer = ask(public, geometry)
    assert answer.status_code == 422, answer.text
    both = public.post("/v1/assign", json={"lon": 1, "lat": 2, "geometry": geometry, "item_code": "x"})
    assert both.status_code == 422
