"""A served town with a feature in every collection of the catalog, and who reads which of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.http.settings import Settings
from layers.collections import COLLECTIONS, Collection
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.support.application import PASSWORD, Seeded, serving
from tests.support.busy_town import fill_every_collection
from tests.support.waiting import PATIENCE_S


@dataclass(frozen=True)
class Town:
    """A served town with a feature in every collection of the catalog, and a key that reads them all."""

    address: str
    key: str

    def headers(self, *, with_key: bool) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if with_key else {}

    def features(self, name: str) -> list[dict[str, Any]]:
        """All features of a collection, as the API counts and gives them."""
        page = self.get(f"/collections/{name}/items?limit=10000&count=exact")
        assert page["numberMatched"] == len(page["features"]) > 0
        found: list[dict[str, Any]] = page["features"]
        return found

    def get(self, path: str) -> dict[str, Any]:
        url = self.address + path
        answer = httpx2.get(url, headers=self.headers(with_key=True), timeout=PATIENCE_S).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@contextlib.contextmanager
def serve_every_collection(seeded: Seeded, folder: Path) -> Iterator[Town]:
    """The application over a copy of the small town, filled up."""
    url = seeded.copy("every_collection")
    with session(SYSTEM, url) as db:
        fill_every_collection(db, dict(seeded.ids))
        create_user(db, username="reader", password=PASSWORD, role="service")
        key = create_key(db, "reader")
    settings = Settings(database_url=url, data_dir=folder, secret=SecretStr("test"), log_level="error")
    with serving(settings) as address:
        yield Town(address, key)
    database.engine(url).dispose()


def readers() -> list[Any]:
    """Each collection of the catalog with the key; those without a login also without it."""
    public = [pytest.param(c, False, id=f"{c.id}-public") for c in COLLECTIONS.values() if not c.login]
    return [*public, *(pytest.param(c, True, id=f"{c.id}-key") for c in COLLECTIONS.values())]


SHAPES = {
    "point": {"Point", "MultiPoint"},
    "line": {"LineString", "MultiLineString"},
    "polygon": {"Polygon", "MultiPolygon"},
}


def shapes(collection: Collection) -> set[str]:
    """Geometry types that features of a collection may have."""
    return SHAPES[collection.geometry_type]
