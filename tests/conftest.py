"""A real PostGIS for every test that touches data: one throw-away cluster a test process.

``database_url``    migrated database of this test process (shared by its tests: do not commit into it)
``engine``          pooled engine on it
``db``              ``Session`` in a transaction that is rolled back; ``commit`` inside only ends a savepoint
``fresh_database``  URL of a migrated database of this test's own, set as ``WANGGE_DATABASE_URL``: commit at will
``empty_database``  URL of a database of this test's own with PostGIS and nothing else: migrate it as far as you like
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers.postgres import sessions as database
from layers.private_server import Cluster
from layers.private_server.first_database import conninfo

_numbers = itertools.count()

# A test against a database takes as long as the machine is busy: hypothesis' 200 ms say nothing about the code.
settings.register_profile("wangge", deadline=None)
settings.load_profile("wangge")


@pytest.fixture(scope="session", autouse=True)
def _no_real_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that forgets to name its database fails here and not in somebody's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "no-data-folder"))
        patch.delenv("WANGGE_DATABASE_URL", raising=False)
        yield


@pytest.fixture(scope="session")
def short_tmp() -> Iterator[Path]:
    """A folder with a path short enough for a socket, which the server's account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="wgt-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(short_tmp: Path) -> Iterator[Cluster]:
    """The throw-away cluster of this test process; gone even if the process is killed."""
    made = Cluster(short_tmp / "c", durable=False)
    pid_file = shlex.quote(str(made.pgdata / "postmaster.pid"))
    script = f"cat >/dev/null; kill -QUIT $(head -1 {pid_file}) 2>/dev/null && sleep 1; rm -rf {shlex.quote(str(short_tmp))}"
    # Its standard input closes when this process ends, however it ends.
    watcher = subprocess.Popen(
        ["sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        with made:
            yield made
    finally:
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait(timeout=120)


def _create(cluster: Cluster, name: str, template: str) -> str:
    with psycopg.connect(conninfo(cluster.url, "postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return cluster.url.replace("/wangge?", f"/{name}?")


@pytest.fixture(scope="session")
def _migrated(cluster: Cluster) -> str:
    """Name of a migrated database that nobody connects to: the template of all others."""
    url = _create(cluster, "migrated", "wangge")
    database.migrate(url)
    database.engine(url).dispose()
    return "migrated"


@pytest.fixture(scope="session")
def database_url(cluster: Cluster, _migrated: str) -> str:
    """URL of the migrated database of this test process."""
    return _create(cluster, "tests", _migrated)


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[Engine]:
    """Engine on ``database_url``."""
    made = database.engine(database_url)
    yield made
    made.dispose()


@pytest.fixture
def db(engine: Engine) -> Iterator[Session]:
    """Session in a transaction that is rolled back."""
    with engine.connect() as connection:
        transaction = connection.begin()
        with Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint") as session:
            yield session
        transaction.rollback()


@pytest.fixture
def fresh_database(cluster: Cluster, _migrated: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """URL of a migrated database of this test's own."""
    with _own_database(cluster, _migrated) as url:
        monkeypatch.setenv("WANGGE_DATABASE_URL", url)
        yield url


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """URL of a database of this test's own with PostGIS and nothing else."""
    with _own_database(cluster, "wangge") as url:
        yield url


@contextlib.contextmanager
def _own_database(cluster: Cluster, template: str) -> Iterator[str]:
    name = f"own_{os.getpid()}_{next(_numbers)}"
    url = _create(cluster, name, template)
    yield url
    database.engine(url).dispose()
    with psycopg.connect(conninfo(cluster.url, "postgres"), autocommit=True) as server:
        server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
