"""Fixes as arrays sorted by vehicle and time; every model of movement reads its input here."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from spatial_models.errors import InputFrameError, StateMismatch
from spatial_models.fixes import cleaning_kernels as cleaning
from spatial_models.fixes import row_layout as layout
from spatial_models.frames import Array, epoch_us, float_column, to_polars

FIX_COLUMNS = ("vehicle_id", "t", "lon", "lat")
_REASONS = {
    "invalid_vehicle": layout.BAD_VEHICLE,
    "invalid_time": layout.BAD_TIME,
    "invalid_number": layout.BAD_NUMBER,
    "invalid_range": layout.BAD_RANGE,
    "invalid_zero": layout.BAD_ZERO,
    "late": layout.LATE,
    "duplicates": layout.DUPLICATE,
}
THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
MIN_ROWS_PER_THREAD = 250_000
"""Least number of rows for another thread."""
MAX_BUFFER_ROWS = 5_000_000
"""Greatest number of rows, 24 bytes each, whose arrays a thread reuses between calls."""
_thread_local = threading.local()
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_TOO_WIDE = (pl.Int128, pl.UInt128)
_NO_IDS = pl.Series("vehicle_id", [], dtype=pl.Null)


@dataclass(frozen=True)
class FixChunk:
    """Rows of fixes in their input order: a chunk of an Arrow table, or a whole frame.

    Attributes
    ----------
    code : ndarray of int32
        Number of the vehicle: its row among the ids; -1 for a null id.
    t : ndarray of int64
        Time since 1970 UTC, in units of ``us_per_unit`` microseconds.
    us_per_unit : int
    lon, lat : ndarray of float64
        WGS 84 degrees; NaN for null and for values that are no numbers.
    """

    code: Array
    t: Array
    us_per_unit: int
    lon: Array
    lat: Array

    def __post_init__(self) -> None:
        for array in (self.code, self.t, self.lon, self.lat):
            array.setflags(write=False)  # one compiled loop for all


def read_fix_columns(fixes: Any, known: pl.Series) -> tuple[pl.Series, list[FixChunk]]:
    """Read vehicle ids and chunks of rows from a frame of fixes.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``.
    known : polars.Series
        Ids that keep their numbers.

    Returns
    -------
    vehicle_ids : polars.Series
        The known ids first, then new ones.
    chunks : list of FixChunk

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    if isinstance(fixes, pa.Table) and all(fixes.column_names.count(name) == 1 for name in FIX_COLUMNS):
        ids, codes = _arrow_codes(fixes.column("vehicle_id"), known)
        if (chunks := _arrow_chunks(fixes, codes)) is not None:
            return ids, chunks
        code = np.concatenate([np.empty(0, np.int32), *codes])
        frame = to_polars(fixes, "fixes", FIX_COLUMNS[1:])
    else:
        frame = to_polars(fixes, "fixes", FIX_COLUMNS)
        ids, code = encode_vehicle_ids(frame["vehicle_id"], known)
    t, lon, lat = (
        epoch_us(frame["t"], "fixes"),
        float_column(frame["lon"], "fixes"),
        float_column(frame["lat"], "fixes"),
    )
    return ids, [FixChunk(code, t, 1, lon, lat)]


def _arrow_chunks(table: pa.Table, codes: list[Array]) -> list[FixChunk] | None:
    """Return the chunks of an Arrow table without a copy; None when a column needs a conversion."""
    t, lon, lat = (table.column(name) for name in FIX_COLUMNS[1:])
    plain = pa.types.is_timestamp(t.type) and t.type.tz is not None and t.type.unit in _UNITS
    if (
        not plain
        or lon.type != pa.float64()
        or lat.type != pa.float64()
        or any(c.null_count for c in (t, lon, lat))
    ):
        return None
    if (
        not [len(c) for c in codes]
        == [len(c) for c in t.chunks]
        == [len(c) for c in lon.chunks]
        == [len(c) for c in lat.chunks]
    ):
        return None
    us = _UNITS[t.type.unit]
    return [
        FixChunk(code, at.cast(pa.int64()).to_numpy(), us, x.to_numpy(), y.to_numpy())
        for code, at, x, y in zip(codes, t.chunks, lon.chunks, lat.chunks, strict=True)
    ]


def encode_vehicle_ids(given: pl.Series, known: pl.Series) -> tuple[pl.Series, Array]:
    """Encode vehicle ids as numbers: return all ids, the known ones first, and the number of each given id.

    Parameters
    ----------
    given : polars.Series
        Ids as text, categories or integers.
    known : polars.Series
        Ids that keep their numbers.

    Returns
    -------
    vehicle_ids : polars.Series
    codes : ndarray of int32
        -1 for a null id.

    Raises
    ------
    InputFrameError, StateMismatch
    """
    if isinstance(given.dtype, pl.Categorical | pl.Enum):
        return _categorical_codes(given, known)
    if given.dtype == pl.Null:
        return (known if len(known) else given.clear()), np.full(len(given), -1, np.int32)
    if not (given.dtype == pl.String or (given.dtype.is_integer() and given.dtype not in _TOO_WIDE)):
        raise InputFrameError(f"fixes: column vehicle_id holds {given.dtype}, not text or integers")
    if known.dtype == pl.Null:
        known = known.cast(given.dtype)
    if known.dtype != given.dtype:
        raise StateMismatch(f"the state has vehicle ids of {known.dtype}, the fixes of {given.dtype}")
    table = (
        pl.concat([known.alias("id"), given.alias("id")])
        .rechunk()
        .to_arrow(compat_level=pl.CompatLevel.oldest())
    )
    encoded = table.dictionary_encode()
    ids = pl.Series("vehicle_id", encoded.dictionary)
    return ids.cast(given.dtype), _indices(encoded)[len(known) :]


def _indices(encoded: Any) -> Array:
    indices = encoded.indices
    if indices.null_count:
        indices = indices.fill_null(-1)
    whole: Array = indices.to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    return whole


def _categorical_codes(given: pl.Series, known: pl.Series) -> tuple[pl.Series, Array]:
    """Encode the vehicle ids of a categorical column; only categories that occur become text."""
    physical = given.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    first = pl.DataFrame({"id": given, "physical": physical}).unique("physical").drop_nulls("id")
    ids, code = encode_vehicle_ids(first["id"].cast(pl.String), known)
    table = np.full(int(physical.max(initial=-1)) + 2, -1, np.int32)
    table[first["physical"].to_numpy()] = code
    return ids, table[physical]


def _arrow_codes(given: pa.ChunkedArray, known: pl.Series) -> tuple[pl.Series, list[Array]]:
    """Encode the vehicle ids of an Arrow column by chunk, without a copy of text or dictionaries."""
    kind = given.type.value_type if pa.types.is_dictionary(given.type) else given.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        ids, code = encode_vehicle_ids(_series(given), known)
        edges = np.cumsum([0, *(len(chunk) for chunk in given.chunks)])
        return ids, [code[a:b] for a, b in pairwise(edges)]
    encoded = given if pa.types.is_dictionary(given.type) else given.dictionary_encode()
    chunks = encoded.unify_dictionaries().chunks
    dictionary = chunks[0].dictionary if chunks else pa.array([], kind)
    ids, code_of = encode_vehicle_ids(pl.Series("vehicle_id", dictionary, dtype=pl.String), known)
    codes = [_indices(chunk) for chunk in chunks]
    if np.array_equal(code_of, np.arange(len(code_of))):
        return ids, codes
    table = np.append(code_of, np.int32(-1))
    return ids, [table[code] for code in codes]


def _series(column: pa.ChunkedArray) -> pl.Series:
    try:
        return pl.Series("vehicle_id", column)
    except Exception as error:
        raise InputFrameError(f"fixes: column vehicle_id cannot be read: {error}") from error


@dataclass(frozen=True)
class LastFixes:
    """Vehicle ids and the time of each vehicle's newest fix, carried from batch to batch.

    Attributes
    ----------
    vehicle_ids : polars.Series
    last_t : ndarray of int64
        Microseconds since 1970 UTC.
    """

    vehicle_ids: pl.Series
    last_t: Array


NO_LAST_FIXES = LastFixes(_NO_IDS, np.empty(0, np.int64))


@dataclass(frozen=True)
class OrderedFixes:
    """Usable fixes sorted by vehicle and time.

    Attributes
    ----------
    vehicle_ids : polars.Series
    starts, ends : ndarray of int64, shape (vehicles,)
        Rows of each vehicle: ``start <= row < end``.
    t : ndarray of int64, shape (rows,)
        Microseconds since 1970 UTC.
    lon, lat : ndarray of float64, shape (rows,)
        WGS 84 degrees.
    last_t : ndarray of int64, shape (vehicles,)
        Time of the newest fix of each vehicle before these rows, microseconds.
    quality : dict of str to int
        ``rows`` = ``used`` + ``duplicates`` + ``late`` + ``invalid``; see
        `spatial_models.stays.detect_stays`.
    """

    vehicle_ids: pl.Series
    starts: Array
    ends: Array
    t: Array
    lon: Array
    lat: Array
    last_t: Array
    quality: dict[str, int]

    @property
    def last_fixes(self) -> LastFixes:
        """Newest fix of each vehicle, for the next batch."""
        newest = self.last_t.copy()
        some = self.ends > self.starts
        newest[some] = self.t[self.ends[some] - 1]
        return LastFixes(self.vehicle_ids, newest)


def order_fixes(
    fixes: Any, before: LastFixes = NO_LAST_FIXES, *, reuse_buffers: bool = False
) -> OrderedFixes:
    """Check, sort and de-duplicate fixes; of one vehicle and time the first row is kept.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``.
    before : LastFixes
        Of the batch before; older rows are counted as late.
    reuse_buffers : bool
        See `group_by_vehicle`.

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    ids, chunks = read_fix_columns(fixes, before.vehicle_ids)
    last_t = np.full(len(ids), layout.NO_TIME, np.int64)
    last_t[: len(before.last_t)] = before.last_t
    starts, t, lon, lat, by_reason = group_by_vehicle(chunks, last_t, reuse_buffers=reuse_buffers)
    counts = np.zeros(8, np.int64)
    ends = cleaning.order_vehicles(starts, t, lon, lat, counts)
    counts[layout.C_USED] = (ends - starts[:-1]).sum()
    quality = count_rows(by_reason, counts, sum(len(chunk.code) for chunk in chunks))
    for name in ("spikes", "pending", "outliers"):
        del quality[name]
    return OrderedFixes(ids, starts[:-1], ends, t, lon, lat, last_t, quality)


def group_by_vehicle(
    chunks: list[FixChunk], last_t: Array, carried: FixChunk | None = None, *, reuse_buffers: bool = False
) -> tuple[Array, Array, Array, Array, Array]:
    """Group the usable rows by vehicle, in their input order.

    Parameters
    ----------
    chunks : list of FixChunk
    last_t : ndarray of int64, shape (vehicles,)
        Time of the newest row of each vehicle that was used before, microseconds.
    carried : FixChunk or None
        Rows of an earlier batch, checked and counted there; they come first.
    reuse_buffers : bool
        Write into arrays that this thread reuses: they are valid until its next call. A new allocation would
        cost more than the sorting.

    Returns
    -------
    starts : ndarray of int64, shape (vehicles + 1,)
    t, lon, lat : ndarray
    by_reason : ndarray of int64
        Count of rows by reason (codes of `spatial_models.fixes.row_layout`).
    """
    groups = _groups(chunks)
    reasons = [[np.empty(b - a, np.uint8) for _, a, b in group] for group in groups]
    n_vehicles = len(last_t)
    by_reason = np.zeros((len(groups) + 1, 8), np.int64)
    per_vehicle = np.zeros((len(groups) + 1, n_vehicles), np.int64)

    def check(n: int) -> None:
        counts = by_reason[n + 1], per_vehicle[n + 1]
        for (chunk, a, b), reason in zip(groups[n], reasons[n], strict=True):
            cleaning.check_rows(
                chunk.code, chunk.t, chunk.us_per_unit, chunk.lon, chunk.lat, a, b, last_t, reason, *counts
            )

    run_in_threads(check, len(groups))
    if carried is not None:
        per_vehicle[0] = np.bincount(carried.code, minlength=n_vehicles)
    starts = np.zeros(n_vehicles + 1, np.int64)
    np.cumsum(per_vehicle.sum(axis=0), out=starts[1:])
    at = starts[:-1] + np.cumsum(per_vehicle, axis=0) - per_vehicle
    out = _thread_buffers(int(starts[-1])) if reuse_buffers else _new_arrays(int(starts[-1]))

    def gather(n: int) -> None:
        for (chunk, a, b), reason in zip(groups[n], reasons[n], strict=True):
            cleaning.gather_rows(
                chunk.code, chunk.t, chunk.us_per_unit, chunk.lon, chunk.lat, a, b, reason, at[n + 1], *out
            )

    if carried is not None:
        n = len(carried.code)
        kept = np.full(n, layout.KEEP, np.uint8)
        cleaning.gather_rows(
            carried.code, carried.t, carried.us_per_unit, carried.lon, carried.lat, 0, n, kept, at[0], *out
        )
    run_in_threads(gather, len(groups))
    return starts, *out, by_reason.sum(axis=0)


def _new_arrays(n_rows: int) -> tuple[Array, Array, Array]:
    return np.empty(n_rows, np.int64), np.empty(n_rows), np.empty(n_rows)


def _thread_buffers(n_rows: int) -> tuple[Array, Array, Array]:
    """Return arrays that this thread reuses in its next call; very large ones are not reused."""
    if n_rows > MAX_BUFFER_ROWS:
        return _new_arrays(n_rows)
    kept: tuple[Array, Array, Array] | None = getattr(_thread_local, "arrays", None)
    if kept is None or len(kept[0]) < n_rows:
        kept = _thread_local.arrays = _new_arrays(n_rows)
    return kept[0][:n_rows], kept[1][:n_rows], kept[2][:n_rows]


def _groups(chunks: list[FixChunk]) -> list[list[tuple[FixChunk, int, int]]]:
    """Divide the rows, in their order, into one group of about equal size per thread."""
    edges = np.cumsum([0, *(len(chunk.code) for chunk in chunks)])
    groups = []
    for begin, end in split_rows(int(edges[-1])):
        spans = [
            (chunk, max(begin, first) - first, min(end, last) - first)
            for chunk, first, last in zip(chunks, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        ]
        groups.append([(chunk, a, b) for chunk, a, b in spans if a < b])
    return groups


def split_rows(n_rows: int) -> list[tuple[int, int]]:
    """Divide rows into one range ``(begin, end)`` per thread; a small input stays whole."""
    n = min(THREADS, n_rows // MIN_ROWS_PER_THREAD + 1)
    edges = [n_rows * i // n for i in range(n + 1)]
    return list(pairwise(edges))


def run_in_threads(work: Callable[[int], Any], n: int) -> list[Any]:
    """Call ``work`` with 0 to n - 1 in threads (compiled loops release the interpreter lock)."""
    if n <= 1 or THREADS == 1:
        return [work(number) for number in range(n)]
    with ThreadPoolExecutor(min(n, THREADS)) as pool:
        return list(pool.map(work, range(n)))


def count_rows(by_reason: Array, counts: Array, n_rows: int) -> dict[str, int]:
    """Count the rows that were given, that were used, and that were not used by reason."""
    by_name = {name: int(by_reason[number]) for name, number in _REASONS.items()}
    by_name["duplicates"] += int(counts[layout.C_DUPLICATES])
    by_name["invalid"] = sum(n for name, n in by_name.items() if name.startswith("invalid_"))
    return {
        "rows": n_rows,
        "used": int(counts[layout.C_USED]),
        "spikes": int(counts[layout.C_SPIKES]),
        "pending": int(counts[layout.C_PENDING]),
        "conflicts": int(counts[layout.C_CONFLICTS]),
        "out_of_order": int(counts[layout.C_OUT_OF_ORDER]),
        "outliers": int(counts[layout.C_OUTLIERS]),
        **by_name,
    }
