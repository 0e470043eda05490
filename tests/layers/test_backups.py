"""Backups: who may read them, encryption, one moment under load, and restorations to a moment from the
archive.
"""

from __future__ import annotations

import datetime as dt
import itertools
import os
import shutil
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pyrage
import pytest
from typer.testing import CliRunner

from geo_api.cli.check_database import check_archive
from geo_api.cli.main import app
from layers.errors import ClusterError
from layers.postgres import libpq_url
from layers.private_server import Cluster, base_backups, remove_old_backups, restore_to
from layers.private_server import backup as cluster_backup
from tests.support.application import Seeded
from tests.support.databases import own_database
from tests.support.row_digests import differing_tables, digests_seen_by
from tests.support.waiting import wait_until


@pytest.fixture
def place(short_tmp: Path, request: pytest.FixtureRequest) -> Path:
    """A folder that only this account may write."""
    folder = short_tmp / f"backups-{abs(hash(request.node.name)) % 10**8}"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def source(seeded: Seeded) -> Iterator[str]:
    """URL of a database with the small town."""
    with own_database(seeded.cluster, seeded.template) as url:
        yield url


@pytest.fixture
def target(cluster: Cluster) -> Iterator[str]:
    """URL of a database without any table, into which backups are restored."""
    with own_database(cluster, "wangge") as url:
        yield url


def digests(url: str) -> dict[str, tuple[int, str]]:
    with psycopg.connect(libpq_url(url)) as db:
        return digests_seen_by(db)


def test_a_backup_is_its_owner_s_and_every_row_comes_back(
    source: str, target: str, cluster: Cluster, place: Path
) -> None:
    before = os.umask(0)
    try:
        cluster_backup.dump(source, place / "town.dump", cluster.binaries())
    finally:
        os.umask(before)
    assert stat.S_IMODE((place / "town.dump").stat().st_mode) == 0o600
    cluster_backup.restore(target, place / "town.dump", cluster.binaries())
    found = digests(source)
    assert differing_tables(found, digests(target)) == []
    assert sum(rows for rows, _ in found.values()) > 100 and len(found) > 40


def test_places_where_others_could_put_or_replace_a_backup_are_refused(
    source: str, cluster: Cluster, place: Path
) -> None:
    open_folder = place / "open"
    open_folder.mkdir()
    open_folder.chmod(0o777)
    (place / "link").symlink_to(place)
    (place / "link.dump").symlink_to(place / "elsewhere")
    for path, told in (
        (open_folder / "x", "chmod go-w"),
        (place / "link" / "x", "link"),
        (place / "link.dump", "link"),
        (place / "nothing" / "x", "no folder"),
        (Path("/tmp") / f"{place.name}.dump", "chmod go-w"),
    ):
        with pytest.raises(ClusterError, match=told):
            cluster_backup.dump(source, path, cluster.binaries())
        assert not path.exists()
    if os.geteuid() == 0:
        foreign = place / "foreign"
        foreign.mkdir()
        os.chown(foreign, 65534, 65534)
        with pytest.raises(ClusterError, match="another account"):
            cluster_backup.dump(source, foreign / "x", cluster.binaries())


def test_a_file_that_others_could_have_written_is_not_restored(
    source: str, target: str, cluster: Cluster, place: Path
) -> None:
    saved = place / "town.dump"
    cluster_backup.dump(source, saved, cluster.binaries())
    saved.chmod(0o622)
    before = digests(target)
    with pytest.raises(ClusterError, match="others may write it"):
        cluster_backup.restore(target, saved, cluster.binaries())
    saved.chmod(0o600)
    (place / "link").symlink_to(saved)
    with pytest.raises(ClusterError, match="link"):
        cluster_backup.restore(target, place / "link", cluster.binaries())
    assert digests(target) == before


def test_an_encrypted_backup_opens_with_its_private_key_only(
    source: str, target: str, cluster: Cluster, place: Path
) -> None:
    key, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
    for name, identity in (("key", key), ("other", other)):
        (place / name).write_text(f"# created: today\n{identity}\n")
    saved, plain = place / "town.age", place / "town.dump"
    cluster_backup.dump(source, saved, cluster.binaries(), recipients=[str(key.to_public())])
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert saved.read_bytes().startswith(b"age-encryption.org/v1\n"), "age itself opens it"
    plain.write_bytes(pyrage.decrypt(saved.read_bytes(), [key]))
    assert plain.read_bytes().startswith(b"PGDMP") and b"PGDMP" not in saved.read_bytes()
    empty = digests(target)
    cut = place / "cut.age"
    cut.write_bytes(saved.read_bytes()[:-200])
    for path, identity_file, told in (
        (saved, None, "--identity"),
        (saved, place / "other", "cannot be decrypted"),
        (cut, place / "key", "cannot be decrypted"),
        (saved, plain, "holds no private key"),
    ):
        with pytest.raises(ClusterError, match=told):
            cluster_backup.restore(target, path, cluster.binaries(), identity_file=identity_file)
        assert digests(target) == empty, told
    cluster_backup.restore(target, saved, cluster.binaries(), identity_file=place / "key")
    assert differing_tables(digests(source), digests(target)) == []
    with pytest.raises(ClusterError, match="Not a public key"):
        cluster_backup.dump(source, place / "none", cluster.binaries(), recipients=["age1nothing"])
    assert not (place / "none").exists()


def test_a_backup_under_load_is_of_one_moment(
    source: str, target: str, cluster: Cluster, place: Path
) -> None:
    """Each transaction writes one row into two tables.

    The digests are of the very snapshot that is dumped.
    """
    ending, written = threading.Event(), itertools.count()

    def write(writer: int) -> None:
        with psycopg.connect(libpq_url(source)) as db:
            while not ending.is_set():
                key = f"L-{writer}-{next(written)}"
                db.execute("INSERT INTO vehicles (vehicle_id, kind) VALUES (%s, 'hazmat')", [key])
                db.execute(
                    "INSERT INTO enterprises (uscc, name, industry, hazard, status)"
                    " VALUES (%s, %s, 'i', 'none', 'closed')",
                    [key, key],
                )
                db.commit()

    writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    for writer in writers:
        writer.start()
    try:
        wait_until(lambda: written.__reduce__()[1][0] > 50, "the writers write")
        with psycopg.connect(libpq_url(source)) as db:
            db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            row = db.execute("SELECT pg_export_snapshot()").fetchone()
            assert row is not None
            cluster_backup.dump(source, place / "load.dump", cluster.binaries(), snapshot=row[0])
            before = digests_seen_by(db)
    finally:
        ending.set()
        for writer in writers:
            writer.join()
    assert differing_tables(before, digests(source)) != [], "the writers wrote on"
    cluster_backup.restore(target, place / "load.dump", cluster.binaries())
    assert differing_tables(before, digests(target)) == []
    with psycopg.connect(libpq_url(target)) as db:
        pairs = (
            "SELECT count(*) FROM vehicles WHERE vehicle_id LIKE 'L-%'",
            "SELECT count(*) FROM enterprises WHERE uscc LIKE 'L-%'",
        )
        (vehicles,), (enterprises,) = (db.execute(question).fetchone() or (0,) for question in pairs)
    assert vehicles == enterprises > 0


def _write(cluster: Cluster, upto: int) -> tuple[dt.datetime, dict[str, tuple[int, str]]]:
    """Write rows up to a number: a moment after them, and the digests of what is there."""
    with psycopg.connect(libpq_url(cluster.url), autocommit=True) as db:
        db.execute(
            "CREATE TABLE IF NOT EXISTS entries (n int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp())"
        )
        db.execute(
            "INSERT INTO entries (n) SELECT generate_series((SELECT count(*) FROM entries) + 1, %s)", [upto]
        )
        row = db.execute("SELECT clock_timestamp()").fetchone()
        assert row is not None
        return row[0], digests_seen_by(db)


def test_restorations_to_a_moment(short_tmp: Path) -> None:
    """The drill: write, note the time, write more, restore to the time, compare.

    Twice, in place and elsewhere.
    """
    folder, archive = short_tmp / "pitr", short_tmp / "it's the archive"
    cluster = Cluster(folder, archive=str(archive))
    told: list[str] = []
    try:
        cluster.start()
        cluster.pin()
        before_all, _ = _write(cluster, 100)
        base = cluster.base_backup()
        shutil.copytree(
            archive, short_tmp / "old archive", ignore=shutil.ignore_patterns(".*.part")
        )  # a segment that is being written may be gone in a moment
        first, seen_first = _write(cluster, 200)
        second, seen_second = _write(cluster, 300)
        _write(cluster, 400)
        with pytest.raises(ClusterError, match=r"No base backup in .* is older"):
            restore_to(cluster, before_all, archive, into=None, tell=told.append)
        with pytest.raises(ClusterError, match="in the future"):
            restore_to(
                cluster, dt.datetime.now(dt.UTC) + dt.timedelta(days=1), archive, into=None, tell=told.append
            )

        elsewhere = short_tmp / "elsewhere"
        assert restore_to(cluster, first, archive, into=elsewhere, tell=told.append) is None
        with Cluster(elsewhere) as copy:
            assert copy.archive is None, "a copy must not write into the archive of its source"
            with psycopg.connect(libpq_url(copy.url)) as db:
                assert differing_tables(digests_seen_by(db), seen_first) == []
        with pytest.raises(ClusterError, match="not empty"):
            restore_to(cluster, first, archive, into=elsewhere, tell=told.append)

        with pytest.raises(ClusterError, match="The archive ends before"):
            restore_to(cluster, second, short_tmp / "old archive", into=short_tmp / "less", tell=told.append)
        assert not (short_tmp / "less" / "postgres").exists()

        again = Cluster(folder)  # without the setting: the data folder knows its archive
        assert again.archive == archive
        former = restore_to(again, second, archive, into=None, tell=told.append)
        assert former is not None and (former / "PG_VERSION").is_file()
        again.start()
        again.pin()
        with psycopg.connect(libpq_url(again.url)) as db:
            assert differing_tables(digests_seen_by(db), seen_second) == []
        third, seen_third = _write(again, 350)
        _write(again, 500)
        assert restore_to(again, third, archive, into=None, tell=told.append) not in (None, former)
        again.start()
        again.pin()
        with psycopg.connect(libpq_url(again.url)) as db:
            assert differing_tables(digests_seen_by(db), seen_third) == [], "along the newer history"
        _archive_is_checked(again, archive)
        newer = again.base_backup()
        assert [backup.folder for backup in base_backups(archive)] == [base.folder, newer.folder]
        removed, segments = remove_old_backups(archive, 1)
        assert removed == 1 and segments > 0
        assert (archive / newer.first_segment).exists() or newer.first_segment > base.first_segment
    finally:
        for made in (Cluster(folder), Cluster(short_tmp / "elsewhere"), Cluster(short_tmp / "less")):
            if made.pid is not None:
                made.stop(force=True)
    assert any("base backup" in sentence for sentence in told)
    assert any("former data is kept" in sentence for sentence in told)


def _archive_is_checked(cluster: Cluster, archive: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    wait_until(lambda: check_archive(cluster, now)[0].ok, lambda: check_archive(cluster, now)[0].detail_en)
    (old,) = check_archive(cluster, now + dt.timedelta(days=9))
    assert not old.ok and "base backup" in old.detail_en
    archive.rename(archive.with_name("gone"))
    with psycopg.connect(libpq_url(cluster.url), autocommit=True) as db:
        db.execute("CREATE TABLE archived AS SELECT 1 AS n")
        db.execute("SELECT pg_switch_wal()")
    (archive / "base").mkdir(parents=True)
    archive.chmod(0)
    wait_until(lambda: "it fails since" in check_archive(cluster, now)[0].detail_en, "the failure is told")
    assert not check_archive(cluster, now)[0].ok
    (archive / "base").rmdir()
    archive.rmdir()
    archive.with_name("gone").rename(archive)
    wait_until(lambda: check_archive(cluster, now)[0].ok, lambda: check_archive(cluster, now)[0].detail_en)


@pytest.mark.parametrize(
    "arguments",
    [[], ["FILE", "--to", "2026-11-28T09:30:00Z"], ["--to", "yesterday"], ["--to", "2026-11-28T09:30:00"]],
)
def test_a_restoration_names_a_file_or_a_moment_with_its_zone(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WANGGE_DATA_DIR", str(tmp_path))
    assert CliRunner().invoke(app, ["db", "restore", *arguments]).exit_code == 2
