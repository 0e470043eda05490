"""Tables as offices write them: CSV of any usual encoding and separator, and the first sheet of a workbook.

The header may stand below a title, in English or Chinese; merged cells have their value in each of their
rows; wide digits, days in words and days of a spreadsheet are read. What cannot be read is a fault with its
row, never a guess.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from geo_api.imports import workbooks
from layers.codes import CHINESE_ENCODING, iso_day, plain_text, to_half_width
from layers.errors import Fault, InputError, MissingColumns, RejectedRows
from layers.exports import text_of_cell
from layers.imports import ROW, Column, FileKind, require_file

Values = Sequence[str | None]
HEADER_WITHIN = 30
"""The header stands among so many rows that are not empty."""
SEPARATORS = (",", ";", "\t", "|", "，")
OPEN_ENDS = ("长期", "长期有效", "至今", "无", "-", "--", "—", "——", "/")
"""What people write for a day that is not known to come."""
TERMS: dict[str, dict[str, tuple[str, ...]]] = {
    "domain": {
        "ecology": ("生态环境", "生态环保"),
        "urban": ("城市管理", "城管"),
        "transport": ("交通运输", "交通"),
        "agriculture": ("农业农村", "农业"),
        "culture_tourism": ("文化旅游", "文旅", "文化和旅游"),
        "market": ("市场监管", "市场监督管理"),
    },
    "level": {
        "city": ("市", "市级", "设区市"),
        "county": ("县", "区", "县级", "区级", "区县", "县区", "县(市、区)"),
        "town": ("镇", "乡", "街道", "乡镇", "镇街", "镇级", "乡镇(街道)", "镇(街道)"),
    },
    **{
        name: {"yes": ("是", "有", "在岗", "y", "true"), "no": ("否", "无", "不在岗", "n", "false")}
        for name in ("confirmed", "on_duty", "legal_review", "public", "suspension_stops_clock")
    },
    "role": {"lead": ("牵头", "主办", "主管"), "joint": ("协办", "配合", "协同")},
}
"""Words of the lists for the values of choices."""
_WORDS = {
    column: {word: value for value, words in of.items() for word in words} for column, of in TERMS.items()
}


@dataclass
class WrittenTable:
    """A table with our column names: text in every column, and the row in the file counted below its header.

    Attributes
    ----------
    frame : polars.DataFrame
        ``__row`` and those columns of the kind that the file has.
    faults : list of Fault
        Rows that do not fit the header, and quotes that do not match.
    """

    frame: pl.DataFrame
    faults: list[Fault]


def read_table(path: Path, kind: FileKind) -> WrittenTable:
    """Read a CSV file or the first sheet of a workbook; which of them it is the content says, not the name.

    Raises
    ------
    layers.errors.InputError
        No such file, empty, too large when unpacked, an old or protected workbook, or no text.
    layers.errors.MissingColumns
    """
    require_file(path)
    with path.open("rb") as file:
        start = file.read(8)
    workbooks.refuse_old(path, start)
    faults: list[Fault] = []
    if start.startswith(workbooks.ZIP):
        rows = workbooks.first_sheet(path)
    else:
        rows, faults = _text_rows(path, kind)
    if not rows:
        raise InputError(f"{path}: is empty 文件为空")
    header_at, columns = _header(path, rows, kind)
    frame, ragged = _below(rows, header_at, columns, kind)
    moved = [Fault(max(fault.row - header_at, 0), fault.field, fault.reason, fault.value) for fault in faults]
    return WrittenTable(frame, sorted(moved + ragged, key=lambda fault: fault.row))


@contextmanager
def as_parquet(path: Path, kind: FileKind) -> Iterator[Path]:
    """Yield the table as a Parquet file for the time being; a Parquet file as it is.

    Raises
    ------
    layers.errors.InputError
    """
    if is_parquet(path):
        yield path
        return
    table = read_table(path, kind)
    if table.faults:
        raise RejectedRows(path.name, table.faults)
    with TemporaryDirectory() as folder:
        target = Path(folder) / f"{path.stem}.parquet"
        table.frame.write_parquet(target)
        yield target


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by name or by its first bytes."""
    if path.suffix.lower() == ".parquet" or not path.is_file():
        return path.suffix.lower() == ".parquet"
    with path.open("rb") as file:
        return file.read(4) == b"PAR1"


def is_plain(path: Path, kind: FileKind) -> bool:
    """Return whether a file is UTF-8 CSV with commas and our header in its first line.

    Such a file is read in bounded memory.
    """
    if not path.is_file():
        return True
    with path.open("rb") as file:
        start = file.read(1 << 16)
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(start)
    except UnicodeDecodeError:
        return False
    names = next(csv.reader(text.splitlines()[:1]), []) if "\0" not in text else []
    return {column.name for column in kind.columns if column.required} <= set(names)


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings: tuple[str, ...] = ("utf-16",)
    else:
        encodings = ("utf-8-sig", CHINESE_ENCODING)
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError as error:
            place, reason = error.start, error.reason
            continue
        if "\0" in text:
            raise InputError(f"{path}: no text: it has zero bytes 不是文本文件")
        return text
    known = "UTF-16" if len(encodings) == 1 else "UTF-8, GB 18030"
    raise InputError(f"{path}: not text in 编码不是 {known} ({reason} at byte {place})")


def _text_rows(path: Path, kind: FileKind) -> tuple[dict[int, Values], list[Fault]]:
    """Rows that are not empty by their number from 1, and the fault at which reading ended."""
    text = _decoded(path)
    separator = max(SEPARATORS, key=lambda sign: _best_header(_read(text, sign, HEADER_WITHIN)[0], kind)[0])
    return _read(text, separator, None)


def _read(text: str, separator: str, at_most: int | None) -> tuple[dict[int, Values], list[Fault]]:
    rows: dict[int, Values] = {}
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    number = 0
    try:
        for number, values in enumerate(reader, start=1):
            if any(value.strip() for value in values):
                rows[number] = [plain_text(value) for value in values]
            if len(rows) == at_most:
                break
    except csv.Error as error:
        reason = f"quotes do not match up to line {reader.line_num} 引号不配对 ({error})"
        return rows, [Fault(number + 1, "", reason)]
    return rows, []


def _plain_name(name: str | None) -> str:
    return re.sub(r"\(.*?\)|[*\s]", "", to_half_width(name or "")).lower()


def _names(kind: FileKind) -> dict[str, Column]:
    found: dict[str, Column] = {}
    for column in kind.columns:
        for name in column.headings:
            found.setdefault(_plain_name(name), column)
    return found


def _best_header(rows: dict[int, Values], kind: FileKind) -> tuple[int, int]:
    """Return the number of our columns in the likeliest header, and the number of its row."""
    names = _names(kind)
    best = (0, min(rows, default=0))
    for number in list(rows)[:HEADER_WITHIN]:
        named = {names[name].name for value in rows[number] if (name := _plain_name(value)) in names}
        best = max(best, (len(named), number), key=lambda found: found[0])
    return best


def _header(path: Path, rows: dict[int, Values], kind: FileKind) -> tuple[int, dict[int, Column]]:
    """Return the number of the header's row and our columns by position."""
    number = _best_header(rows, kind)[1]
    names = _names(kind)
    columns: dict[int, Column] = {}
    for position, value in enumerate(rows[number]):
        column = names.get(_plain_name(value))
        if column is None:
            continue
        if column in columns.values():
            raise InputError(f"{path}: column {column.name} stands twice 列重复")
        columns[position] = column
    missing = [c.name for c in kind.columns if c.required and c not in columns.values()]
    if missing:
        raise MissingColumns.of(path, missing, [value for value in rows[number] if value])
    return number, columns


def _below(
    rows: dict[int, Values], header_at: int, columns: dict[int, Column], kind: FileKind
) -> tuple[pl.DataFrame, list[Fault]]:
    width = len(rows[header_at])
    numbers: list[int] = []
    values: dict[str, list[str | None]] = {column.name: [] for column in columns.values()}
    faults = []
    for number, row in rows.items():
        if number <= header_at:
            continue
        numbers.append(number - header_at)
        if any(row[width:]):
            reason = f"{len(row)} values under {width} headers: a separator too many? 列数多于表头"
            faults.append(Fault(number - header_at, "", reason, next(filter(None, row[width:])) or ""))
        for position, column in columns.items():
            values[column.name].append(_value(row[position] if position < len(row) else None, column))
    frame = pl.DataFrame(values, schema=dict.fromkeys(values, pl.Utf8))
    return frame.with_columns(pl.Series(ROW, numbers, dtype=pl.UInt32)), faults


def _value(text: str | None, column: Column) -> str | None:
    if text is None:
        return None
    if column.dtype == "date":
        if column.nullable and text in OPEN_ENDS:
            return None
        return iso_day(text, serial=True) or text
    if column.dtype != "text":
        return to_half_width(text)
    if column.choices:
        word = to_half_width(text)
        return _WORDS.get(column.name, {}).get(word, word)
    if column.name == "domains":
        return ";".join(
            _WORDS["domain"].get(part.strip(), part.strip()) for part in to_half_width(text).split(";")
        )
    text = text_of_cell(text)
    return to_half_width(text) if column.name.endswith(("code", "id", "uscc")) else text
