"""The application of the API's tests, behind a real server: what a client sees."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.geo_api.conftest import PASSWORD, Api, api, login, public, seeded, serving

__all__ = ["api", "login", "public", "seeded"]


@pytest.fixture(scope="session")
def address(api: Api) -> Iterator[str]:
    """The application behind a real server, for all tests of this folder."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture(scope="session")
def dispatcher(address: str) -> dict[str, str]:
    """Headers of somebody who sees everything."""
    answer = httpx.post(f"{address}/v1/login", json={"username": "dispatcher", "password": PASSWORD})
    cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies.items())
    return {"Cookie": cookie, "X-CSRF-Token": answer.json()["csrf_token"]}
