"""A city that is served to a browser: an analysed one, or one that a test has filled."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from geo_api.cli.demo import Login, prepare_demo
from geo_api.http.settings import Settings
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.databases import own_database
from tests.support.service_process import ROOT, serve


@dataclass(frozen=True)
class City:
    """A running service with the demo's accounts."""

    address: str
    url: str
    logins: tuple[Login, ...]
    folder: Path
    """Data folder of the service: its keys of the chain lie there."""

    def login(self, role: str) -> Login:
        """The first account of a role; officer and grid manager are of the town with the most cases."""
        return next(login for login in self.logins if login.role == role)

    @property
    def town(self) -> str:
        """Code of the officer's and the grid manager's town."""
        return str(self.login("grid_manager").area_code)

    def rows(self, statement: str, **values: Any) -> list[Any]:
        """Rows of the city's database, as the service itself sees them."""
        with session(SYSTEM, self.url) as db:
            return list(db.execute(text(statement), values).all())

    def value(self, statement: str, **values: Any) -> Any:
        """The first value of the first row."""
        return self.rows(statement, **values)[0][0]


@contextlib.contextmanager
def serve_city(
    url: str, folder: Path, logins: Sequence[Login], *, self_approval: bool = True, **more: str
) -> Iterator[City]:
    """The service with its console over a database, on a free port of this machine.

    Further settings by their variables.
    """
    if not (ROOT / "maps" / "web" / "dist" / "index.html").is_file():
        pytest.fail("maps/web/dist is missing: run `npm ci && npm run build` in maps/web")
    settings = {
        "WANGGE_LOG_LEVEL": "warning",
        "WANGGE_TILE_URL": "",
        "WANGGE_SELF_APPROVAL": "true" if self_approval else "",
        **more,
    }
    with serve(url, folder, **settings) as service:
        yield City(service.address, url, tuple(logins), folder)


@contextlib.contextmanager
def analysed_city(
    cluster: Cluster, template: str, folder: Path, size: str, demo_dir: Path | None = None
) -> Iterator[City]:
    """The demo city of that size in a database of its own, as ``wangge demo`` makes it, and the service
    on it.
    """
    with own_database(cluster, template, f"browser_{size}") as url:
        demo = prepare_demo(
            Settings(database_url=url, data_dir=folder / "data", demo_dir=demo_dir), seed=1, size=size
        )
        with serve_city(url, folder / "data", demo.logins) as city:
            yield city
