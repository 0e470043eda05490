"""Partitioning of fixes into Parquet by UTC day and bucket of vehicles, for `run_partitioned`."""

from __future__ import annotations

import json
import zlib
from typing import Any

import fsspec
import numpy as np
import polars as pl

from spatial_models.errors import InputFrameError, ParameterError
from spatial_models.fixes import FIX_COLUMNS, encode_vehicle_ids
from spatial_models.frames import epoch_us, to_polars
from spatial_models.out_of_core.streamed import (
    BATCH_ROWS,
    BulkResult,
    FrameWriter,
    Progress,
    parquet_files,
    read_tables,
)

UNKNOWN_DAY = "0000-00-00"
"""Partition of rows without a usable time, so that they are counted and not dropped."""


def bucket_of(vehicle_ids: pl.Series, buckets: int) -> np.ndarray[Any, Any]:
    """Return the bucket of each vehicle: CRC-32 of its id as text, the same on every machine.

    Examples
    --------
    The published check value of CRC-32, 0xCBF43926:

    >>> bucket_of(pl.Series(["123456789"]), 1000).tolist() == [0xCBF43926 % 1000]
    True
    """
    return np.array([zlib.crc32(str(v).encode()) % buckets for v in vehicle_ids.to_list()], np.int64)


def partition_fixes(
    source: str,
    target: str,
    *,
    buckets: int = 64,
    batch_rows: int = BATCH_ROWS,
    progress: Progress = lambda done, total: None,
) -> int:
    """Write the fixes of Parquet files by UTC day and bucket of vehicles; return the number of rows.

    The same source again replaces its own files; another source adds files beside them.

    Parameters
    ----------
    source, target : str
        Paths, or URLs of any `fsspec` file system.
    buckets : int
        Number of buckets of vehicles, 1 to 100 000; one folder always has the same number.
    batch_rows : int
        Rows in memory at a time.
    progress : callable
        Takes rows done and rows in all.

    Raises
    ------
    InputFrameError, ParameterError
    """
    if not 1 <= buckets <= 100_000:
        raise ParameterError(f"buckets must be 1 to 100000, got {buckets!r}")
    files = parquet_files(source)
    write_bucket_count(target, buckets)
    origin = f"{zlib.crc32('|'.join(file.path for file in files).encode()):08x}"
    total, done = sum(file.rows for file in files), 0
    for number, table in enumerate(read_tables(files, batch_rows, BulkResult())):
        frame = to_polars(table, "fixes", FIX_COLUMNS)
        ids, code = encode_vehicle_ids(frame["vehicle_id"], pl.Series([], dtype=pl.Null))
        bucket = np.append(bucket_of(ids, buckets), 0)[code]
        parts = frame.with_columns(day=_days(frame["t"]), bucket=pl.Series(bucket))
        for (day, part), rows in parts.partition_by("day", "bucket", as_dict=True, include_key=False).items():
            with FrameWriter(
                f"{target}/day={day}/bucket={part:03d}/part-{origin}-{number:06d}.parquet"
            ) as writer:
                writer.write(
                    rows.with_columns(pl.col("vehicle_id").cast(ids.dtype if len(ids) else pl.String))
                )
        done += table.num_rows
        progress(done, total)
    return done


def write_bucket_count(target: str, buckets: int) -> None:
    """Store the number of buckets in the folder.

    Raises
    ------
    ParameterError
        The folder has another number, which would split a vehicle's fixes between two buckets.
    InputFrameError
        The folder cannot be written.
    """
    there = read_bucket_count(target)
    if there not in (None, buckets):
        raise ParameterError(f"{target} is partitioned into {there} buckets, not {buckets!r}")
    if there is None:
        try:
            file_system, path = fsspec.core.url_to_fs(target)
            file_system.makedirs(path, exist_ok=True)
            file_system.pipe_file(f"{path}/partition.json", json.dumps({"buckets": buckets}).encode())
        except (OSError, ValueError, ImportError) as error:
            raise InputFrameError(f"{target}: cannot be written: {error}") from error


def read_bucket_count(folder: str) -> int | None:
    """Return the number of buckets of a folder, None without one.

    Raises
    ------
    InputFrameError
    """
    try:
        file_system, path = fsspec.core.url_to_fs(folder)
        return int(json.loads(file_system.cat_file(f"{path}/partition.json"))["buckets"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, ImportError, KeyError, TypeError) as error:
        raise InputFrameError(f"{folder}/partition.json: cannot be read: {error}") from error


def _days(t: pl.Series) -> pl.Series:
    us = epoch_us(t, "fixes")
    fits = (us > -62_135_596_800_000_000) & (us < 253_402_300_800_000_000)  # years 1 to 9999
    day = pl.Series(np.where(fits, us, 0)).cast(pl.Datetime("us")).dt.strftime("%Y-%m-%d")
    return pl.select(
        pl.when(pl.Series(fits)).then(day).otherwise(pl.lit(UNKNOWN_DAY)).alias("day")
    ).to_series()
