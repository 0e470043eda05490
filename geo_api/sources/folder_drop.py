"""Folder drop: files that a department puts where the source's globs point; each is taken once."""

from __future__ import annotations

import glob
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from geo_api.imports.folders import OWN_OUTPUTS, not_taken
from geo_api.imports.source_parts import is_companion, is_system_file
from geo_api.sources.found import Fetched, Found, too_large
from layers.deliveries import FoundContent

SETTLED_S = 10.0
"""A file that changed less long ago may still be written: it waits for the next look."""
UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart")
"""Endings of files that are still being written."""


def look(
    files: Sequence[str],
    kind: str,
    folder: Path,
    incoming: Path,
    limit_bytes: int,
    is_known: Callable[[str, str], bool],
    now_s: float | None = None,
) -> Fetched:
    """Copy the files that are new or changed, oldest first.

    Parameters
    ----------
    files : sequence of str
        Files or globs, relative to ``folder``.
    incoming : Path
        Where copies go.
    is_known : callable
        Path and mark to whether that very file was taken before.
    now_s : float, optional
        The time by which a file is settled, in seconds since 1970; now by default.

    Raises
    ------
    SourceFailed
        A file is too large.
    """
    now_s = time.time() if now_s is None else now_s
    found: list[Found] = []
    notes: list[str] = []
    paths = {Path(name) for one in files for name in glob.glob(str(folder / one), recursive=True)}
    for path, stat in _settled_first(paths, notes):
        if path.name.endswith((*UNFINISHED, *OWN_OUTPUTS)) or is_system_file(path) or is_companion(path):
            continue
        mark = f"{stat.st_size}:{stat.st_mtime_ns}"
        if is_known(str(path), mark):
            continue
        if reason := _left(path, kind):
            notes.append(f"{path.name}: {reason}")
        elif now_s - stat.st_mtime < SETTLED_S:
            notes.append(f"{path.name}: 刚有改动，下次再取 changed just now, taken at the next look")
        elif stat.st_size > limit_bytes:
            notes.append(str(too_large(path.name, limit_bytes)))
        elif (copied := _copied(path, incoming / f"{len(found)}" / path.name)) is None:
            notes.append(_gone(path))
        else:
            copy, digest = copied
            found.append(Found(FoundContent(str(path), mark, path.name, digest, copy.stat().st_size), copy))
    return Fetched(found, notes)


def _settled_first(paths: set[Path], notes: list[str]) -> list[tuple[Path, os.stat_result]]:
    """Return the files that are still there, those that changed longest ago first; the others are noted."""
    present: list[tuple[Path, os.stat_result]] = []
    for path in sorted(paths, key=str):
        try:
            if path.is_file() or path.is_symlink():
                present.append((path, path.stat()))
        except FileNotFoundError:
            notes.append(_gone(path))
    return sorted(present, key=lambda one: one[1].st_mtime_ns)


def _gone(path: Path) -> str:
    return f"{path.name}: 读取前已不在，未取 gone before it was read, not taken"


def _left(path: Path, kind: str) -> str | None:
    if path.suffix.lower() == ".shp":
        return "Shapefile 请打包为 zip put the parts of a Shapefile into a zip"
    return not_taken(path, kind)


def _copied(path: Path, copy: Path) -> tuple[Path, str] | None:
    """Copy a file; return the copy and its SHA-256, or None when the file is gone."""
    copy.parent.mkdir(exist_ok=True)
    digest = hashlib.sha256()
    try:
        shutil.copyfile(path, copy)
    except FileNotFoundError:
        return None
    with copy.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return copy, digest.hexdigest()
