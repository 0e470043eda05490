"""The application of the API's tests, behind a real server: what a client sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from geo_api.http.settings import Settings
from layers.collections import COLLECTIONS, Collection
from layers.postgres import SYSTEM, session
from layers.postgres import sessions as database
from tests.geo_api.busy_town import fill_every_collection
from tests.geo_api.conftest import PASSWORD, Api, Seeded, api, login, public, seeded, serving

__all__ = ["api", "login", "public", "seeded"]


@pytest.fixture(scope="session")
def address(api: Api) -> Iterator[str]:
    """The application behind a real server, for all tests of this folder."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture(scope="session")
def dispatcher(address: str) -> dict[str, str]:
    """Headers of somebody who sees everything."""
    answer = httpx.post(
        f"{address}/v1/login", json={"username": "dispatcher", "password": PASSWORD}, timeout=60
    )
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}


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
        answer = httpx.get(url, headers=self.headers(with_key=True), timeout=60).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture(scope="session")
def town(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    url = seeded.copy("every_collection")
    with session(SYSTEM, url) as db:
        fill_every_collection(db, dict(seeded.ids))
        create_user(db, username="reader", password=PASSWORD, role="service")
        key = create_key(db, "reader")
    folder = tmp_path_factory.mktemp("every")
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
