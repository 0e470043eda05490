"""The small demo city as ``wangge demo`` leaves it, made once a test process and copied for who needs it."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from geo_api.cli.demo import Login, prepare_demo
from geo_api.http.settings import Settings
from layers.postgres import sessions
from layers.private_server import Cluster
from tests.support.databases import copy_database, own_database
from tests.support.demo_files import demo_city


@dataclass(frozen=True)
class PreparedDemo:
    """The demo city of seed 1: a database that nobody is connected to, and its data folder."""

    cluster: Cluster
    name: str
    folder: Path
    demo_dir: Path
    document: dict[str, Any]
    """Document that the command printed."""
    logins: tuple[Login, ...]

    @contextlib.contextmanager
    def copy(self, folder: Path, subject: str) -> Iterator[Settings]:
        """Settings over a copy of the database and of the data folder, which must not be there yet."""
        shutil.copytree(self.folder, folder)
        with own_database(self.cluster, self.name, subject) as url:
            yield Settings(database_url=url, data_dir=folder, demo_dir=self.demo_dir)


def prepare_once(cluster: Cluster, template: str, factory: pytest.TempPathFactory) -> PreparedDemo:
    """Make the demo city, load and analyse it."""
    url = copy_database(cluster, "demo", template)
    folder, files = factory.mktemp("demo"), demo_city(factory).folder.parent
    demo = prepare_demo(Settings(database_url=url, data_dir=folder, demo_dir=files), seed=1, size="small")
    sessions.engine(url).dispose()
    name = str(make_url(url).database)
    return PreparedDemo(cluster, name, folder, files, demo.document, tuple(demo.logins))
