"""Files of the sources of a city: those that each names, and those beside them that none does."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from geo_api.city_file import Source
from geo_api.imports.folders import OWN_OUTPUTS, PAPERS, SETTINGS, not_taken
from geo_api.imports.source_parts import is_companion, is_system_file


@dataclass(frozen=True)
class Unused:
    """A file that is not imported; ``lost`` is false for notes and pictures."""

    path: Path
    reason: str
    lost: bool = True


@dataclass
class SourceFiles:
    """Files of the sources by name, in their order, and what is not imported."""

    by_source: dict[str, list[Path]] = field(default_factory=dict)
    unused: list[Unused] = field(default_factory=list)


def find_source_files(
    sources: list[Source], folder: Path, *, leave_out: Path | None = None, others: bool = True
) -> SourceFiles:
    """Return the files that the sources name, and those beside them.

    Parameters
    ----------
    sources : list of Source
    folder : Path
        Of the city file: names are relative to it.
    leave_out : Path, optional
        The data folder of the installation: what lies in it is no delivery.
    others : bool
        Look for files that no source names.
    """
    found = SourceFiles()
    known: set[Path] = set()
    for source in sources:
        files: list[Path] = []
        for pattern in source.files:
            named = sorted(_named(folder / pattern))
            if not named:
                found.unused.append(Unused(folder / pattern, f"{source.name}: 没有此文件 no such file"))
            for path in named:
                if reason := not_taken(path, source.kind):
                    found.unused.append(Unused(path, f"{source.name}: {reason}"))
                elif path not in files:
                    files.append(path)
            known.update(path.resolve() for path in named)
        found.by_source[source.name] = files
        tables = source.column_map(folder).lookups.values()
        known.update(path.resolve() for lookup in tables for path in lookup.tables)
        if source.contract is not None:
            known.add((folder / source.contract).resolve())
    for path in _beside(folder, leave_out, known) if others else ():
        if path.resolve() not in known:
            lost = path.suffix.lower() not in PAPERS
            reason = "没有来源包含此文件 no source names it" if lost else "不是数据 no data"
            found.unused.append(Unused(path, reason, lost))
    return found


def _named(pattern: Path) -> Iterator[Path]:
    """Yield the files of a name, a glob or a folder."""
    is_glob = glob.has_magic(str(pattern)) and not pattern.exists()
    for text in glob.glob(str(pattern), recursive=True) if is_glob else [str(pattern)]:
        path = Path(text)
        for file in path.rglob("*") if path.is_dir() else [path]:
            if file.is_file() and not _is_own(file):
                yield file


def _is_own(file: Path) -> bool:
    return is_system_file(file) or file.name.endswith(OWN_OUTPUTS) or is_companion(file)


def _beside(folder: Path, leave_out: Path | None, known: set[Path]) -> Iterator[Path]:
    """Yield the files of the folder and those below it, without settings, our own outputs and hidden folders.

    A city file in the data folder has our own folders beside it: there only those are looked into that hold a file
    of a source.
    """
    places = [folder]
    if leave_out is not None and folder.resolve() == leave_out.resolve():
        inside = (
            path.relative_to(folder.resolve()) for path in known if path.is_relative_to(folder.resolve())
        )
        places = [folder / name for name in sorted({path.parts[0] for path in inside if len(path.parts) > 1})]
    for root, folders, files in (step for place in places for step in os.walk(place)):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and (leave_out is None or Path(root, name).resolve() != leave_out.resolve())
        )
        for name in sorted(files):
            path = Path(root, name)
            if name not in SETTINGS and path.suffix != ".toml" and not _is_own(path):
                yield path
