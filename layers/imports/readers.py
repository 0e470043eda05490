"""Readers of CSV and Parquet files as polars frames, in batches."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from layers.errors import InputError, MissingColumns
from layers.imports.columns import FILE_KINDS, Column, FileKind
from layers.imports.names import columns_at

ROW = "__row"
"""Name of the column with the row number, from 1."""


def template(kind: str) -> str:
    """Return an example file of a kind as CSV text (layers with shapes: GeoJSON).

    Examples
    --------
    >>> print(template("places"))
    kind,lon,lat,radius_m
    petrol,104.93,35.26,60
    <BLANKLINE>
    """
    if kind == "areas":
        return AREAS_TEMPLATE
    if kind in GROUND_TEMPLATES:
        return GROUND_TEMPLATES[kind]
    spec = FILE_KINDS[kind]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(column.name for column in spec.columns)
    writer.writerows(_with_valid_uscc(spec, row) for row in spec.examples)
    return out.getvalue()


def _with_valid_uscc(spec: FileKind, row: tuple[str, ...]) -> list[str]:
    return [
        EXAMPLE_USCC if column.name == "uscc" else value
        for column, value in zip(spec.columns, row, strict=True)
    ]


EXAMPLE_USCC = "919901000000000940"
"""Invented code with valid check characters (its weighted sum is a multiple of 31)."""

GROUND_TEMPLATES = {
    "roads": """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "properties": {"source_id": "R-1", "name": "示例路", "name_en": "Example Road", "kind": "primary",
  "ref": "S101", "oneway": "no"}, "geometry": {"type": "LineString", "coordinates": [[104.92, 35.25], [104.94, 35.26]]}}
]}
""",
    "waterways": """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "properties": {"source_id": "W-1", "name": "示例运河", "name_en": "Example Canal", "kind": "canal",
  "width_m": 60}, "geometry": {"type": "LineString", "coordinates": [[104.92, 35.27], [104.94, 35.27]]}}
]}
""",
    "buildings": """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "properties": {"source_id": "B-1", "name": "示例大厦", "name_en": "Example Tower", "kind": "commercial",
  "levels": 12, "height_m": 45}, "geometry": {"type": "Polygon", "coordinates":
  [[[104.92, 35.25], [104.921, 35.25], [104.921, 35.251], [104.92, 35.251], [104.92, 35.25]]]}}
]}
""",
}

AREAS_TEMPLATE = """{"type": "FeatureCollection", "features": [
 {"type": "Feature", "properties": {"code": "990100", "name": "示例市", "kind": "city", "parent_code": null,
  "valid_from": "2020-07-23", "predecessor_codes": null}, "geometry": {"type": "Polygon", "coordinates":
  [[[104.0, 34.5], [106.0, 34.5], [106.0, 36.0], [104.0, 36.0], [104.0, 34.5]]]}},
 {"type": "Feature", "properties": {"code": "990121", "name": "示例县", "kind": "county", "parent_code": "990100",
  "valid_from": "2020-07-23", "predecessor_codes": "", "households": 250000, "road_length_m": 1800000,
  "label_lon": 105.1, "label_lat": 35.4}, "geometry": {"type": "Polygon", "coordinates":
  [[[104.8, 35.1], [105.4, 35.1], [105.4, 35.7], [104.8, 35.7], [104.8, 35.1]]]}}
]}
"""


def read_batches(path: Path, kind: FileKind, *, batch_rows: int = 500_000) -> Iterator[pl.DataFrame]:
    """Yield a file as frames of text or typed columns with a running row number, in bounded memory.

    A Parquet file with its own row numbers (``__row``, integers) keeps them.

    Parameters
    ----------
    path : Path
    kind : FileKind
    batch_rows : int
        Greatest number of rows of a frame.

    Raises
    ------
    InputError
        When the file is not there or is not CSV or Parquet.
    MissingColumns
        When a required column is missing; the message names all of them.
    """
    require_file(path)
    start = 1
    for frame in (
        _parquet(path, kind, batch_rows)
        if path.suffix.lower() == ".parquet"
        else _csv(path, kind, batch_rows)
    ):
        yield frame if ROW in frame.columns else frame.with_row_index(ROW, offset=start)
        start += frame.height


def require_file(path: Path) -> None:
    """Raise InputError unless the file exists."""
    if not path.is_file():
        raise InputError(f"{path}: no such file 文件不存在")


def count_rows(path: Path) -> int:
    """Return the number of rows of a file, for a progress bar; 0 for a missing file."""
    if not path.is_file():
        return 0
    if path.suffix.lower() == ".parquet":
        return int(pq.ParquetFile(path).metadata.num_rows)
    with path.open("rb") as file:
        return max(sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b"")) - 1, 0)


def _parquet(path: Path, kind: FileKind, batch_rows: int) -> Iterator[pl.DataFrame]:
    try:
        file = pq.ParquetFile(path)
    except Exception as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
    names = file.schema_arrow.names
    at = _columns(path, kind, names)
    wanted = [names[position] for position in at]
    if ROW in names and pa.types.is_integer(file.schema_arrow.field(ROW).type):
        wanted.append(ROW)
    ours = {names[position]: column.name for position, column in at.items()}
    for batch in file.iter_batches(batch_size=batch_rows, columns=wanted):
        frame = pl.from_arrow(batch)
        assert isinstance(frame, pl.DataFrame)
        yield frame.rename(ours)


def _csv(path: Path, kind: FileKind, batch_rows: int) -> Iterator[pl.DataFrame]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        try:
            header = next(csv.reader(file), [])
        except UnicodeDecodeError as error:
            raise InputError(f"{path}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    wanted = [header[position] for position in _columns(path, kind, header)]
    try:
        frame = pl.read_csv(path, columns=wanted, infer_schema=False, encoding="utf8")
    except Exception as error:
        raise InputError(f"{path}: not a readable CSV file ({error})") from error
    for start in range(0, max(frame.height, 1), batch_rows):
        yield frame.slice(start, batch_rows)


def _columns(path: Path, kind: FileKind, names: list[str]) -> dict[int, Column]:
    try:
        at = columns_at(names, kind)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    if missing := kind.lacking([column.name for column in at.values()]):
        raise MissingColumns.of(path, missing, names)
    return at


def is_plain(path: Path, kind: FileKind) -> bool:
    """Return whether a file is UTF-8 CSV with commas, our own headings, and as many values in every line as headings.

    Such a file is read as a whole column by column; any other is read row by row, so that a fault has its row.
    """
    if not path.is_file() or path.suffix.lower() not in (".csv", ".txt"):
        return False
    with path.open("rb") as file:
        first = file.readline(1 << 16).rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
        if any(sign in first for sign in (b'"', b"\0", b"\r")):
            return False
        try:
            names = first.decode().split(",")
            at = columns_at(names, kind)
        except (UnicodeDecodeError, InputError):
            return False
        named = {column.name for column in at.values()}
        own = all(names[position] == column.name for position, column in at.items())
        if not own or kind.lacking(named):
            return False
        return _is_regular(file, len(names) - 1)


def _is_regular(file: BinaryIO, n_commas: int) -> bool:
    """Return whether the rest of a file is UTF-8 without quotes, with so many commas in every line.

    An apostrophe may be the one that exports write before a text like a formula: it is taken away row by row.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    rest = b""
    while block := file.read(1 << 24):
        try:
            decoder.decode(block)
        except UnicodeDecodeError:
            return False
        if b'"' in block or b"\0" in block or b"'" in block:
            return False
        lines, newline, rest = (rest + block).rpartition(b"\n")
        if newline and not _has_commas(lines + newline, n_commas):
            return False
    return not rest or _has_commas(rest + b"\n", n_commas)


def _has_commas(lines: bytes, n_commas: int) -> bool:
    if lines.count(b"\r") != lines.count(b"\r\n"):
        return False
    found = np.frombuffer(lines, np.uint8)
    ends = np.flatnonzero(found == ord("\n"))
    before = np.concatenate(([0], np.searchsorted(np.flatnonzero(found == ord(",")), ends)))
    return bool((np.diff(before) == n_commas).all())
