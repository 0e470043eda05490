"""Files are read, and requests served, without the rights of root; the units of systemd are sound."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from geo_api.cases.chain_keys import ChainKeys
from geo_api.http.unprivileged import unprivileged_account
from layers.postgres import SYSTEM, session
from layers.private_server import closed_path, hand_over, server_user
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
UNITS = ("wangge.service", "wangge-worker.service")
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has rights to give up")

SCRIPT = """
import encodings.utf_8_sig, encodings.idna, os, sys  # what an interpreter in a home of root could not load later
from pathlib import Path
from geo_api.cli.unprivileged import work_on_file
from layers.private_server import server_user

def refused(work):
    try:
        work()
    except OSError:
        return True
    return False

path, secret = Path(sys.argv[1]), Path(sys.argv[2])
def work(staged, beside):
    {work}
    return 7
print(work_on_file(path, server_user(), os.environ.get("WANGGE_DATABASE_URL", "postgresql:///none"), {modules}, work))
"""


def run(work: str, *arguments: object, modules: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    script = SCRIPT.format(work="\n    ".join(work.strip().splitlines()), modules=modules)
    command = [sys.executable, "-c", script, *map(str, arguments)]
    environment = {**os.environ, "TMPDIR": str(arguments[2])}
    return subprocess.run(
        command,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


Given = tuple[Path, Path, Path]


@pytest.fixture
def given(short_tmp: Path, tmp_path: Path) -> Given:
    """A file to read and another that is nobody's business, both root's own in a folder of root's.

    A folder for all.
    """
    tmp_path.chmod(0o700)
    path, secret = tmp_path / "places.csv", tmp_path / "secret"
    path.write_text("kind,lon,lat,radius_m\npetrol,121.1,32.1,60\ncasino,121.2,32.1,60\n")
    secret.write_text("keys")
    path.chmod(0o600)
    secret.chmod(0o600)
    everybody = Path(tempfile.mkdtemp(dir=short_tmp))
    everybody.chmod(0o711)
    return path, secret, everybody


@as_root
def test_the_reader_of_a_file_has_no_rights_of_root(given: Given) -> None:
    work = """
status = Path("/proc/self/status").read_text()
assert "CapEff:\\t0000000000000000" in status and "NoNewPrivs:\\t1" in status
assert os.getresuid() == (server_user().uid,) * 3 and 0 not in os.getgroups()
assert refused(lambda: os.setresuid(0, 0, 0)) and refused(lambda: os.setgroups([0]))
assert refused(secret.read_text) and refused((secret.parent / "new").touch) and refused(lambda: os.kill(os.getppid(), 0))
assert staged.read_text().startswith("kind") and beside == path.parent
staged.with_name(staged.name + ".rejected.csv").write_text("row 2")
"""
    done = run(work, *given)
    assert done.stdout.split() == ["7"], done.stdout + done.stderr
    assert given[0].with_name("places.csv.rejected.csv").read_text() == "row 2"
    assert given[0].stat().st_uid == 0 and not list(given[2].iterdir())


@as_root
@pytest.mark.parametrize("way", ["os.symlink(secret, target)", "os.mkfifo(target)", "target.mkdir()"])
def test_only_plain_files_of_the_reader_are_put_beside_the_file(given: Given, way: str) -> None:
    """Root copies them: a link would make it copy what the reader may not read."""
    if "mkfifo" in way:
        way += "; os.close(os.open(target, os.O_RDWR | os.O_NONBLOCK))"
    done = run(f'target = staged.with_name(staged.name + ".rejected.csv")\n{way}', *given)
    assert done.stdout.split() == ["7"], done.stdout + done.stderr
    assert not given[0].with_name("places.csv.rejected.csv").exists()


@as_root
def test_a_reader_that_is_killed_is_a_failure(given: Given) -> None:
    assert run("os.kill(os.getpid(), 9)", *given).stdout.split() == ["137"]
    assert run("raise ValueError('broken')", *given).stdout.split() == ["1"]


@as_root
def test_an_import_without_the_rights_of_root(fresh_database: str, given: Given) -> None:
    work = """
from geo_api.imports.import_file import import_file
report = import_file("places", staged, crs="wgs84", skip_bad=True, url=os.environ["WANGGE_DATABASE_URL"])
assert (report.written.inserted, report.skipped) == (1, 1)
"""
    done = run(work, *given, modules=("geo_api.imports.import_file",))
    assert done.stdout.split() == ["7"], done.stdout + done.stderr
    assert "casino" in given[0].with_name("places.csv.rejected.csv").read_text()
    with session(SYSTEM, fresh_database) as db:
        assert db.scalar(text("SELECT count(*) FROM places")) == 1


@as_root
@pytest.mark.skipif(
    os.geteuid() == 0 and unprivileged_account() is None, reason="the account cannot run this program"
)
def test_a_worker_of_root_goes_on_as_the_account_of_the_database(
    fresh_database: str, short_tmp: Path
) -> None:
    data = short_tmp / "worker" / "data"
    data.parent.mkdir(mode=0o755)
    done = subprocess.run(
        [sys.executable, "-m", "geo_api.cli", "worker", "--once"],
        cwd=ROOT,
        env={**os.environ, "WANGGE_DATABASE_URL": fresh_database, "WANGGE_DATA_DIR": str(data)},
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )
    assert f"runs as {server_user().name}" in done.stderr, done.stdout + done.stderr
    assert {path.stat().st_uid for path in (data, *data.rglob("*"))} == {server_user().uid}


@as_root
def test_a_folder_that_the_account_may_not_enter_is_named(given: Given) -> None:
    user, folder = server_user(), given[2]
    assert closed_path(user, [Path("/usr/bin"), Path("/etc/passwd")]) is None
    inside = folder / "inside"
    inside.write_text("of root")
    inside.chmod(0o644)
    assert closed_path(user, [inside]) is None
    folder.chmod(0o700)
    assert closed_path(user, [inside]) == folder
    folder.chmod(0o711)
    inside.chmod(0o600)
    assert closed_path(user, [inside]) == inside


@as_root
def test_a_data_folder_is_handed_over_without_what_lies_behind_links(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("of root")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "secret").write_text("key")
    (folder / "link").symlink_to(outside)
    os.link(outside, folder / "second name")
    hand_over(folder, server_user())
    assert folder.stat().st_uid == (folder / "secret").stat().st_uid == server_user().uid
    assert outside.stat().st_uid == 0
    (tmp_path / "other").symlink_to(folder)
    with pytest.raises(OSError):
        hand_over(tmp_path / "other", server_user())


@as_root
def test_keys_that_root_makes_in_the_folder_of_the_service_are_the_services(tmp_path: Path) -> None:
    keys = ChainKeys(tmp_path / "chain_keys")
    keys.ensure()
    hand_over(keys.folder, server_user())
    keys.rotate()
    assert {path.stat().st_uid for path in (keys.folder, *keys.folder.iterdir())} == {server_user().uid}
    assert keys.signer().key_id == keys.listed()[-1].key_id


@pytest.mark.parametrize("unit", UNITS)
def test_units_of_systemd_are_hardened(unit: str) -> None:
    lines = set((ROOT / "packaging" / unit).read_text(encoding="utf-8").splitlines())
    assert {
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "CapabilityBoundingSet=",
        "User=wangge",
    } <= lines
    assert "MemoryDenyWriteExecute=yes" not in lines, "numba compiles while it runs"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_units_of_systemd_are_sound(tmp_path: Path) -> None:
    for unit in UNITS:
        plain = (ROOT / "packaging" / unit).read_text(encoding="utf-8")
        (tmp_path / unit).write_text(plain.replace("/opt/wangge/bin/wangge", "/bin/true"), encoding="utf-8")
    files = [str(tmp_path / unit) for unit in UNITS]
    verified = subprocess.run(
        ["systemd-analyze", "verify", *files], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    for file in files:  # 10 is a service without any limits
        rated = ["systemd-analyze", "security", "--offline=true", "--threshold=20", file]
        assert subprocess.run(rated, capture_output=True, check=False).returncode == 0, file
