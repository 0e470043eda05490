"""Files of a folder or a glob, each with the kind that its name says; what is not taken has a reason."""

from __future__ import annotations

import glob
from dataclasses import dataclass, field
from pathlib import Path

from geo_api.imports.source_parts import GEOMETRIES, TABLES, is_companion, is_system_file
from layers.ground import GROUND_LAYERS
from layers.imports import DRIVERS, FILE_KINDS, kind_of_name

DRY_RUN_MAP = ".dry-run.html"
OWN_OUTPUTS = (".rejected.csv", ".topology.geojson", ".without_place.csv", DRY_RUN_MAP)
"""Endings of the files that an import writes beside its file."""
SETTINGS = ("city.toml", "import_names.toml")
_PACKED = (".gz", ".zip")
PAPERS = (
    ".txt", ".md", ".pdf", ".doc", ".docx", ".wps", ".ppt", ".pptx", ".html", ".htm", ".json", ".log", ".toml", ".yaml",
    ".yml", ".png", ".jpg", ".jpeg", ".tif", ".svg",
)  # fmt: skip
"""Endings of notes, pictures and settings that lie beside data: such a file without the name of a kind is only told."""
_ORDER = list(FILE_KINDS)


@dataclass
class FoundFiles:
    """Files of a folder.

    Attributes
    ----------
    files : list of (kind, path)
        To import, in their order.
    unknown : list of (path, reason)
        Those that may hold data and are not taken.
    papers : list of Path
        Notes, pictures and settings beside the data.
    """

    files: list[tuple[str, Path]] = field(default_factory=list)
    unknown: list[tuple[Path, str]] = field(default_factory=list)
    papers: list[Path] = field(default_factory=list)


def find_files(kind: str, path: Path) -> FoundFiles:
    """Return the files that an import takes.

    Parameters
    ----------
    kind : str
        A kind of file, or ``all``: then the name of each file or of its folder begins with its kind, in English or
        Chinese (``tracks_20261022.csv``, ``权责清单.xlsx``, ``tracks/22.csv``).
    path : Path
        A file, a folder, or a glob.

    Examples
    --------
    >>> find_files("tracks", Path("one.csv")).files
    [('tracks', PosixPath('one.csv'))]
    """
    if kind != "all" and not path.is_dir() and not (_is_glob(path) and not path.exists()):
        return FoundFiles([(kind, path)])
    candidates = (
        sorted(path.rglob("*")) if path.is_dir() else sorted(map(Path, glob.glob(str(path), recursive=True)))
    )
    found = FoundFiles()
    for file in candidates:
        if file.is_dir() or is_system_file(file) or file.name.endswith(OWN_OUTPUTS) or is_companion(file):
            continue
        if file.name in SETTINGS:
            continue
        of = kind if kind != "all" else _kind_of(file, path)
        reason = not_taken(file, of)
        if reason and file.suffix.lower() in PAPERS and (of is None or kind != "all"):
            found.papers.append(file)
        elif reason:
            found.unknown.append((file, reason))
        elif of is not None:
            found.files.append((of, file))
    found.files.sort(key=lambda one: (_ORDER.index(one[0]), str(one[1])))
    return found


def _is_glob(path: Path) -> bool:
    return glob.has_magic(str(path))


def _kind_of(file: Path, folder: Path) -> str | None:
    """Return the kind that the file's name says, else the name of a folder between."""
    inside = file.relative_to(folder).parts if folder.is_dir() else (file.name,)
    return next((of for name in reversed(inside) if (of := kind_of_name(name))), None)


def not_taken(file: Path, kind: str | None) -> str | None:
    """Return why a file is not taken for a kind; None when it is."""
    endings = [ending.lower() for ending in file.suffixes]
    if endings and endings[-1] == ".gz":
        endings.pop()
    ending = endings[-1] if endings else ""
    if kind is None:
        return "文件名不是任何类别的名称 the name begins with no kind"
    known = (
        {*TABLES, *GEOMETRIES, *_PACKED}
        if kind not in ("areas", *GROUND_LAYERS)
        else {*DRIVERS, ".parquet", *_PACKED}
    )
    if kind in GROUND_LAYERS:
        known.discard(".parquet")
    return (
        None if ending in known else f"不能读取此格式 no format that is read for {kind}: {ending or 'none'}"
    )
