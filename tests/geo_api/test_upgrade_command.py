"""``wangge upgrade`` with migrations that a newer program would bring: one that works, and two that fail."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import text

from layers.errors import SchemaTooNew
from layers.postgres import SYSTEM, migrate, newest_schema, session
from tests.support.row_digests import row_digests
from tests.support.service_process import ROOT

MIGRATION = """
from alembic import op

revision = "9999"
down_revision = "{head}"


def upgrade() -> None:
    op.execute("ALTER TABLE vehicles ADD COLUMN fleet text")
    {then}
"""
WORKS = "pass"
FAILS = 'op.execute("SELECT 1 / 0")'
FAILS_HALF_WAY = 'op.execute("COMMIT"); op.execute("SELECT 1 / 0")'
"""A migration that commits its first part and then fails: only the backup leads back."""


def upgraded(url: str, folder: Path, then: str) -> subprocess.CompletedProcess[str]:
    """``wangge upgrade`` of a program whose newest migration is this one."""
    program = folder / "newer"
    shutil.copytree(
        ROOT / "layers", program / "layers", ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
    )
    written = MIGRATION.format(head=newest_schema(), then=then)
    (program / "layers" / "migrations" / "versions" / "9999_newer.py").write_text(written)
    return subprocess.run(
        [sys.executable, "-m", "geo_api.cli", "upgrade"], capture_output=True, text=True, timeout=300, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{program}:{ROOT}", "WANGGE_DATABASE_URL": url,
             "WANGGE_DATA_DIR": str(folder), "COLUMNS": "300", "PYTHONSAFEPATH": "1"},
    )  # fmt: skip


def test_an_upgrade_that_fails_leaves_everything_as_it_was(fresh_database: str, tmp_path: Path) -> None:
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("INSERT INTO vehicles (vehicle_id, kind) VALUES ('T1', 'hazmat')"))
    before = row_digests(fresh_database)
    for then, told in ((FAILS, "the database is as it was"), (FAILS_HALF_WAY, "restored as it was before")):
        done = upgraded(fresh_database, tmp_path, then)
        said = done.stdout + done.stderr
        assert done.returncode == 1 and told in said and "division by zero" in said, said
        assert "install the former version again" in said
        assert row_digests(fresh_database) == before
        with session(SYSTEM, fresh_database) as db:
            columns = "SELECT count(*) FROM information_schema.columns WHERE column_name = 'fleet'"
            assert db.execute(text(columns)).scalar_one() == 0
    done = upgraded(fresh_database, tmp_path, WORKS)
    assert done.returncode == 0 and "upgraded: 9999" in done.stdout + done.stderr, done.stderr
    kept = sorted(path.suffix for path in (tmp_path / "backups").iterdir())
    assert kept == [".backup"] * 3 + [".txt"] * 2
    with session(SYSTEM, fresh_database) as db:
        assert db.execute(text("SELECT vehicle_id, fleet FROM vehicles")).one() == ("T1", None)
    with pytest.raises(SchemaTooNew, match="install that one"):
        migrate(fresh_database)
