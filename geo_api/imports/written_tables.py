"""Tables as offices write them: CSV of any usual encoding and separator, workbooks, and attributes of geometry files.

The header may stand below a title, in English or Chinese; merged cells have their value in each of their
rows; wide digits, days in words and days of a spreadsheet are read. What cannot be read is a fault with its
row, never a guess.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from geo_api.imports import workbooks
from geo_api.imports.attribute_rows import attribute_rows, is_geoparquet, parquet_rows
from geo_api.imports.source_parts import EVERYTHING, GEOMETRIES, Choice, Part, open_parts
from layers.codes import CHINESE_ENCODING, iso_day, plain_text, to_half_width
from layers.errors import Fault, InputError, MissingColumns
from layers.exports import text_of_cell
from layers.imports import ROW, Column, FileKind, words_of
from layers.imports.column_map import (
    NO_MAP,
    ColumnMap,
    Lookup,
    after_reading,
    before_reading,
    lookup_key,
    mapped_columns_at,
    require_columns,
)
from layers.imports.names import VALUE_NAMES
from layers.imports.readers import is_plain, read_batches
from layers.tables import DOMAINS

Values = Sequence[str | None]
Rows = Iterator[tuple[int, Values]]
HEADER_WITHIN = 30
"""The header stands among so many rows that are not empty."""
ROWS_AT_ONCE = 50_000
SEPARATORS = (",", ";", "\t", "|", "，")
OPEN_ENDS = ("长期", "长期有效", "至今", "无", "-", "--", "—", "——", "/")
"""What people write for a day that is not known to come."""


@dataclass
class SourceTable:
    """A file as a table with our column names, and what was found while it was read.

    Attributes
    ----------
    path : Path
        CSV or Parquet that ``layers.imports.readers.read_batches`` reads; ``__row`` is the row below the header.
    faults : list of Fault
        Rows that do not fit the header, and quotes that do not match.
    notes : list of str
        What a person should know: a guessed encoding, the rows of each sheet, layer or member.
    """

    path: Path
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def take_faults(self, frame: pl.DataFrame | None = None) -> list[Fault]:
        """Return the faults of the rows of a frame, each once; without a frame those that are left."""
        rows = None if frame is None else set(frame[ROW].to_list())
        taken = [fault for fault in self.faults if rows is None or fault.row in rows]
        self.faults = [fault for fault in self.faults if fault not in taken] if taken else self.faults
        return taken


@contextmanager
def open_table(
    path: Path, kind: FileKind, choice: Choice = EVERYTHING, column_map: ColumnMap = NO_MAP
) -> Iterator[SourceTable]:
    """Yield a file of any format as a table, for the time being; all its sheets, layers and members, or the chosen.

    UTF-8 CSV with our column names and Parquet are handed on as they are, whatever their size.

    Raises
    ------
    layers.errors.InputError
        No such file, empty, too large when unpacked, an old or protected workbook, or no text; a column twice.
    layers.errors.MissingColumns
        With the name of the part that lacks them.
    """
    with open_parts(path, choice) as parts, table_of_parts(parts, path, kind, column_map) as table:
        yield table


@contextmanager
def table_of_parts(
    parts: list[Part], path: Path, kind: FileKind, column_map: ColumnMap = NO_MAP
) -> Iterator[SourceTable]:
    """Yield the parts of a file as one table, as :func:`open_table` does."""
    plain = column_map == NO_MAP and len(parts) == 1
    if plain and (_is_parquet_table(parts[0].path) or is_plain(parts[0].path, kind)):
        yield SourceTable(parts[0].path)
        return
    with TemporaryDirectory(prefix="wangge-table-") as folder:
        table = SourceTable(Path(folder) / f"{path.name.split('.')[0] or 'table'}.parquet")
        _write_parts(parts, path, kind, table, column_map)
        yield table


def _is_parquet_table(path: Path) -> bool:
    return is_parquet(path) and not is_geoparquet(path)


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by name or by its first bytes."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return path.suffix.lower() == ".parquet"
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def _write_parts(
    parts: list[Part], path: Path, kind: FileKind, table: SourceTable, column_map: ColumnMap
) -> None:
    names = [column.name for column in kind.columns]
    schema = pa.schema([(ROW, pa.uint32()), *((name, pa.string()) for name in names)])
    done = 0
    with pq.ParquetWriter(table.path, schema) as writer:
        for part in parts:
            last = done
            where = f"{path.name} {part.label}".strip()
            try:
                for frame, faults in _read_part(part, kind, where, table.notes, column_map):
                    table.faults += [Fault(f.row + done, f.field, f.reason, f.value) for f in faults]
                    if frame.height:
                        last = done + int(frame[ROW][-1])
                        shifted = frame.with_columns((pl.col(ROW) + done).cast(pl.UInt32))
                        full = shifted.with_columns(
                            pl.lit(None, dtype=pl.Utf8).alias(n) for n in names if n not in frame.columns
                        )
                        writer.write_table(full.select(ROW, *names).to_arrow().cast(schema))
            except MissingColumns as error:
                raise lacks_columns(error, part, parts) from error
            if len(parts) > 1:
                table.notes.append(f"{part.label}: {done + 1:,}-{last:,} 行 rows")
            done = last
    table.faults.sort(key=lambda fault: fault.row)


def with_tables(column_map: ColumnMap) -> ColumnMap:
    """Return a map with the tables of its look-ups read.

    Raises
    ------
    InputError
        No such table, or one key with two values.
    """
    tables = {name: _read_lookup(one) for name, one in column_map.lookups.items()}
    return dataclasses.replace(column_map, tables=tables)


def _read_lookup(lookup: Lookup) -> dict[str, str]:
    columns = (Column("key", "text", "", lookup.key), Column("value", "text", "", lookup.value))
    kind = FileKind("look-up", columns, ("key",), ())
    found: dict[str, str] = {}
    for path in lookup.tables:
        with open_table(
            path, kind, column_map=ColumnMap({"key": lookup.key, "value": lookup.value})
        ) as table:
            for frame in read_batches(table.path, kind):
                for key, value in frame.select("key", "value").drop_nulls().iter_rows():
                    if found.setdefault(lookup_key(key), value) != value:
                        raise InputError(
                            f"{path.name}: {key} has two values 对应多个值: {found[lookup_key(key)]}, {value}"
                        )
    return found


def lacks_columns(error: MissingColumns, part: Part, parts: list[Part]) -> MissingColumns:
    """Return the error of a part that lacks columns, with the names of the others to choose from."""
    if len(parts) == 1:
        return error
    option = "--layer" if part.path.suffix.lower() in GEOMETRIES else "--sheet"
    others = ", ".join(other.name for other in parts if other.name and other is not part)
    return MissingColumns(f"{error}\n  choose with {option} 请用 {option} 选择: {others}")


def _read_part(
    part: Part, kind: FileKind, where: str, notes: list[str], column_map: ColumnMap = NO_MAP
) -> Iterator[tuple[pl.DataFrame, list[Fault]]]:
    """Yield the rows of a part below its header, and the faults of those that do not fit it."""
    trailing: list[Fault] = []
    is_book = part.path.suffix.lower() in workbooks.ENDINGS
    rows, cut = _rows_of(part, kind, where, notes, trailing, column_map)
    first = list(itertools.islice(rows, HEADER_WITHIN))
    if not first:
        raise InputError(f"{where}: is empty 文件为空")
    at = max(first, key=lambda row: (_n_known(row[1], kind, column_map), -row[0]))[0]
    header = next(values for number, values in first if number == at)
    try:
        columns = mapped_columns_at(header, kind, column_map, cut=cut)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error
    require_columns(where, kind, header, [column.name for _, column in columns], column_map)
    at = _last_header(first, at, header, columns)
    below = itertools.chain((row for row in first if row[0] > at), rows)
    while chunk := list(itertools.islice(below, ROWS_AT_ONCE)):
        yield _below(chunk, at, len(header), columns, is_book, column_map)
    if trailing:
        yield (
            pl.DataFrame(schema={ROW: pl.UInt32}),
            [Fault(max(f.row - at, 0), f.field, f.reason, f.value) for f in trailing],
        )


def _last_header(
    rows: list[tuple[int, Values]], at: int, header: Values, columns: list[tuple[int, Column]]
) -> int:
    """Return the last row of a header that goes over several, whose cells below each other are merged."""
    for number, values in rows:
        if number == at + 1 and all(values[i : i + 1] == header[i : i + 1] for i, _ in columns):
            at = number
    return at


def _n_known(values: Values, kind: FileKind, column_map: ColumnMap) -> int:
    try:
        return len(mapped_columns_at(values, kind, column_map))
    except InputError:
        return len(kind.columns)


def _rows_of(
    part: Part, kind: FileKind, where: str, notes: list[str], trailing: list[Fault], column_map: ColumnMap
) -> tuple[Rows, bool]:
    """Return the rows of a part, and whether its headings may be cut."""
    path = part.path
    if path.suffix.lower() in GEOMETRIES or is_geoparquet(path):
        return attribute_rows(path, part.name, kind, notes), path.suffix.lower() == ".shp"
    if is_parquet(path):
        return parquet_rows(path), False
    with path.open("rb") as file:
        start = file.read(8)
    workbooks.refuse_old(path, start)
    if start.startswith(workbooks.ZIP):
        return iter(workbooks.read_sheet(path, part.name).items()), False
    return _text_rows(path, kind, where, notes, trailing, column_map), False


def _encoding(path: Path, where: str, stated: str | None) -> str:
    """Return the encoding of a text file by trying it whole, in bounded memory; a stated one is the only one tried."""
    with path.open("rb") as file:
        start = file.read(2)
    wide = start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    why = ""
    tried = (stated,) if stated else ("utf-16",) if wide else ("utf-8-sig", CHINESE_ENCODING)
    for encoding in tried:
        decoder = codecs.getincrementaldecoder(encoding)()
        line = 1
        with path.open("rb") as file:
            try:
                while block := file.read(1 << 20):
                    line += block.count(b"\n")
                    decoder.decode(block)
                decoder.decode(b"", final=True)
                return encoding
            except UnicodeDecodeError as error:
                line -= error.object[error.start :].count(b"\n")
                why = why or f"{error.reason} 在第 {line} 行 in line {line}"
    named = stated or ("UTF-16" if wide else "UTF-8, GB 18030")
    raise InputError(f"{where}: not text in 编码不是 {named} ({why})")


def _text_rows(
    path: Path, kind: FileKind, where: str, notes: list[str], trailing: list[Fault], column_map: ColumnMap
) -> Rows:
    """Yield rows that are not empty by their number from 1; the fault at which reading ended goes to ``trailing``."""
    encoding = _encoding(path, where, column_map.encoding)
    with path.open(encoding=encoding, newline="") as file:
        head = list(itertools.islice(file, 4 * HEADER_WITHIN))
    if encoding not in ("utf-8-sig", column_map.encoding):
        notes.append(f"{where} 编码未声明，按 {encoding} 读取 read as {encoding.upper()}")
    if head and "\0" in head[0]:
        raise InputError(f"{where}: no text: it has zero bytes 不是文本文件")

    def known(sign: str) -> int:
        rows = itertools.islice(_csv_rows(head, sign, []), HEADER_WITHIN)
        return max((_n_known(values, kind, column_map) for _, values in rows), default=0)

    separator = max(SEPARATORS, key=known)
    with path.open(encoding=encoding, newline="") as file:
        yield from _csv_rows(file, separator, trailing)


def _csv_rows(lines: Iterable[str], separator: str, trailing: list[Fault]) -> Rows:
    reader = csv.reader(lines, delimiter=separator, strict=True)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if any(value.strip() for value in values):
                yield number, [plain_text(value) for value in values]
    except csv.Error as error:
        reason = f"quotes do not match up to line {reader.line_num} 引号不配对 ({error})"
        trailing.append(Fault(number + 1, "", reason))


def _below(
    rows: list[tuple[int, Values]],
    header_at: int,
    width: int,
    columns: list[tuple[int, Column]],
    is_book: bool,
    column_map: ColumnMap,
) -> tuple[pl.DataFrame, list[Fault]]:
    numbers: list[int] = []
    values: dict[str, list[str | None]] = {column.name: [] for _, column in columns}
    faults = []
    names = {position: column.name for position, column in columns}
    for number, row in rows:
        numbers.append(number - header_at)
        if any(row[width:]):
            reason = f"{len(row)} values under {width} headers: a separator too many? 列数多于表头"
            faults.append(Fault(number - header_at, "", reason, next(filter(None, row[width:])) or ""))
        elif (
            len(row) < width
            and row[-1] is not None
            and (lost := [n for at, n in names.items() if at >= len(row)])
        ):
            reason = f"{len(row)} values under {width} headers: this one is missing 列数少于表头，缺此列"
            faults.append(Fault(number - header_at, lost[0], reason))
        for position, column in columns:
            text = row[position] if position < len(row) else None
            if text is not None and "\0" in text:
                faults.append(
                    Fault(
                        number - header_at, column.name, "has a zero byte 含空字符", text.replace("\0", "?")
                    )
                )
                text = text.replace("\0", "")
            taken = before_reading(text, column, column_map)
            if taken is None and text is not None and column.name in column_map.lookups:
                tables = ", ".join(table.name for table in column_map.lookups[column.name].tables)
                reason = f"is not in {tables} 对照表中没有该值"
                faults.append(Fault(number - header_at, column.name, reason, text))
            values[column.name].append(after_reading(_value(taken, column, is_book), column, column_map))
    for name, value in column_map.constants.items():
        values[name] = [value or None] * len(rows)
    frame = pl.DataFrame(values, schema=dict.fromkeys(values, pl.Utf8))
    return frame.with_columns(pl.Series(ROW, numbers, dtype=pl.UInt32)), faults


_DOMAINS = {word: value for value in DOMAINS for word in VALUE_NAMES[value]}


def _value(text: str | None, column: Column, is_book: bool) -> str | None:
    if text is None:
        return None
    if column.dtype == "date":
        if column.nullable and text in OPEN_ENDS:
            return None
        return iso_day(text, serial=True) or text
    if is_book and column.dtype == "time" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return f"{text} 00:00:00"  # how a spreadsheet's time of midnight is written
    if column.dtype != "text":
        return to_half_width(text)
    if column.choices:
        word = to_half_width(text)
        return words_of(column).get(word, word)
    if column.name == "domains":
        return ";".join(_DOMAINS.get(part.strip(), part.strip()) for part in to_half_width(text).split(";"))
    text = text_of_cell(text)
    return to_half_width(text) if column.name.endswith(("code", "id", "uscc")) else text
