"""The application of the API's tests, behind a real server: what a client sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.application import PASSWORD, Api, Seeded, serving
from tests.support.every_collection import Town, serve_every_collection
from tests.support.waiting import PATIENCE_S

IN_EVERY_RUN = {"test_features_core.py", "test_georeport.py", "test_tiles.py"}
"""What needs nothing but the API itself; clients and peers of their own are for ``make conformance``."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.name in IN_EVERY_RUN or config.getoption("conformance", False):
        return None
    return True if collection_path.name.startswith("test_") else None


@pytest.fixture(scope="session")
def address(api: Api) -> Iterator[str]:
    """The application behind a real server, for all tests of this folder."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture(scope="session")
def dispatcher(address: str) -> dict[str, str]:
    """Headers of somebody who sees everything."""
    answer = httpx2.post(
        f"{address}/v1/login", json={"username": "dispatcher", "password": PASSWORD}, timeout=PATIENCE_S
    )
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}


@pytest.fixture(scope="session")
def town(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with serve_every_collection(seeded, tmp_path_factory.mktemp("every")) as served:
        yield served
