"""Rows of fixes as arrays by vehicle and time, whatever frame they came in: the door of every model of movement."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from spatial_models import kernels as k
from spatial_models.errors import InputFrameError, StateMismatch
from spatial_models.frames import Array, numbers, time_us, to_polars

FIX_COLUMNS = ("vehicle_id", "t", "lon", "lat")
_REASONS = {
    "invalid_vehicle": k.BAD_VEHICLE,
    "invalid_time": k.BAD_TIME,
    "invalid_number": k.BAD_NUMBER,
    "invalid_range": k.BAD_RANGE,
    "invalid_zero": k.BAD_ZERO,
    "late": k.LATE,
    "duplicates": k.DUPLICATE,
}
THREADS = min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
PART_ROWS = 250_000
"""Rows that are worth a thread."""
_NO_IDS = pl.Series("vehicle_id", [], dtype=pl.Null)


def fix_columns(fixes: Any, known: pl.Series) -> tuple[pl.Series, Array, Array, Array, Array]:
    """Vehicle ids (the known ones first), and of each row the vehicle's place in them, time, longitude, latitude.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``.
    known : polars.Series
        Ids that keep their places.

    Returns
    -------
    ids : polars.Series
    code : ndarray of int32
        -1 for a null id.
    t : ndarray of int64
        Microseconds since 1970 UTC.
    lon, lat : ndarray of float64
        NaN for what is null or no number.

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    if (
        isinstance(fixes, pa.Table)
        and "vehicle_id" in fixes.column_names
        and len(set(fixes.column_names)) == len(fixes.column_names)
    ):
        ids, code = _arrow_codes(fixes.column("vehicle_id"), known)
        frame = to_polars(fixes, "fixes", FIX_COLUMNS[1:])
    else:
        frame = to_polars(fixes, "fixes", FIX_COLUMNS)
        ids, code = vehicle_codes(frame["vehicle_id"], known)
    return (
        ids,
        code,
        time_us(frame["t"], "fixes"),
        numbers(frame["lon"], "fixes"),
        numbers(frame["lat"], "fixes"),
    )


def vehicle_codes(given: pl.Series, known: pl.Series) -> tuple[pl.Series, Array]:
    """All vehicle ids, the known ones first, and the row of each given id in them (-1 for null)."""
    if isinstance(given.dtype, pl.Categorical | pl.Enum):
        return _categorical_codes(given, known)
    if given.dtype == pl.Null:
        return (known if len(known) else given.clear()), np.full(len(given), -1, np.int32)
    if not (given.dtype.is_integer() or given.dtype == pl.String):
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
    """The same for categories: only those that occur are turned into text."""
    physical = given.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    first = pl.DataFrame({"id": given, "physical": physical}).unique("physical").drop_nulls("id")
    ids, code = vehicle_codes(first["id"].cast(pl.String), known)
    table = np.full(int(physical.max(initial=-1)) + 2, -1, np.int32)
    table[first["physical"].to_numpy()] = code
    return ids, table[physical]


def _arrow_codes(given: pa.ChunkedArray, known: pl.Series) -> tuple[pl.Series, Array]:
    """The same for an Arrow column: text is encoded where it lies, and a dictionary is taken as it is."""
    kind = given.type.value_type if pa.types.is_dictionary(given.type) else given.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return vehicle_codes(_series(given), known)
    encoded = given if pa.types.is_dictionary(given.type) else given.dictionary_encode()
    chunks = encoded.unify_dictionaries().chunks
    dictionary = chunks[0].dictionary if chunks else pa.array([], kind)
    ids, code_of = vehicle_codes(pl.Series("vehicle_id", dictionary, dtype=pl.String), known)
    parts = [_indices(chunk) for chunk in chunks] or [np.empty(0, np.int32)]
    code = parts[0] if len(parts) == 1 else np.concatenate(parts)
    if np.array_equal(code_of, np.arange(len(code_of))):
        return ids, code
    return ids, np.append(code_of, np.int32(-1))[code]


def _series(column: pa.ChunkedArray) -> pl.Series:
    try:
        return pl.Series("vehicle_id", column)
    except Exception as error:
        raise InputFrameError(f"fixes: column vehicle_id cannot be read: {error}") from error


@dataclass(frozen=True)
class Seen:
    """What is known of vehicles between batches: their ids and the time of the newest fix of each.

    Attributes
    ----------
    vehicle_ids : polars.Series
    last_t : ndarray of int64
        Microseconds since 1970 UTC.
    """

    vehicle_ids: pl.Series
    last_t: Array


NOBODY = Seen(_NO_IDS, np.empty(0, np.int64))


@dataclass(frozen=True)
class OrderedFixes:
    """Usable fixes by vehicle and time.

    Attributes
    ----------
    vehicle_ids : polars.Series
    starts, ends : ndarray of int64, shape (vehicles,)
        Rows of each vehicle: ``start <= row < end``.
    t, lon, lat : ndarray, shape (rows,)
    last_t : ndarray of int64, shape (vehicles,)
        Newest fix of each vehicle before these.
    quality : dict of str to int
        ``rows`` = ``used`` + ``duplicates`` + ``late`` + ``invalid``; see `spatial_models.stays.detect_stays`.
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
    def seen(self) -> Seen:
        """For the next batch."""
        newest = self.last_t.copy()
        some = self.ends > self.starts
        newest[some] = self.t[self.ends[some] - 1]
        return Seen(self.vehicle_ids, newest)


def ordered_fixes(fixes: Any, seen: Seen = NOBODY) -> OrderedFixes:
    """Check, sort and de-duplicate fixes: the first row of a vehicle and time stays.

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    ids, code, t, lon, lat = fix_columns(fixes, seen.vehicle_ids)
    last_t = np.full(len(ids), k.NO_TIME, np.int64)
    last_t[: len(seen.last_t)] = seen.last_t
    starts, t, lon, lat, by_reason = by_vehicle(code, t, lon, lat, 0, last_t)
    counts = np.zeros(8, np.int64)
    ends = k.order_vehicles(starts, t, lon, lat, counts)
    counts[k.C_USED] = (ends - starts[:-1]).sum()
    quality = account(by_reason, counts, len(code))
    for name in ("spikes", "pending", "outliers"):
        del quality[name]
    return OrderedFixes(ids, starts[:-1], ends, t, lon, lat, last_t, quality)


def by_vehicle(
    code: Array, t: Array, lon: Array, lat: Array, n_carried: int, last_t: Array
) -> tuple[Array, Array, Array, Array, Array]:
    """Usable rows by vehicle, in the order in which they came.

    Parameters
    ----------
    n_carried : int
        So many first rows were checked before.
    last_t : ndarray of int64, shape (vehicles,)
        Time of the newest row of each vehicle that was used before.

    Returns
    -------
    starts : ndarray of int64, shape (vehicles + 1,)
    t, lon, lat : ndarray
    by_reason : ndarray of int64
        Rows that cannot be used, by reason (see ``kernels``).
    """
    edges = parts(len(code))
    reason = np.zeros(len(code), np.uint8)
    by_reason = np.zeros((len(edges), 8), np.int64)
    per_vehicle = np.zeros((len(edges), len(last_t)), np.int64)
    in_parallel(
        lambda n, a, b: k.check_rows(
            code, t, lon, lat, a, b, n_carried, last_t, reason, by_reason[n], per_vehicle[n]
        ),
        edges,
    )
    starts = np.zeros(len(last_t) + 1, np.int64)
    np.cumsum(per_vehicle.sum(axis=0), out=starts[1:])
    at = starts[:-1] + np.cumsum(per_vehicle, axis=0) - per_vehicle
    n = int(starts[-1])
    out = np.empty(n, np.int64), np.empty(n), np.empty(n)
    in_parallel(lambda p, a, b: k.gather_rows(code, t, lon, lat, reason, a, b, at[p], *out), edges)
    return starts, *out, by_reason.sum(axis=0)


def parts(n_rows: int) -> list[tuple[int, int]]:
    """Ranges of rows, one a thread; small inputs stay whole."""
    n = min(THREADS, n_rows // PART_ROWS + 1)
    edges = [n_rows * i // n for i in range(n + 1)]
    return list(pairwise(edges))


def in_parallel(work: Callable[[int, int, int], Any], ranges: list[tuple[int, int]]) -> list[Any]:
    """``work(number, begin, end)`` of every range, in threads (compiled loops let go of the interpreter)."""
    if len(ranges) == 1:
        return [work(0, *ranges[0])]
    with ThreadPoolExecutor(len(ranges)) as pool:
        return list(pool.map(work, range(len(ranges)), *zip(*ranges, strict=True)))


def account(by_reason: Array, counts: Array, n_rows: int) -> dict[str, int]:
    """How many rows were given, used, and not used for which reason."""
    by_name = {name: int(by_reason[number]) for name, number in _REASONS.items()}
    by_name["duplicates"] += int(counts[k.C_DUPLICATES])
    by_name["invalid"] = sum(n for name, n in by_name.items() if name.startswith("invalid_"))
    return {
        "rows": n_rows,
        "used": int(counts[k.C_USED]),
        "spikes": int(counts[k.C_SPIKES]),
        "pending": int(counts[k.C_PENDING]),
        "conflicts": int(counts[k.C_CONFLICTS]),
        "out_of_order": int(counts[k.C_OUT_OF_ORDER]),
        "outliers": int(counts[k.C_OUTLIERS]),
        **by_name,
    }
