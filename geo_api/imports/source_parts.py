"""Parts of a delivered file: members of an archive, layers of a geometry file, sheets of a workbook.

All of them are read, or those that are chosen by name; one that cannot be read is refused with its name, never
dropped.
"""

from __future__ import annotations

import gzip
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from geo_api.imports import workbooks
from layers.errors import InputError
from layers.imports import DRIVERS, kind_of_name, layers_of, require_file

MAX_UNPACKED = 2 * 2**30
"""Bytes that an archive may unpack to."""
MAX_MEMBERS = 2_000
TEXTS = (".csv", ".txt", ".tsv")
TABLES = (*TEXTS, *workbooks.ENDINGS, ".xls", ".parquet")
GEOMETRIES = tuple(ending for ending in DRIVERS if ending not in (".zip", ".pbf", ".osm"))
COMPANIONS = (
    ".shx",
    ".dbf",
    ".prj",
    ".cpg",
    ".sbn",
    ".sbx",
    ".qpj",
    ".qix",
    ".qmd",
    ".xml",
    ".gpkg-wal",
    ".gpkg-shm",
)
"""Endings of files that belong to one beside them."""
_NO_DATA = ("__MACOSX/", ".", "Thumbs.db", "desktop.ini", "~$")


@dataclass(frozen=True)
class Choice:
    """Names of the layers and sheets that are read; none: all."""

    layers: tuple[str, ...] = ()
    sheets: tuple[str, ...] = ()


EVERYTHING = Choice()


@dataclass(frozen=True)
class Part:
    """One part: its file, its layer or sheet, and how messages call it (empty for a file of one part)."""

    path: Path
    name: str | None = None
    label: str = ""


@contextmanager
def open_parts(path: Path, choice: Choice = EVERYTHING) -> Iterator[list[Part]]:
    """Yield the parts of a file; an archive is unpacked for the time being.

    Raises
    ------
    InputError
        No such file, an archive that is too large or has members of no known format, or a chosen name that is not
        there.
    """
    require_file(path)
    with ExitStack() as folders:
        files = _unpacked(path, folders)
        parts = [
            part for file in files for part in _parts_of(file, choice, path if len(files) == 1 else None)
        ]
        wanted = {*choice.layers, *choice.sheets}
        if missing := sorted(wanted - {name for part in parts for name in (part.name, part.path.name)}):
            raise InputError(f"{path.name}: has no {', '.join(missing)} 文件中没有该图层或工作表")
        yield [part for part in parts if not wanted or wanted & {part.name, part.path.name}]


def parts_of_kind(parts: list[Part], kind: str) -> tuple[list[Part], list[Part]]:
    """Return the parts of a file for a kind, and those that are named as another kind beside one of this kind.

    Examples
    --------
    >>> roads, rivers = Part(Path("a.gpkg"), "roads"), Part(Path("a.gpkg"), "waterways")
    >>> [part.name for part in parts_of_kind([roads, rivers], "roads")[1]]
    ['waterways']
    >>> parts_of_kind([], "roads")
    ([], [])
    """
    kinds = [kind_of_name(part.name or "") for part in parts]
    if kind not in kinds:
        return parts, []
    others = [part for part, of in zip(parts, kinds, strict=True) if of not in (kind, None)]
    return [part for part in parts if part not in others], others


def _unpacked(path: Path, folders: ExitStack) -> list[Path]:
    """Return the files of an archive, in a folder that goes with ``folders``; of another file the file itself."""
    with path.open("rb") as file:
        start = file.read(4)
    if path.suffix.lower() == ".gz":
        return [_gunzipped(path, _new_folder(folders))]
    if path.suffix.lower() == ".zip" or (
        start == workbooks.ZIP and path.suffix.lower() not in (*TABLES, *GEOMETRIES)
    ):
        return _unzipped(path, _new_folder(folders))
    return [path]


def _new_folder(folders: ExitStack) -> Path:
    return Path(folders.enter_context(TemporaryDirectory(prefix="wangge-unpacked-")))


def _gunzipped(path: Path, folder: Path) -> Path:
    target = folder / path.stem
    try:
        with gzip.open(path) as source, target.open("wb") as file:
            while block := source.read(1 << 20):
                file.write(block)
                if file.tell() > MAX_UNPACKED:
                    raise _too_large(path)
    except (OSError, EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path.name}: not a readable gz file 无法读取压缩包 ({error})") from error
    return target


def _too_large(path: Path) -> InputError:
    return InputError(f"{path.name}: unpacks to more than {MAX_UNPACKED / 1e9:.1f} GB 解压后过大")


def _unzipped(path: Path, folder: Path) -> list[Path]:
    """Unpack an archive into a flat folder for each of its own; member names never leave it."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _is_no_data(m.filename)]
            if len(members) > MAX_MEMBERS or sum(m.file_size for m in members) > MAX_UNPACKED:
                raise _too_large(path)
            found = [_extracted(archive, member, folder) for member in members]
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise InputError(f"{path.name}: not a readable zip file 无法读取压缩包 ({error})") from error
    known = [file for file in found if file.suffix.lower() in (*TABLES, *GEOMETRIES)]
    others = [file.name for file in found if file not in known and not is_companion(file)]
    if others or not known:
        raise InputError(
            f"{path.name}: members of no known format 压缩包内有不能识别的文件: {', '.join(others) or 'none'};"
            " unpack it and leave them out 请解压后去掉"
        )
    return sorted(known)


def _is_no_data(name: str) -> bool:
    return name.startswith("__MACOSX/") or PurePosixPath(name).name.startswith(_NO_DATA)


def is_system_file(path: Path) -> bool:
    """Return whether a file is one that systems and offices' programs leave behind."""
    return _is_no_data(path.name)


def _extracted(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path) -> Path:
    name = member.filename
    if not member.flag_bits & 0x800:  # no UTF-8 flag: Chinese programs write GBK
        try:
            name = name.encode("cp437").decode("gb18030")
        except UnicodeError:
            name = member.filename
    pure = PurePosixPath(name.replace("\\", "/"))
    inside = folder / f"{abs(hash(str(pure.parent)))}"
    inside.mkdir(exist_ok=True)
    target = inside / pure.name.replace("\0", "")
    with archive.open(member) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    return target


def is_companion(path: Path) -> bool:
    """Return whether a file only belongs to another one beside it."""
    return path.suffix.lower() in COMPANIONS and any(
        beside.suffix.lower() in (".shp", ".gpkg")
        for beside in path.parent.glob(f"{path.name.split('.')[0]}*")
    )


def _parts_of(path: Path, choice: Choice, of: Path | None) -> list[Part]:
    ending = path.suffix.lower()
    names: Sequence[str] = ()
    if ending in workbooks.ENDINGS:
        names = workbooks.sheet_names(path)
    elif ending in GEOMETRIES:
        names = layers_of(path)
    label = "" if of is not None else path.name
    if not names or (len(names) == 1 and not choice.layers and not choice.sheets):
        return [Part(path, names[0] if names else None, label)]
    return [Part(path, name, f"{label} {name}".strip()) for name in names]
