"""The real application over a database of its own, with two towns and a login of each role."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import Engine
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from layers.postgres import SYSTEM
from layers.postgres import sessions as database
from layers.private_server import Cluster
from layers.private_server.first_database import conninfo
from tests.geo_api.small_town import TOWN_A, TOWN_B, seed_town
from tests.ports import free_port

PASSWORD = "correct horse"
PATIENCE_S = 60.0
"""How long a test waits for what must come: a busy machine is slow, and no test is about that."""
LOGINS = {
    "viewer.a": ("viewer", TOWN_A),
    "grid.a": ("grid_manager", TOWN_A),
    "officer.a": ("officer", TOWN_A),
    "officer.b": ("officer", TOWN_B),
    "dispatcher": ("dispatcher", None),
    "supervisor": ("supervisor", None),
}


@dataclass(frozen=True)
class Api:
    """The application, its database, and the ids of what was seeded."""

    app: FastAPI
    url: str
    ids: dict[str, Any]
    settings: Settings


@dataclass(frozen=True)
class Seeded:
    """A database that nobody connects to: the template of the applications of the tests."""

    cluster: Cluster
    template: str
    ids: dict[str, Any]

    def copy(self, name: str) -> str:
        """A copy: its URL."""
        with psycopg.connect(conninfo(self.cluster.url, "postgres"), autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{self.template}"')
        return self.cluster.url.replace("/wangge?", f"/{name}?")


@pytest.fixture(scope="session")
def seeded(cluster: Cluster, _migrated: str) -> Seeded:
    """Two towns and a login of each role, made once."""
    url = Seeded(cluster, _migrated, {}).copy("seeded")
    with database.session(SYSTEM, url) as db:
        ids = seed_town(db)
        for username, (role, area_code) in LOGINS.items():
            create_user(
                db,
                username=username,
                password=PASSWORD,
                role=role,
                area_code=area_code,
                body=f"{username} 的单位",
            )
    database.engine(url).dispose()
    return Seeded(cluster, "seeded", ids)


def api_over(seeded: Seeded, name: str, folder: Path) -> Iterator[Api]:
    """An application over a copy of its own."""
    url = seeded.copy(name)
    settings = Settings(database_url=url, data_dir=folder, secret=SecretStr("test"), log_level="error")
    yield Api(create_app(settings), url, seeded.ids, settings)
    database.engine(url).dispose()


@pytest.fixture(scope="session")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The application; its tests leave the seeded rows as they are."""
    yield from api_over(seeded, "api", tmp_path_factory.mktemp("data"))


@pytest.fixture
def public(api: Api) -> TestClient:
    """A client who is not logged in."""
    return TestClient(api.app, raise_server_exceptions=False)


def logged_in(app: FastAPI, username: str) -> TestClient:
    """A client who is logged in: it sends its cookie and its CSRF token."""
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/v1/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return client


@pytest.fixture
def login(api: Api) -> Callable[[str], TestClient]:
    """Log in by name."""
    return partial(logged_in, api.app)


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The application behind a real server: its address."""
    port = free_port()
    app = create_app(settings)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", timeout_graceful_shutdown=3))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + PATIENCE_S
    while not (server.started and app.state.feed.connected.is_set()):
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=PATIENCE_S)
    assert not thread.is_alive(), "the server did not stop"


@pytest.fixture
def served(api: Api) -> Iterator[str]:
    """The application behind a real server: its address."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture
def api_engine(api: Api) -> Engine:
    """Engine on the application's database, for looking at what was written."""
    return database.engine(api.url)
