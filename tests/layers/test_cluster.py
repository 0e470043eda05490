"""The private PostGIS, on real servers: started, killed, shared, saved."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from layers.errors import ClusterError, ClusterInUse
from layers.postgres import libpq_url
from layers.private_server import Cluster, find_binaries, owned_cluster, server_user
from layers.private_server import binaries as cluster_binaries
from layers.private_server import locks as cluster_locks
from layers.private_server.processes import postmaster_pid
from layers.private_server.settings import (
    default_data_dir,
    make_private_folder,
    server_settings,
    socket_folder,
)
from tests.support.long_runs import repeated
from tests.support.waiting import PATIENCE_S, wait_until

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder of this test's own; whatever still runs in it is killed at the end."""
    path = Path(tempfile.mkdtemp(prefix="wgc-", dir="/tmp"))
    path.chmod(0o711)
    yield path
    for pgdata in path.rglob("postgres"):
        if pid := postmaster_pid(pgdata):
            os.kill(pid, signal.SIGQUIT)
            wait_until(lambda: not any(map(postmaster_pid, path.rglob("postgres"))), "no server is left")
    shutil.rmtree(path, ignore_errors=True)


def _ask(cluster: Cluster, question: str) -> object:
    with psycopg.connect(libpq_url(cluster.url), autocommit=True) as connection:
        row = connection.execute(question).fetchone()  # type: ignore[call-overload]
    return row[0] if row else None


def _run(connection_url: str, statement: str) -> None:
    with psycopg.connect(libpq_url(connection_url), autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


@contextlib.contextmanager
def _other_process(folder: Path, body: str) -> Iterator[subprocess.Popen[str]]:
    """Another Python process on the same folder; it has printed its first line when this yields."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(REPOSITORY), *sys.path])}
    process = subprocess.Popen(
        [sys.executable, "-c", body, str(folder)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE_S)


OWNER = """
from layers.private_server.server import owned_cluster
import sys
with owned_cluster(sys.argv[1]) as cluster:
    print("ready", flush=True)
    input()
"""
USER = """
from layers.private_server.server import running_cluster
import sys
running_cluster(sys.argv[1])
print("ready", flush=True)
input()
"""


def test_made_started_stopped_and_started_again(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    assert not cluster.exists and cluster.pid is None
    cluster.init()
    assert cluster.exists and cluster.pid is None
    cluster.start()
    first = cluster.pid
    cluster.start()
    assert cluster.pid == first, "a second start must not start a second server"
    _run(cluster.url, "CREATE TABLE kept AS SELECT ST_SetSRID(ST_MakePoint(120.86, 32.01), 4326) AS geom")
    assert cluster.stop() is True
    assert cluster.pid is None and cluster.stop() is False
    with cluster:
        assert _ask(cluster, "SELECT ST_X(geom) FROM kept") == 120.86
    assert cluster.pid is None, "who leaves last stops it"


def test_is_a_superuser_s_postgis_with_a_leakproof_overlap(cluster: Cluster) -> None:
    assert _ask(cluster, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is True
    assert str(_ask(cluster, "SELECT postgis_lib_version()")) >= "3.3"
    overlaps = (
        "SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry, geometry)'::regprocedure"
    )
    assert _ask(cluster, overlaps) is True
    assert _ask(cluster, "SHOW server_encoding") == "UTF8"
    assert _ask(cluster, "SELECT upper('é')") == "É"


def test_listens_on_its_socket_only_and_not_as_root(cluster: Cluster) -> None:
    pid = cluster.pid
    assert pid is not None
    uids = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("Uid:")]
    assert set(uids[0].split()[1:]) == {str(server_user().uid)} and server_user().uid != 0
    inodes = {
        os.readlink(link).removeprefix("socket:[").removesuffix("]")
        for link in Path(f"/proc/{pid}/fd").iterdir()
        if os.readlink(link).startswith("socket:")
    }
    for table in ("tcp", "tcp6", "udp", "udp6"):
        with contextlib.suppress(FileNotFoundError):
            rows = Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
            assert not inodes & {row.split()[9] for row in rows}, table
    assert stat.S_IMODE(cluster.socket_dir.stat().st_mode) == 0o700
    assert stat.S_IMODE(cluster.pgdata.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_another_account_cannot_connect(cluster: Cluster) -> None:
    program = find_binaries().program("psql")
    done = subprocess.run(
        [program, libpq_url(cluster.url), "-c", "SELECT 1"],
        user=65534,
        group=65534,
        capture_output=True,
        text=True,
        cwd="/",
    )
    assert done.returncode != 0 and "Permission denied" in done.stderr


@repeated()
def test_recovers_after_kill_9(folder: Path, attempt: int) -> None:
    cluster = Cluster(folder)  # durable: what was committed must be there
    cluster.start()
    _run(cluster.url, "CREATE TABLE committed AS SELECT generate_series(1, 1000) AS n")
    killed = cluster.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: cluster.pid is None, "the server is gone")
    assert (cluster.pgdata / "postmaster.pid").exists(), "a killed server leaves its pid file"
    cluster.start()
    assert cluster.pid not in {None, killed}
    assert _ask(cluster, "SELECT sum(n) FROM committed") == 500_500


def test_pid_file_of_a_foreign_process_is_stale(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    cluster.init()
    (cluster.pgdata / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster.pgdata}\n")
    (folder / "run").mkdir()
    (folder / "run" / ".s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n{cluster.pgdata}\n")
    assert cluster.pid is None
    cluster.start()
    assert cluster.pid not in {None, os.getpid()}


def test_half_made_folder_is_made_again(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    (folder / "postgres.making").mkdir()
    (folder / "postgres.making" / "PG_VERSION").write_text("15\n")
    assert not cluster.exists
    with cluster:
        assert _ask(cluster, "SELECT 1") == 1
    assert not (folder / "postgres.making").exists()


def test_second_owner_is_refused_with_pid_and_remedy(folder: Path) -> None:
    with _other_process(folder, OWNER) as owner:
        with pytest.raises(ClusterInUse, match=rf"{owner.pid}.*kill {owner.pid}.*WANGGE_DATA_DIR"):
            with owned_cluster(folder):
                pass
        with pytest.raises(ClusterInUse, match=str(owner.pid)):
            Cluster(folder).stop(force=True)
        with pytest.raises(ClusterInUse, match=str(owner.pid)):
            Cluster(folder).restore(folder / "x")
        with Cluster(folder) as shared:  # who only needs the database may use it
            assert _ask(shared, "SELECT 1") == 1
        cluster = Cluster(folder)
        assert cluster.pid is not None, "a guest must not stop the owner's server"
        assert cluster.owner is not None and cluster.owner["pid"] == owner.pid
        owner.send_signal(signal.SIGTERM)
        assert owner.wait(timeout=PATIENCE_S) == 128 + signal.SIGTERM
        assert cluster.pid is None and cluster.owner is None, "stopped with the service"


def test_killed_owner_leaves_the_folder_free(folder: Path) -> None:
    with _other_process(folder, OWNER) as owner:
        owner.kill()
        owner.wait(timeout=PATIENCE_S)
        server = Cluster(folder).pid
        assert server is not None
        with owned_cluster(folder) as cluster:
            assert cluster.pid == server, "the new owner takes the running server over"
        assert cluster.pid is None


def test_the_last_user_stops_it(folder: Path) -> None:
    with _other_process(folder, USER) as first, _other_process(folder, USER) as second:
        cluster = Cluster(folder)
        with pytest.raises(ClusterInUse, match="Other processes use"):
            cluster.stop()
        with cluster, pytest.raises(ClusterInUse, match="Other processes use"):
            cluster.restore(folder / "x")
        for process, running in ((first, True), (second, False)):
            process.communicate("\n", timeout=PATIENCE_S)
            assert (cluster.pid is not None) is running


def test_pinned_server_stays_until_it_is_stopped(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    cluster.start()
    cluster.pin()
    with cluster:
        pass
    assert cluster.pid is not None and cluster.pinned
    cluster.stop()
    assert cluster.pid is None and not cluster.pinned


def test_a_long_path_moves_the_socket_and_says_why(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    deep = folder / ("长" * 30) / ("x" * 60)
    cluster = Cluster(deep, durable=False)
    assert "too long for a Unix socket" in cluster.socket_reason and not cluster.socket_dir.is_relative_to(
        deep
    )
    assert socket_folder(deep)[0] == cluster.socket_dir, "every process must find the same folder"
    with cluster:
        assert _ask(cluster, "SELECT 1") == 1
        assert stat.S_IMODE(cluster.socket_dir.stat().st_mode) == 0o700
    assert cluster.socket_reason in caplog.text
    assert not cluster.socket_dir.exists()


def test_socket_folder_planted_by_somebody_else_is_refused(folder: Path) -> None:
    link = folder / "run"
    link.symlink_to("/tmp")
    with pytest.raises(ClusterError, match="belongs to another account"):
        make_private_folder(link, server_user())


def test_backup_and_restore_round_trip(folder: Path) -> None:
    saved = folder / "saved.dump"
    with Cluster(folder / "a", durable=False) as source:
        from layers.postgres import engine, migrate

        migrate(source.url)
        _run(
            source.url,
            "INSERT INTO enterprises (uscc, name, industry, hazard, status) VALUES ('u', '南通', 'i', 'none',"
            " 'closed')",
        )
        engine(source.url).dispose()
        source.backup(saved)
        _run(source.url, "DELETE FROM enterprises")
        source.restore(saved)
        assert _ask(source, "SELECT name FROM enterprises") == "南通"
    with Cluster(
        folder / "b", durable=False
    ) as target:  # another cluster, without the role that policies name
        target.restore(saved)
        assert _ask(target, "SELECT name FROM enterprises") == "南通"
        policies = _ask(target, "SELECT count(*) FROM pg_policies WHERE 'wangge_reader' = ANY (roles)")
        assert isinstance(policies, int) and policies > 5
        overlaps = "SELECT proleakproof FROM pg_proc WHERE oid = 'geometry_overlaps(geometry, geometry)'::regprocedure"
        assert _ask(target, overlaps) is True, "a dump does not hold this mark"


def test_a_broken_backup_leaves_the_data_alone(cluster: Cluster, short_tmp: Path) -> None:
    _run(cluster.url, "CREATE TABLE IF NOT EXISTS untouched AS SELECT 7 AS n")
    broken = short_tmp / "broken.dump"
    broken.write_bytes(b"PGDMP not really")
    with pytest.raises(ClusterError, match="pg_restore"):
        cluster.restore(broken)
    assert _ask(cluster, "SELECT n FROM untouched") == 7
    _run(cluster.url, "DROP TABLE untouched")  # databases of other tests are copies of this one
    assert _ask(cluster, "SELECT count(*) FROM pg_database WHERE datname LIKE 'wangge\\_%'") == 0


def test_failed_backup_keeps_the_older_file(cluster: Cluster, short_tmp: Path) -> None:
    saved = short_tmp / "older.dump"
    saved.write_bytes(b"older")
    with pytest.raises(ClusterError, match="pg_dump"):
        from layers.private_server import backup as cluster_backup

        cluster_backup.dump(cluster.url.replace("/wangge?", "/nothing?"), saved, cluster.binaries())
    assert saved.read_bytes() == b"older" and not list(short_tmp.glob("*.partial"))


def test_folder_of_another_version_says_how_to_move(folder: Path) -> None:
    cluster = Cluster(folder)
    cluster.pgdata.mkdir()
    (cluster.pgdata / "PG_VERSION").write_text("9\n")
    with pytest.raises(ClusterError, match=r"PostgreSQL 9 .*wangge db backup.*wangge db restore"):
        cluster.start()


def test_missing_programs_say_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match="WANGGE_PG_BIN"):
        find_binaries(named=tmp_path)
    without = cluster_binaries.Binaries(Path("/opt/pg/bin"), 16, has_postgis=False)
    monkeypatch.setattr(cluster_binaries, "installed_binaries", lambda named: (without,))
    with pytest.raises(
        ClusterError, match=r"16 \(/opt/pg/bin, without PostGIS\).*apt-get install postgresql"
    ):
        find_binaries()


def test_server_that_does_not_start_shows_its_log(folder: Path) -> None:
    cluster = Cluster(folder, durable=False)
    cluster.init()
    with (cluster.pgdata / "postgresql.auto.conf").open("a") as configuration:
        configuration.write("no_such_setting = 1\n")
    with pytest.raises(ClusterError, match="no_such_setting"):
        cluster.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="root may enter every folder")
def test_folder_that_the_server_may_not_enter(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    with pytest.raises(ClusterError, match="WANGGE_DATA_DIR"):
        Cluster(folder / "closed" / "data").start()


def test_data_folder_of_root_and_of_everyone_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/wangge")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", "/home/li/data")
    assert default_data_dir() == Path("/home/li/data/wangge")


def test_every_setting_is_one_that_the_server_took(cluster: Cluster) -> None:
    wanted = server_settings(cluster.socket_dir, durable=False, memory=8 * 1024**3)
    with psycopg.connect(libpq_url(cluster.url)) as connection:
        known = dict(connection.execute("SELECT name, setting FROM pg_settings").fetchall())
    assert {name.lower() for name in wanted} <= {name.lower() for name in known}
    assert known["listen_addresses"] == "" and known["jit"] == "off" and known["fsync"] == "off"


def test_locks_are_gone_with_their_process(folder: Path) -> None:
    path = folder / "x.lock"
    child = os.fork()
    if child == 0:
        cluster_locks.try_lock(path)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert cluster_locks.is_unlocked(path)
    held = cluster_locks.try_lock(path, shared=True)
    assert held is not None and cluster_locks.is_only_holder(held)
    second = cluster_locks.try_lock(path, shared=True)
    assert second is not None and not cluster_locks.is_only_holder(held)
    assert not cluster_locks.is_unlocked(path)
    os.close(held)
    os.close(second)
