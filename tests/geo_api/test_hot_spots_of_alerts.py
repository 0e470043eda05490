"""Cells that count alerts are for those who see every alert; other hot spots are public."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from layers.postgres import SYSTEM, session
from tests.support.application import Api, Seeded, api_over, logged_in

TILE = "/collections/{}/tiles/WebMercatorQuad/8/104/213"


@pytest.fixture
def own(seeded: Seeded, tmp_path: Path) -> Iterator[Api]:
    for api in api_over(seeded, f"cells_{tmp_path.name}", tmp_path):
        with session(SYSTEM, api.url) as db:
            db.execute(text("UPDATE hot_spots SET field = 'alerts' WHERE level = 99"))
            db.execute(text("UPDATE emerging_hot_spots SET field = 'alerts'"))
        yield api


@pytest.mark.parametrize("collection", ["hot_spots", "emerging_hot_spots"])
def test_cells_of_alerts_are_shown_to_the_command_centre_only(own: Api, collection: str) -> None:
    seen = {}
    clients = {
        "dispatcher": logged_in(own.app, "dispatcher"),
        "officer of a town": logged_in(own.app, "officer.a"),
        "public": TestClient(own.app),
        "dispatcher again": logged_in(own.app, "dispatcher"),
    }
    for name, client in clients.items():
        items = client.get(f"/collections/{collection}/items?count=exact").json()
        tile = client.get(TILE.format(collection))
        fields = {one["properties"]["field"] for one in items["features"]}
        assert items["numberMatched"] == len(items["features"])
        assert (b"alerts" in tile.content) is ("alerts" in fields), "a tile shows what the page shows"
        seen[name] = "alerts" in fields
    assert seen == {"dispatcher": True, "officer of a town": False, "public": False, "dispatcher again": True}


def test_reports_are_kept_apart(own: Api) -> None:
    path = "/v1/hot-spots/report.html?lang=en"
    whole = logged_in(own.app, "dispatcher").get(path)
    of_all = TestClient(own.app).get(path)
    assert whole.status_code == of_all.status_code == 200
    assert whole.content != of_all.content
    assert "no-store" in whole.headers["cache-control"] and "no-store" not in of_all.headers["cache-control"]
