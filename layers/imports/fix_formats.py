"""Reader of batches of fixes (NDJSON, CSV, Arrow IPC stream, Parquet) in parts of bounded size."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet as pq

from layers.errors import Fault, InputError, MissingColumns
from layers.imports.columns import FILE_KINDS
from layers.imports.readers import ROW
from layers.imports.unpacked_sizes import check_size, check_stream_sizes, check_text_lengths, check_view_sizes

FixPart = tuple[pl.DataFrame, list[Fault]]
"""Rows with their row numbers in the body, and the faults of rows that cannot be read."""

PART_ROWS = 50_000
MAX_LINE_BYTES = 65_536
MAX_ROWS = 5_000_000
"""Greatest number of rows of a batch; a Parquet file of a few kilobytes may declare billions."""
COLUMNS = FILE_KINDS["tracks"].columns
NAMES = tuple(column.name for column in COLUMNS)
_PARSE = pyarrow.json.ParseOptions(
    explicit_schema=pa.schema(
        [(c.name, pa.float64() if c.dtype == "float" else pa.string()) for c in COLUMNS]
    ),
    unexpected_field_behavior="ignore",
)
_REQUIRED = tuple(column.name for column in COLUMNS if column.required)
_TEXTS = tuple(column.name for column in COLUMNS if column.dtype != "float")
_NUMBERS = tuple(column.name for column in COLUMNS if column.dtype == "float")


def read_fix_parts(body: BinaryIO, media_type: str, *, rows: int = PART_ROWS) -> Iterator[FixPart]:
    """Yield a batch of fixes in parts of at most ``rows`` rows.

    Parameters
    ----------
    body : file object
        The batch, at its start.
    media_type : str
        A key of ``FIX_READERS``.
    rows : int

    Raises
    ------
    InputError
        The body does not match the media type.
    MissingColumns
        A required column is missing (CSV, Arrow, Parquet).
    """
    yield from FIX_READERS[media_type](body, rows)


def _ndjson(body: BinaryIO, rows: int) -> Iterator[FixPart]:
    start = 1
    while lines := list(itertools.islice(iter(lambda: body.readline(MAX_LINE_BYTES), b""), rows)):
        frame = _clean_lines(lines)
        if frame is not None:
            yield frame.with_row_index(ROW, offset=start), []
        else:
            yield _each_line(lines, start)
        start += len(lines)


def _clean_lines(lines: list[bytes]) -> pl.DataFrame | None:
    """Parse all lines together; None when one of them must be parsed alone."""
    text = b"".join(lines)
    try:
        text.decode()  # pyarrow would hand on what is not UTF-8
        table = pyarrow.json.read_json(io.BytesIO(text), parse_options=_PARSE)
    except (pa.ArrowException, UnicodeDecodeError):
        return None
    if table.num_rows != len(lines):
        return None
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _each_line(lines: list[bytes], start: int) -> FixPart:
    faults: list[Fault] = []
    numbers: list[int] = []
    found: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=start):
        if line.isspace():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            faults.append(Fault(number, "", f"not JSON: {error}"))
            continue
        if isinstance(value, dict):
            numbers.append(number)
            found.append(value)
        else:
            faults.append(Fault(number, "", "not a JSON object"))
    return _object_frame(numbers, found, faults), faults


def _object_frame(numbers: list[int], found: list[dict[str, Any]], faults: list[Fault]) -> pl.DataFrame:
    """Convert objects to columns; a value of a wrong JSON type is a fault and its row is left out."""
    wrong: set[int] = set()
    columns: dict[str, pl.Series] = {ROW: pl.Series(numbers, dtype=pl.UInt32)}
    for name in NAMES:
        values = [value.get(name) for value in found]
        kinds = set(map(type, values))
        allowed = {float, int, type(None)} if name in _NUMBERS else {str, type(None)}
        if name == "vehicle_id" and int in kinds:
            values = [str(v) if type(v) is int else v for v in values]
            kinds.discard(int)
        if not kinds <= allowed:
            reason = "not a JSON number" if name in _NUMBERS else "not a JSON string"
            for i, v in enumerate(values):
                if type(v) not in allowed:
                    faults.append(Fault(numbers[i], name, reason, str(v)[:80]))
                    wrong.add(i)
                    values[i] = None
        if name in _NUMBERS:
            values = [None if v is None else float(v) for v in values]
        columns[name] = pl.Series(values, dtype=pl.Float64 if name in _NUMBERS else pl.Utf8)
    frame = pl.DataFrame(columns)
    return frame.filter(~pl.int_range(pl.len()).is_in(list(wrong))) if wrong else frame


def _csv(body: BinaryIO, rows: int) -> Iterator[FixPart]:
    text = io.TextIOWrapper(body, encoding="utf-8-sig", newline="")
    reader = csv.reader(text)
    try:
        header = [name.strip() for name in next(reader, [])]
        _require_columns(header)
        at = {name: header.index(name) for name in NAMES if name in header}
        numbers: list[int] = []
        found: list[list[str]] = []
        faults: list[Fault] = []
        for number, row in enumerate(reader, start=1):
            if len(row) == len(header):
                numbers.append(number)
                found.append(row)
            elif row:
                faults.append(Fault(number, "", f"{len(row)} fields, the header has {len(header)}"))
            if len(found) + len(faults) >= rows:
                yield _text_frame(numbers, found, at), faults
                numbers, found, faults = [], [], []
        if found or faults:
            yield _text_frame(numbers, found, at), faults
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"the body is not CSV in UTF-8 ({error})") from error
    finally:
        text.detach()


def _text_frame(numbers: list[int], found: list[list[str]], at: Mapping[str, int]) -> pl.DataFrame:
    columns = list(zip(*found, strict=True)) if found else [()] * (max(at.values()) + 1)
    return pl.DataFrame(
        {
            ROW: pl.Series(numbers, dtype=pl.UInt32),
            **{name: pl.Series(columns[i], dtype=pl.Utf8) for name, i in at.items()},
        }
    )


def _arrow(body: BinaryIO, rows: int) -> Iterator[FixPart]:
    try:
        check_stream_sizes(body, MAX_ROWS)
        with pa.ipc.open_stream(body) as stream:
            _require_columns(stream.schema.names)
            yield from _split_batches(map(_validate_batch, stream), rows)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"the body is not an Arrow IPC stream ({error})") from error


def _validate_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Validate every offset of the batch, because readers rely on them, and return it."""
    wanted = batch.select([name for name in NAMES if name in batch.schema.names])
    for name, column in zip(wanted.schema.names, wanted.columns, strict=True):
        if isinstance(column, pa.DictionaryArray):
            check_text_lengths(column.dictionary, name, MAX_LINE_BYTES)
        check_view_sizes(column)
    wanted.validate(full=True)
    return wanted


def _parquet(body: BinaryIO, rows: int) -> Iterator[FixPart]:
    try:
        file = pq.ParquetFile(body)
        _require_columns(file.schema_arrow.names)
        if file.metadata.num_rows > MAX_ROWS:
            raise InputError(f"the body has {file.metadata.num_rows:,} rows; a batch may have {MAX_ROWS:,}")
        wanted = [name for name in NAMES if name in file.schema_arrow.names]
        _check_chunks(file.metadata)
        leaves = {column.path for column in file.schema}
        # A dictionary keeps a long text once, however many rows name it.
        file = pq.ParquetFile(body, read_dictionary=[name for name in _TEXTS if name in leaves])
        yield from _split_batches(
            map(_validate_batch, file.iter_batches(batch_size=rows, columns=wanted)), rows
        )
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise InputError(f"the body is not Parquet ({error})") from error


def _check_chunks(metadata: pq.FileMetaData) -> None:
    for group in range(metadata.num_row_groups):
        of = metadata.row_group(group)
        for number in range(of.num_columns):
            column = of.column(number)
            if column.path_in_schema in NAMES:
                check_size(
                    column.total_uncompressed_size, f"{column.path_in_schema}: a column of a row group"
                )


def _split_batches(batches: Iterator[pa.RecordBatch], rows: int) -> Iterator[FixPart]:
    start = 1
    for batch in batches:
        if start + batch.num_rows > MAX_ROWS + 1:
            raise InputError(f"the body has more than {MAX_ROWS:,} rows")
        for offset in range(0, batch.num_rows, rows):
            try:
                frame = pl.from_arrow(batch.slice(offset, rows))
                assert isinstance(frame, pl.DataFrame)
                named = frame.with_columns(_ids_as_text(frame["vehicle_id"]))
                typed = named.with_columns(pl.col(pl.Categorical, pl.Enum).cast(pl.Utf8))
                typed = typed.with_row_index(ROW, offset=start)
            except pl.exceptions.PolarsError as error:
                raise InputError(f"a column has a type that cannot be read: {error}") from error
            yield _split_valid_years(typed)
            start += frame.height


def _ids_as_text(ids: pl.Series) -> pl.Series:
    """Convert vehicle ids to text; a number becomes its digits."""
    if ids.dtype == pl.Utf8 or ids.dtype.is_integer() or ids.dtype in (pl.Categorical, pl.Enum, pl.Null):
        return ids.cast(pl.Utf8)
    raise InputError(f"vehicle_id: {ids.dtype} is neither text nor a whole number")


_PER_SECOND = {"ms": 10**3, "us": 10**6, "ns": 10**9}
_YEAR_1, _YEAR_10000 = -62_135_596_800, 253_402_300_800


def _split_valid_years(frame: pl.DataFrame) -> FixPart:
    """Split off rows whose time is not in the years 1 to 9999, where arithmetic would overflow 64 bits."""
    kind = frame["t"].dtype
    if not isinstance(kind, pl.Datetime):
        return frame, []
    seconds = frame["t"].to_physical() // _PER_SECOND[kind.time_unit]
    outside = ((seconds < _YEAR_1) | (seconds >= _YEAR_10000)).fill_null(False)
    if not outside.any():
        return frame, []
    faults = [Fault(int(row), "t", "outside the years 1 to 9999") for row in frame.filter(outside)[ROW]]
    return frame.filter(~outside), faults


def _require_columns(names: list[str]) -> None:
    twice = sorted({name for name in NAMES if names.count(name) > 1})
    if twice:
        raise InputError(f"column(s) named twice: {', '.join(twice)}")
    missing = [name for name in _REQUIRED if name not in names]
    if missing:
        raise MissingColumns(
            f"column(s) missing: {', '.join(missing)}; the body has: {', '.join(names[:50]) or 'none'}"
        )


FIX_READERS: Mapping[str, Callable[[BinaryIO, int], Iterator[FixPart]]] = {
    "application/x-ndjson": _ndjson,
    "application/ndjson": _ndjson,
    "application/jsonl": _ndjson,
    "text/csv": _csv,
    "application/vnd.apache.arrow.stream": _arrow,
    "application/vnd.apache.parquet": _parquet,
    "application/x-parquet": _parquet,
}
"""Reader of each media type."""
