"""`wangge check` and `wangge db`: each fault that they promise to find is made and found."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cases.chain_keys import ChainKeys
from geo_api.cli import check as installation
from geo_api.cli.check import (
    check_calendar,
    check_chain_keys,
    check_data_folder,
    check_front_end,
    check_installation,
    check_self_approval,
)
from geo_api.cli.check_database import check_leakproof, check_matters, check_reader_role, check_row_security
from geo_api.cli.db import db_app
from geo_api.cli.finding import Finding
from geo_api.cli.main import app
from geo_api.http.settings import Settings
from layers.postgres import SYSTEM, engine, libpq_url, session
from layers.private_server import Cluster
from tests.support.square_town import insert_duty


def _by_name(findings: list[Finding], word: str) -> Finding:
    return next(finding for finding in findings if word in finding.name)


def test_a_whole_installation_has_no_fault_in_its_database(fresh_database: str) -> None:
    findings = check_installation(Settings())
    wrong = [f for f in findings if not f.ok and not f.name.startswith(("地图页面", "工作日历"))]
    assert not wrong
    assert {"PostGIS", "表结构 schema", "行级安全 row-level security"} <= {f.name for f in findings}
    assert all(f.detail_zh and f.detail_en for f in findings)


def test_a_silent_database_is_one_clear_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql://nobody@127.0.0.1:9/none")
    found = _by_name(check_installation(Settings()), "database")
    assert not found.ok and "127.0.0.1" in found.detail_en and "WANGGE_DATABASE_URL" in found.mend


def test_an_old_schema_is_found(fresh_database: str) -> None:
    with engine(fresh_database).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'older'"))
    found = _by_name(check_installation(Settings()), "schema")
    assert not found.ok and found.mend == "wangge db migrate"


def test_a_table_without_row_security_is_named(fresh_database: str) -> None:
    with engine(fresh_database).begin() as connection:
        assert check_row_security(connection).ok
    with engine(fresh_database).begin() as connection:
        connection.execute(text("ALTER TABLE vehicles DISABLE ROW LEVEL SECURITY"))
    with engine(fresh_database).connect() as connection:
        found = check_row_security(connection)
    assert not found.ok and found.detail_en.endswith("vehicles")


def test_a_policy_that_leaks_is_found_by_its_rows(fresh_database: str) -> None:
    with engine(fresh_database).begin() as connection:
        connection.execute(text("INSERT INTO vehicles (vehicle_id, kind) VALUES ('v', 'other')"))
    with engine(fresh_database).connect() as connection:
        assert check_row_security(connection).ok
    with engine(fresh_database).begin() as connection:
        connection.execute(
            text("CREATE POLICY open_door ON vehicles FOR SELECT TO wangge_reader USING (true)")
        )
    with engine(fresh_database).connect() as connection:
        assert "vehicles" in check_row_security(connection).detail_en
        assert not check_row_security(connection).ok


def test_a_role_that_bypasses_is_found(fresh_database: str) -> None:
    with engine(fresh_database).connect() as connection:  # never committed: roles belong to the whole cluster
        assert check_reader_role(connection).ok
        connection.execute(text("ALTER ROLE wangge_reader BYPASSRLS"))
        found = check_reader_role(connection)
        assert not found.ok and "bypasses" in found.detail_en
        connection.rollback()


def test_a_lost_leakproof_mark_is_found(fresh_database: str) -> None:
    with engine(fresh_database).connect() as connection:
        assert check_leakproof(connection, hosted=False).ok
        connection.execute(text("ALTER FUNCTION geometry_overlaps(geometry, geometry) NOT LEAKPROOF"))
        assert check_leakproof(connection, hosted=True).ok, "a hosted server may forbid the mark"
        assert not check_leakproof(connection, hosted=False).ok
        connection.rollback()


def test_calendar_of_an_unpublished_year_and_a_clock_that_is_behind() -> None:
    far = check_calendar(dt.date(2090, 3, 1))
    assert not _by_name(far, "working days").ok and "2090" in _by_name(far, "working days").detail_en
    past = check_calendar(dt.date(2019, 3, 1))
    assert _by_name(past, "working days").ok and not _by_name(past, "clock").ok


def test_authors_who_approve_are_a_fault(tmp_path: Path) -> None:
    (found,) = check_self_approval(Settings(data_dir=tmp_path, self_approval=True))
    assert not found.ok and "WANGGE_SELF_APPROVAL" in found.detail_en and "仅供演示" in found.detail_zh
    assert _by_name(check_self_approval(Settings(data_dir=tmp_path)), "approval").ok


def test_a_chain_key_that_others_may_read_is_a_fault(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    assert _by_name(check_chain_keys(settings), "chain key").ok
    keys = ChainKeys(settings.chain_keys_folder())
    keys.ensure()
    (found,) = check_chain_keys(settings)
    assert found.ok and keys.signer().key_id in found.detail_en
    (keys.folder / "private.pem").chmod(0o644)
    (found,) = check_chain_keys(settings)
    assert not found.ok and "may be read by others" in found.detail_en


def test_front_end_says_how_to_build(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(installation.resources, "files", lambda package: tmp_path)
    (found,) = check_front_end()
    assert not found.ok and "scripts/setup" in found.mend
    (tmp_path / "web" / "dist").mkdir(parents=True)
    (tmp_path / "web" / "dist" / "index.html").write_text("<!doctype html>")
    assert check_front_end()[0].ok


@pytest.mark.skipif(os.geteuid() != 0, reason="root runs the server as somebody else")
def test_closed_folder_above_the_data_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    found = _by_name(check_data_folder(Cluster(closed / "data")), "data folder")
    assert not found.ok and str(closed) in found.detail_en and "chmod o+x" in found.mend


def test_packages_off_the_lock_are_named(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    hashed = "    --hash=sha256:00"
    lock.write_text(
        f"numpy==1.0.0 \\\n{hashed}\nnot-installed==1 \\\n{hashed}\nuvloop==0.1 ; sys_platform == 'win32' \\\n"
    )
    (line,) = installation._off_the_lock(lock)
    assert line.startswith("numpy ") and line.endswith("(==1.0.0)")
    assert list(installation._unmet(["numpy>=999", "nope-nope>=1", "pandas>=1", "x; extra == 'demo'"])) == [
        f"numpy {installation.metadata.version('numpy')} is not >=999",
        "nope-nope is missing",
    ]


@pytest.fixture
def data_dir(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="wgd-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        monkeypatch.setenv("WANGGE_DATA_DIR", name)
        yield folder
        Cluster(folder).stop(force=True)


def test_db_commands_on_a_private_database(data_dir: Path) -> None:
    run = CliRunner().invoke
    assert run(db_app, ["status"]).exit_code == 0
    assert run(db_app, ["start"]).exit_code == 0
    cluster = Cluster(data_dir)
    assert cluster.pid is not None and cluster.pinned
    assert run(db_app, ["start"]).exit_code == 0
    assert run(db_app, ["migrate"]).exit_code == 0
    saved = data_dir / "saved.dump"
    assert run(db_app, ["backup", str(saved)]).exit_code == 0 and saved.stat().st_size > 10_000
    with psycopg.connect(libpq_url(cluster.url), autocommit=True) as connection:
        connection.execute("DROP TABLE hot_spots CASCADE")
    engine(cluster.url).dispose()
    assert run(db_app, ["restore", str(saved)], input="n\n").exit_code == 1
    with psycopg.connect(libpq_url(cluster.url)) as connection:
        assert connection.execute("SELECT to_regclass('hot_spots')").fetchone() == (None,)
    assert run(db_app, ["stop", "--force"]).exit_code == 0
    assert cluster.pid is None


def test_a_full_backup_brings_attached_files_and_snapshots_back_and_says_what_it_leaves_out(
    data_dir: Path,
) -> None:
    """Each command in a process of its own, as an operator calls it: a restoration waits for all others."""

    def run(*words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "geo_api.cli", "db", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return "".join((done.stdout + done.stderr).split())

    run("start")
    run("migrate")
    contents = {"attachments/ab/photo": b"photo" * 1000, "snapshots/cd.parquet": b"rows" * 1000}
    for name, content in contents.items():
        (data_dir / name).parent.mkdir(parents=True, exist_ok=True)
        (data_dir / name).write_bytes(content)
    saved = data_dir / "saved.dump"
    told = run("backup", str(saved))
    assert "chain_keys/" in told and "secret" in told, "what is left out is said"
    for name in contents:
        (data_dir / name).unlink()
    with psycopg.connect(libpq_url(Cluster(data_dir).url), autocommit=True) as connection:
        connection.execute("DROP TABLE hot_spots CASCADE")
    run("restore", str(saved), "--yes")
    assert {name: (data_dir / name).read_bytes() for name in contents} == contents
    run("start")
    with psycopg.connect(libpq_url(Cluster(data_dir).url)) as connection:
        assert connection.execute("SELECT to_regclass('hot_spots')::text").fetchone() == ("hot_spots",)
    saved.with_name("saved.dump.snapshots").unlink()
    assert "saved.dump.snapshots" in run("restore", str(saved), "--yes"), "a tar that is not there is told"


def test_start_and_stop_leave_an_external_server_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgresql://u:secret@db.example/wangge")
    for command in (["start"], ["stop"], ["restore", "x"]):
        assert CliRunner().invoke(db_app, command).exit_code == 1


def test_a_kind_of_alert_without_its_matter_is_named_with_similar_ones(fresh_database: str) -> None:
    with engine(fresh_database).connect() as connection:
        (fresh,) = check_matters(connection)
    assert fresh.ok and "the duty list is empty" in fresh.detail_en
    with session(SYSTEM, fresh_database) as db:
        insert_duty(db, "SX-1", "生态环境局", "city", "320600", item="违法复工")
        insert_duty(db, "SX-2", "城市管理局", "city", "320600", item="占道经营")
    with engine(fresh_database).connect() as connection:
        (found,) = check_matters(connection)
    assert not found.ok and "illegal_resumption" in found.detail_en and "SX-1 违法复工" in found.detail_en
    assert "SX-2" not in found.detail_en
    done = CliRunner().invoke(app, ["duties", "matter", "illegal_resumption", "SX-1"])
    assert done.exit_code == 0, done.output
    with engine(fresh_database).connect() as connection:
        assert all(finding.ok for finding in check_matters(connection))
