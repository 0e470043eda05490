"""A real PostGIS for every test that touches data: one throw-away cluster a test process.

``database_url``    migrated database of this test process (shared by its tests: do not commit into it)
``engine``          pooled engine on it
``db``              ``Session`` in a transaction that is rolled back; ``commit`` inside only ends a savepoint
``fresh_database``  URL of a migrated database of this test's own, set as ``WANGGE_DATABASE_URL``: commit at will
``empty_database``  URL of a database of this test's own with PostGIS and nothing else: migrate it as far as you like
``seeded``          the small town with a login of each role, as a template of databases
``prepared_demo``   the small demo city as ``wangge demo`` leaves it, to be copied
``api``             the application over a copy of it; ``public`` is a client of it who is not logged in,
                   ``login`` makes one who is

What several tests set up stands in ``tests/support``, one module a subject.
"""

from __future__ import annotations

import gc
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from layers.postgres import sessions as database
from layers.private_server import Cluster

gc.disable()  # modules of tests are no garbage: collected are only the rows of a test, from then on
pytest.register_assert_rewrite("tests.support")
from tests.support.cities import NANTONG, in_force  # noqa: E402
from tests.support.databases import copy_database, own_database  # noqa: E402
from tests.support.declared_answers import declared_answers, every_answer_compared  # noqa: E402
from tests.support.durations import told  # noqa: E402
from tests.support.long_runs import be_long  # noqa: E402
from tests.support.passwords import hash_passwords_quickly  # noqa: E402
from tests.support.waiting import PATIENCE_S  # noqa: E402

if TYPE_CHECKING:
    from starlette.testclient import TestClient

    from tests.support.application import Api, Seeded
    from tests.support.prepared_demo import PreparedDemo


# A test against a database takes as long as the machine is busy: hypothesis' 200 ms say nothing about the
# code.
settings.register_profile("wangge", deadline=None)
settings.load_profile("wangge")
hash_passwords_quickly()  # before another conftest imports the product


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--conformance", action="store_true", help="also what needs other clients or peers")
    parser.addoption(
        "--long", action="store_true", help="tests marked long do all of their work, not a sample"
    )


def pytest_configure(config: pytest.Config) -> None:
    be_long(config.getoption("--long"))


def pytest_collection_finish() -> None:
    """Leave the objects that all tests share out of later garbage collections."""
    gc.freeze()
    gc.enable()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Files are shared out by what they build and how long they take (``--dist loadfile``)."""
    if config.getoption("dist") != "loadfile":
        return None
    from tests.support.distribution import LongFilesFirst

    return LongFilesFirst(config, log)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell the files that took longest."""
    reports = [each for stats in terminalreporter.stats.values() for each in stats]
    if lines := told(each for each in reports if isinstance(each, pytest.TestReport)):
        terminalreporter.section("time of each file")
        terminalreporter.write("".join(f"{line}\n" for line in lines))


@pytest.fixture(scope="session", autouse=True)
def _no_real_data_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that forgets to name its database fails here and not in somebody's data."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANGGE_DATA_DIR", str(tmp_path_factory.getbasetemp() / "no-data-folder"))
        patch.delenv("WANGGE_DATABASE_URL", raising=False)
        patch.setenv("WANGGE_CITY_FILE", str(_nantong_file(tmp_path_factory.getbasetemp())))
        with in_force(NANTONG):
            yield


def _nantong_file(folder: Path) -> Path:
    """The city file of tests: what they do to it, they do to one of their own."""
    from geo_api.city_file import write_city

    path = folder / "city.toml"
    if not path.exists():
        write_city(path, NANTONG)
    return path


@pytest.fixture(autouse=True)
def _nantong_in_force() -> Iterator[None]:
    """A test that puts another city in force leaves it to itself."""
    with in_force(NANTONG):
        yield


@pytest.fixture(scope="session", autouse=True)
def _applications_compare_answers() -> Iterator[None]:
    with every_answer_compared():
        yield


@pytest.fixture(autouse=True)
def _answers_are_declared() -> Iterator[None]:
    """No answer of the test is another than the description of the API says."""
    yield
    faults = declared_answers().faults
    told = "\n".join(faults)
    faults.clear()
    assert not told, f"answers that the API's description does not declare:\n{told}"


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
        watcher.wait(timeout=PATIENCE_S)


@pytest.fixture(scope="session")
def _migrated(cluster: Cluster) -> str:
    """Name of a migrated database that nobody connects to: the template of all others."""
    url = copy_database(cluster, "migrated", "wangge")
    database.migrate(url)
    database.engine(url).dispose()
    return "migrated"


@pytest.fixture(scope="session")
def database_url(cluster: Cluster, _migrated: str) -> str:
    """URL of the migrated database of this test process."""
    return copy_database(cluster, "tests", _migrated)


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
def fresh_database(
    cluster: Cluster, _migrated: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[str]:
    """URL of a migrated database of this test's own, with a city file of its own."""
    with own_database(cluster, _migrated) as url:
        monkeypatch.setenv("WANGGE_DATABASE_URL", url)
        monkeypatch.setenv("WANGGE_CITY_FILE", str(_nantong_file(tmp_path)))
        yield url


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """URL of a database of this test's own with PostGIS and nothing else."""
    with own_database(cluster, "wangge") as url:
        yield url


@pytest.fixture(scope="session")
def seeded(cluster: Cluster, _migrated: str) -> Seeded:
    """Two towns and a login of each role, made once."""
    from tests.support.application import seed_logins  # imports the whole application: only for those who ask

    return seed_logins(cluster, _migrated)


@pytest.fixture(scope="session")
def prepared_demo(cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory) -> PreparedDemo:
    """The small demo city, analysed, made once."""
    from tests.support.prepared_demo import prepare_once

    return prepare_once(cluster, _migrated, tmp_path_factory)


@pytest.fixture(scope="session")
def api(seeded: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """The application; its tests leave the seeded rows as they are."""
    from tests.support.application import api_over

    yield from api_over(seeded, "api", tmp_path_factory.mktemp("data"))


@pytest.fixture
def public(api: Api) -> TestClient:
    """A client who is not logged in."""
    from starlette.testclient import TestClient

    return TestClient(api.app, raise_server_exceptions=False)


@pytest.fixture
def login(api: Api) -> Callable[[str], TestClient]:
    """Log in by name."""
    from tests.support.application import logged_in

    return partial(logged_in, api.app)
