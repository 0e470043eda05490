"""The real application over databases of its own, with two towns and a login of each role."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.testclient import TestClient

from geo_api.auth.access import create_user
from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from geo_api.server.connection_limits import BoundedHttpProtocol
from layers.postgres import SYSTEM
from layers.postgres import sessions as database
from layers.private_server import Cluster
from tests.support.databases import copy_database
from tests.support.ports import free_port
from tests.support.small_town import TOWN_A, TOWN_B, seed_town
from tests.support.waiting import PATIENCE_S, wait_until

PASSWORD = "correct horse"
LOGINS = {
    "viewer.a": ("viewer", TOWN_A),
    "grid.a": ("grid_manager", TOWN_A),
    "officer.a": ("officer", TOWN_A),
    "officer.b": ("officer", TOWN_B),
    "dispatcher": ("dispatcher", None),
    "supervisor": ("supervisor", None),
    "supervisor.2": ("supervisor", None),
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
        return copy_database(self.cluster, name, self.template)


def seed_logins(cluster: Cluster, template: str) -> Seeded:
    """Two towns and a login of each role in a database of their own."""
    url = copy_database(cluster, "seeded", template)
    return Seeded(cluster, "seeded", fill_town(url))


def fill_town(url: str) -> dict[str, Any]:
    """Write the two towns and the logins into a migrated database: the ids of what was seeded."""
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
    return ids


def api_over(seeded: Seeded, name: str, folder: Path) -> Iterator[Api]:
    """An application over a copy of its own."""
    url = seeded.copy(name)
    settings = Settings(database_url=url, data_dir=folder, secret=SecretStr("test"), log_level="error")
    yield Api(create_app(settings), url, seeded.ids, settings)
    database.engine(url).dispose()


def logged_in(app: FastAPI, username: str) -> TestClient:
    """A client who is logged in: it sends its cookie and its CSRF token."""
    client = TestClient(app, raise_server_exceptions=False)
    answer = client.post("/v1/login", json={"username": username, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client.headers["X-CSRF-Token"] = answer.json()["csrf_token"]
    return client


@contextlib.contextmanager
def serving(settings: Settings) -> Iterator[str]:
    """The application behind a real server: its address."""
    port = free_port()
    app = create_app(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            app, port=port, log_level="error", timeout_graceful_shutdown=3, http=BoundedHttpProtocol
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(
        lambda: not thread.is_alive() or (server.started and app.state.feed.connected.is_set()),
        "the server starts",
    )
    assert thread.is_alive(), "the server did not start"
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=PATIENCE_S)
    assert not thread.is_alive(), "the server did not stop"
