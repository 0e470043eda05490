"""Stays of Parquet files larger than memory, row group by row group, with the state carried between batches.

Only this module and `spatial_models.out_of_core.partitioned` read and write files, because such data cannot
be passed as one frame.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import fsspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.fixes import FIX_COLUMNS
from spatial_models.frames import epoch_us, to_polars
from spatial_models.stays import StayState, detect_stays

Progress = Callable[[int, int], None]
BATCH_ROWS = 2_000_000
"""Rows in memory at a time, about 100 bytes each at the peak."""
LATENESS_S = 600.0
"""Greatest delay of a row in a file, seconds; the newest rows wait this long for the next batch."""


@dataclass
class BulkResult:
    """Counts of a streamed run.

    Attributes
    ----------
    stays : int
        Rows written.
    quality : dict of str to int
        Sums over the batches, see `spatial_models.stays.detect_stays`; ``pending`` is the value after the
        last batch.
    files, row_groups : int
    """

    stays: int = 0
    quality: dict[str, int] = field(default_factory=dict)
    files: int = 0
    row_groups: int = 0


def detect_stays_in_files(
    source: str,
    target: str,
    *,
    batch_rows: int = BATCH_ROWS,
    lateness_s: float = LATENESS_S,
    progress: Progress = lambda done, total: None,
    **parameters: Any,
) -> BulkResult:
    """Detect the stays in a Parquet file, or in all Parquet files below a folder, and write them to a file.

    Files are read in the order of their names.

    Parameters
    ----------
    source, target : str
        Paths, or URLs of any `fsspec` file system. The source has ``vehicle_id``, ``t``, ``lon``, ``lat``;
        the rows of a vehicle are in order of time, up to ``lateness_s``. The target is one Parquet file that
        exists only when complete.
    batch_rows : int
        Rows passed to `detect_stays` at a time; it and the number of vehicles bound the memory.
    lateness_s : float
        Greatest delay of a row against newer rows before it, seconds.
    progress : callable
        Takes rows done and rows in total.
    **parameters
        As in `detect_stays`.

    Returns
    -------
    BulkResult

    Raises
    ------
    InputFrameError
        The file does not exist, is no Parquet file, or lacks columns.
    ParameterError
    """
    if not 0 <= lateness_s <= 1e7 or batch_rows < 1:
        raise ParameterError(
            f"lateness_s must be 0 to 1e7 and batch_rows 1 or more, got {lateness_s!r}, {batch_rows!r}"
        )
    files = parquet_files(source)
    result = BulkResult(files=len(files))
    with FrameWriter(target) as writer:
        state: StayState | None = None
        for batch, last in _batches(files, batch_rows, lateness_s, progress, result):
            part = detect_stays(batch, **parameters, state=state, final=last)
            state = part.state
            writer.write(part.stays)
            add_counts(result.quality, part.quality)
    result.stays = writer.rows
    return result


def add_counts(total: dict[str, int], part: dict[str, int]) -> None:
    """Add the counts of a batch; ``pending`` is the current value, not a sum."""
    for name, count in part.items():
        total[name] = count if name == "pending" else total.get(name, 0) + count


@dataclass(frozen=True)
class SourceFile:
    """Parquet file of a file system."""

    file_system: Any
    path: str
    rows: int
    row_groups: int

    def open(self) -> pq.ParquetFile:
        """Open the file; text vehicle ids are read as a dictionary."""
        handle = self.file_system.open(self.path, "rb")
        return pq.ParquetFile(handle, read_dictionary=["vehicle_id"])


def parquet_files(source: str) -> list[SourceFile]:
    """List the Parquet files at a path, sorted by name, and check that they have the columns of fixes.

    Raises
    ------
    InputFrameError
    """
    try:
        file_system, path = fsspec.core.url_to_fs(source)
        if file_system.isdir(path):
            paths = sorted(p for p in file_system.find(path) if p.endswith(".parquet"))
        else:
            paths = [path] if file_system.exists(path) else []
    except (OSError, ValueError, ImportError) as error:
        raise InputFrameError(f"{source}: cannot be read: {error}") from error
    if not paths:
        raise InputFrameError(f"{source}: no Parquet file there")
    return [_checked(file_system, one) for one in paths]


def _checked(file_system: Any, path: str) -> SourceFile:
    try:
        with file_system.open(path, "rb") as handle:
            file = pq.ParquetFile(handle)
            names = file.schema_arrow.names
            rows, groups = file.metadata.num_rows, file.metadata.num_row_groups
    except (OSError, pa.ArrowException) as error:
        raise InputFrameError(f"{path}: is no Parquet file: {error}") from error
    if missing := [name for name in FIX_COLUMNS if name not in names]:
        raise InputFrameError(f"{path}: column {', '.join(missing)} missing")
    return SourceFile(file_system, path, rows, groups)


def read_tables(files: list[SourceFile], batch_rows: int, result: BulkResult) -> Iterator[pa.Table]:
    """Yield the row groups of all files; large ones are split, small ones joined."""
    waiting: list[pa.Table] = []
    for file in files:
        reader = file.open()
        result.row_groups += file.row_groups
        try:
            for batch in reader.iter_batches(batch_size=batch_rows, columns=list(FIX_COLUMNS)):
                table = pa.Table.from_batches([batch])
                if waiting and waiting[0].schema != table.schema:
                    yield pa.concat_tables(waiting)
                    waiting = []
                waiting.append(table)
                if sum(t.num_rows for t in waiting) >= batch_rows:
                    yield pa.concat_tables(waiting)
                    waiting = []
        except (OSError, pa.ArrowException) as error:
            raise InputFrameError(f"{file.path}: cannot be read: {error}") from error
        finally:
            reader.close(force=True)
    if waiting:
        yield pa.concat_tables(waiting)


def _batches(
    files: list[SourceFile], batch_rows: int, lateness_s: float, progress: Progress, result: BulkResult
) -> Iterator[tuple[pa.Table, bool]]:
    """Yield batches; the newest rows of each wait for the next batch, in case older rows follow."""
    total, done = sum(file.rows for file in files), 0
    held: pa.Table | None = None
    for table in read_tables(files, batch_rows, result):
        done += table.num_rows
        if held is not None:
            table = pa.concat_tables([held, table], promote_options="permissive")
        batch, held = _hold_back(table, lateness_s)
        yield batch, False
        progress(done, total)
    empty = pa.table({name: pa.array([], kind) for name, kind in _schema(files).items()})
    yield held if held is not None else empty, True


def _schema(files: list[SourceFile]) -> dict[str, pa.DataType]:
    reader = files[0].open()
    try:
        schema = reader.schema_arrow
        return {name: schema.field(name).type for name in FIX_COLUMNS}
    finally:
        reader.close(force=True)


def _hold_back(table: pa.Table, lateness_s: float) -> tuple[pa.Table, pa.Table]:
    """Split a table into the rows to use now and the rows of the last ``lateness_s``."""
    if lateness_s == 0 or table.num_rows == 0:
        return table, table.slice(0, 0)
    t = epoch_us(to_polars(table.select(["t"]), "fixes", ("t",))["t"], "fixes")
    # a clock in the far future would hold back nothing else
    waits = t > np.quantile(t[:: max(1, len(t) // 10_000)], 0.999) - lateness_s * 1e6
    first = int(waits.argmax()) if waits.any() else len(waits)
    tail, waits = table.slice(first), pa.array(waits[first:])
    return pa.concat_tables([table.slice(0, first), tail.filter(pc.invert(waits))]), tail.filter(waits)


class FrameWriter:
    """Writer of frames into one Parquet file that exists only when it is complete.

    A local file is written under a temporary name and moved; an object store shows an object only after it is
    closed.
    """

    def __init__(self, target: str) -> None:
        self.rows = 0
        self._writer: pq.ParquetWriter | None = None
        try:
            self._fs, self._path = fsspec.core.url_to_fs(target)
            folder = str(PurePosixPath(self._path).parent)
            self._fs.makedirs(folder, exist_ok=True)
            self._partial = f"{folder}/.{PurePosixPath(self._path).name}.{uuid.uuid4().hex[:8]}.partial"
            self._handle = self._fs.open(self._partial, "wb")
        except (OSError, ValueError, ImportError) as error:
            raise InputFrameError(f"{target}: cannot be written: {error}") from error

    def __enter__(self) -> FrameWriter:
        return self

    def write(self, frame: pl.DataFrame) -> None:
        """Append rows."""
        table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
        if self._writer is None:
            self._empty = table.slice(0, 0)
            if table.num_rows == 0:
                return
            self._writer = pq.ParquetWriter(self._handle, table.schema, compression="zstd")
        if table.num_rows:
            self._writer.write_table(table.cast(self._writer.schema))
            self.rows += table.num_rows

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None and self._writer is None:
            self._writer = pq.ParquetWriter(self._handle, self._empty.schema, compression="zstd")
        if self._writer is not None:
            self._writer.close()
        self._handle.close()
        if kind is None:
            self._fs.mv(self._partial, self._path)
        else:
            self._fs.rm(self._partial)
