"""Search for the machine's PostgreSQL programs, version 15 or newer with PostGIS."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from layers.errors import ClusterError

MIN_MAJOR = 15
HOW_TO_INSTALL = (
    "Debian/Ubuntu: `sudo apt-get install postgresql postgresql-postgis` (or postgresql-15-postgis-3) · "
    "Fedora/RHEL: `sudo dnf install postgresql-server postgis` · "
    "or name the folder that holds `postgres` and `initdb` in WANGGE_PG_BIN"
)


@dataclass(frozen=True)
class Binaries:
    """Installation of PostgreSQL.

    Attributes
    ----------
    folder : pathlib.Path
        Folder of ``postgres``, ``initdb``, ``pg_ctl``, ``pg_dump`` and ``pg_restore``.
    major : int
        Major version, 15 for 15.18.
    has_postgis : bool
        Whether the extension's control file is in the folder that this server searches.
    """

    folder: Path
    major: int
    has_postgis: bool

    def program(self, name: str) -> str:
        """Return the full path of a program."""
        return str(self.folder / name)


def _candidates(named: Path | None) -> Iterator[Path]:
    if named is not None:
        yield named
        return
    for pattern in ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql@*/bin"):
        yield from Path("/").glob(pattern)
    for program, arguments in (("pg_config", ("--bindir",)), ("postgres", ())):
        found = shutil.which(program)
        if found and arguments:
            yield Path(_output(found, *arguments))
        elif found:
            yield Path(found).resolve().parent


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False).stdout.strip()
    except OSError:
        return ""


def _has_postgis(folder: Path, major: int) -> bool:
    shared = [Path(f"/usr/share/postgresql/{major}")]
    if (folder / "pg_config").exists():
        shared.insert(0, Path(_output(str(folder / "pg_config"), "--sharedir")))
    shared.append(folder.parent / "share")
    return any((place / "extension" / "postgis.control").is_file() for place in shared)


def _describe(folder: Path) -> Binaries | None:
    if not all((folder / name).exists() for name in ("postgres", "initdb", "pg_ctl")):
        return None
    version = re.search(r"(\d+)(?:\.\d+|beta|rc|devel)", _output(str(folder / "postgres"), "--version"))
    if version is None:
        return None
    major = int(version.group(1))
    return Binaries(folder, major, _has_postgis(folder, major))


@lru_cache(maxsize=4)
def installed_binaries(named: Path | None = None) -> tuple[Binaries, ...]:
    """Return all PostgreSQL installations of this machine, newest first.

    Parameters
    ----------
    named : pathlib.Path, optional
        Only the installation of this folder.
    """
    found = {folder.resolve(): _describe(folder) for folder in _candidates(named)}
    known = [binaries for binaries in found.values() if binaries is not None]
    return tuple(sorted(known, key=lambda binaries: -binaries.major))


def find_binaries(major: int | None = None, named: Path | None = None) -> Binaries:
    """Return the newest PostgreSQL >= 15 with PostGIS, or the installation of a given major version.

    Parameters
    ----------
    major : int, optional
        Version that made an existing data folder; no other version can read it.
    named : pathlib.Path, optional
        Folder of the programs (``WANGGE_PG_BIN``); by default they are searched.

    Raises
    ------
    ClusterError
        There is none; the message says what to install.
    """
    everything = installed_binaries(named)
    usable = [b for b in everything if b.major >= MIN_MAJOR and b.has_postgis]
    if major is not None:
        usable = [b for b in usable if b.major == major]
    if usable:
        return usable[0]
    if named is not None and not everything:
        raise ClusterError(f"WANGGE_PG_BIN={named} holds no PostgreSQL server programs")
    seen = ", ".join(
        f"{b.major} ({b.folder}{'' if b.has_postgis else ', without PostGIS'})" for b in everything
    )
    wanted = f"PostgreSQL {major}" if major is not None else f"PostgreSQL >= {MIN_MAJOR}"
    raise ClusterError(
        f"没有找到 {wanted} + PostGIS。{wanted} with PostGIS was not found (seen: {seen or 'none'})."
        f" {HOW_TO_INSTALL}"
    )
