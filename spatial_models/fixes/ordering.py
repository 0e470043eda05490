"""Rows of fixes as arrays by vehicle and time, whatever frame they came in: the door of every model of movement."""

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
from spatial_models.frames import Array, numbers, time_us, to_polars

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
PART_ROWS = 250_000
"""Rows that are worth a thread."""
LENT_ROWS = 5_000_000
"""Rows whose arrays a thread keeps between calls, 24 bytes each."""
_own = threading.local()
_UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1}
_TOO_WIDE = (pl.Int128, pl.UInt128)
_NO_IDS = pl.Series("vehicle_id", [], dtype=pl.Null)


@dataclass(frozen=True)
class Piece:
    """Rows as they were given: a chunk of an Arrow table, or a whole frame.

    Attributes
    ----------
    code : ndarray of int32
        Place of the vehicle among the ids; -1 for a null id.
    t : ndarray of int64
        Units since 1970 UTC.
    us : int
        Microseconds of a unit.
    lon, lat : ndarray of float64
        NaN for what is null or no number.
    """

    code: Array
    t: Array
    us: int
    lon: Array
    lat: Array

    def __post_init__(self) -> None:
        for array in (self.code, self.t, self.lon, self.lat):
            array.setflags(write=False)  # one compiled loop for all


def fix_columns(fixes: Any, known: pl.Series) -> tuple[pl.Series, list[Piece]]:
    """Vehicle ids (the known ones first), and the rows.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``.
    known : polars.Series
        Ids that keep their places.

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    if isinstance(fixes, pa.Table) and all(fixes.column_names.count(name) == 1 for name in FIX_COLUMNS):
        ids, codes = _arrow_codes(fixes.column("vehicle_id"), known)
        if (pieces := _arrow_pieces(fixes, codes)) is not None:
            return ids, pieces
        code = np.concatenate([np.empty(0, np.int32), *codes])
        frame = to_polars(fixes, "fixes", FIX_COLUMNS[1:])
    else:
        frame = to_polars(fixes, "fixes", FIX_COLUMNS)
        ids, code = vehicle_codes(frame["vehicle_id"], known)
    t, lon, lat = time_us(frame["t"], "fixes"), numbers(frame["lon"], "fixes"), numbers(frame["lat"], "fixes")
    return ids, [Piece(code, t, 1, lon, lat)]


def _arrow_pieces(table: pa.Table, codes: list[Array]) -> list[Piece] | None:
    """Chunks of an Arrow table where they lie; None when a column needs a conversion."""
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
        Piece(code, at.cast(pa.int64()).to_numpy(), us, x.to_numpy(), y.to_numpy())
        for code, at, x, y in zip(codes, t.chunks, lon.chunks, lat.chunks, strict=True)
    ]


def vehicle_codes(given: pl.Series, known: pl.Series) -> tuple[pl.Series, Array]:
    """All vehicle ids, the known ones first, and the row of each given id in them (-1 for null)."""
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
    """The same for categories: only those that occur are turned into text."""
    physical = given.to_physical().cast(pl.Int64).fill_null(-1).to_numpy()
    first = pl.DataFrame({"id": given, "physical": physical}).unique("physical").drop_nulls("id")
    ids, code = vehicle_codes(first["id"].cast(pl.String), known)
    table = np.full(int(physical.max(initial=-1)) + 2, -1, np.int32)
    table[first["physical"].to_numpy()] = code
    return ids, table[physical]


def _arrow_codes(given: pa.ChunkedArray, known: pl.Series) -> tuple[pl.Series, list[Array]]:
    """The same for an Arrow column, by chunk: text is encoded where it lies, a dictionary is taken as it is."""
    kind = given.type.value_type if pa.types.is_dictionary(given.type) else given.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        ids, code = vehicle_codes(_series(given), known)
        edges = np.cumsum([0, *(len(chunk) for chunk in given.chunks)])
        return ids, [code[a:b] for a, b in pairwise(edges)]
    encoded = given if pa.types.is_dictionary(given.type) else given.dictionary_encode()
    chunks = encoded.unify_dictionaries().chunks
    dictionary = chunks[0].dictionary if chunks else pa.array([], kind)
    ids, code_of = vehicle_codes(pl.Series("vehicle_id", dictionary, dtype=pl.String), known)
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


def ordered_fixes(fixes: Any, seen: Seen = NOBODY, *, lent: bool = False) -> OrderedFixes:
    """Check, sort and de-duplicate fixes: the first row of a vehicle and time stays.

    ``lent``: see `by_vehicle`.

    Raises
    ------
    InputFrameError, NaiveTimeError, StateMismatch
    """
    ids, pieces = fix_columns(fixes, seen.vehicle_ids)
    last_t = np.full(len(ids), layout.NO_TIME, np.int64)
    last_t[: len(seen.last_t)] = seen.last_t
    starts, t, lon, lat, by_reason = by_vehicle(pieces, last_t, lent=lent)
    counts = np.zeros(8, np.int64)
    ends = cleaning.order_vehicles(starts, t, lon, lat, counts)
    counts[layout.C_USED] = (ends - starts[:-1]).sum()
    quality = account(by_reason, counts, sum(len(piece.code) for piece in pieces))
    for name in ("spikes", "pending", "outliers"):
        del quality[name]
    return OrderedFixes(ids, starts[:-1], ends, t, lon, lat, last_t, quality)


def by_vehicle(
    pieces: list[Piece], last_t: Array, carried: Piece | None = None, *, lent: bool = False
) -> tuple[Array, Array, Array, Array, Array]:
    """Usable rows by vehicle, in the order in which they came.

    Parameters
    ----------
    pieces : list of Piece
    last_t : ndarray of int64, shape (vehicles,)
        Time of the newest row of each vehicle that was used before.
    carried : Piece or None
        Rows of an earlier batch, which were checked and counted then; they come first.
    lent : bool
        True: the arrays are this thread's and hold until its next call. Fresh memory costs more than the sorting.

    Returns
    -------
    starts : ndarray of int64, shape (vehicles + 1,)
    t, lon, lat : ndarray
    by_reason : ndarray of int64
        Rows that cannot be used, by reason (see ``kernels``).
    """
    groups = _groups(pieces)
    reasons = [[np.empty(b - a, np.uint8) for _, a, b in group] for group in groups]
    n_vehicles = len(last_t)
    by_reason = np.zeros((len(groups) + 1, 8), np.int64)
    per_vehicle = np.zeros((len(groups) + 1, n_vehicles), np.int64)

    def check(n: int) -> None:
        counts = by_reason[n + 1], per_vehicle[n + 1]
        for (piece, a, b), reason in zip(groups[n], reasons[n], strict=True):
            cleaning.check_rows(
                piece.code, piece.t, piece.us, piece.lon, piece.lat, a, b, last_t, reason, *counts
            )

    in_parallel(check, len(groups))
    if carried is not None:
        per_vehicle[0] = np.bincount(carried.code, minlength=n_vehicles)
    starts = np.zeros(n_vehicles + 1, np.int64)
    np.cumsum(per_vehicle.sum(axis=0), out=starts[1:])
    at = starts[:-1] + np.cumsum(per_vehicle, axis=0) - per_vehicle
    out = _lent_arrays(int(starts[-1])) if lent else _new_arrays(int(starts[-1]))

    def gather(n: int) -> None:
        for (piece, a, b), reason in zip(groups[n], reasons[n], strict=True):
            cleaning.gather_rows(
                piece.code, piece.t, piece.us, piece.lon, piece.lat, a, b, reason, at[n + 1], *out
            )

    if carried is not None:
        n = len(carried.code)
        kept = np.full(n, layout.KEEP, np.uint8)
        cleaning.gather_rows(
            carried.code, carried.t, carried.us, carried.lon, carried.lat, 0, n, kept, at[0], *out
        )
    in_parallel(gather, len(groups))
    return starts, *out, by_reason.sum(axis=0)


def _new_arrays(n_rows: int) -> tuple[Array, Array, Array]:
    return np.empty(n_rows, np.int64), np.empty(n_rows), np.empty(n_rows)


def _lent_arrays(n_rows: int) -> tuple[Array, Array, Array]:
    """Arrays that this thread keeps for its next call; very large ones are not kept."""
    if n_rows > LENT_ROWS:
        return _new_arrays(n_rows)
    kept: tuple[Array, Array, Array] | None = getattr(_own, "arrays", None)
    if kept is None or len(kept[0]) < n_rows:
        kept = _own.arrays = _new_arrays(n_rows)
    return kept[0][:n_rows], kept[1][:n_rows], kept[2][:n_rows]


def _groups(pieces: list[Piece]) -> list[list[tuple[Piece, int, int]]]:
    """Rows in as many groups as threads, in their order, about equally large."""
    edges = np.cumsum([0, *(len(piece.code) for piece in pieces)])
    groups = []
    for begin, end in parts(int(edges[-1])):
        spans = [
            (piece, max(begin, first) - first, min(end, last) - first)
            for piece, first, last in zip(pieces, edges[:-1].tolist(), edges[1:].tolist(), strict=True)
        ]
        groups.append([(piece, a, b) for piece, a, b in spans if a < b])
    return groups


def parts(n_rows: int) -> list[tuple[int, int]]:
    """Ranges of rows, one a thread; small inputs stay whole."""
    n = min(THREADS, n_rows // PART_ROWS + 1)
    edges = [n_rows * i // n for i in range(n + 1)]
    return list(pairwise(edges))


def in_parallel(work: Callable[[int], Any], n: int) -> list[Any]:
    """``work`` of 0..n, in threads (compiled loops let go of the interpreter)."""
    if n <= 1 or THREADS == 1:
        return [work(number) for number in range(n)]
    with ThreadPoolExecutor(min(n, THREADS)) as pool:
        return list(pool.map(work, range(n)))


def account(by_reason: Array, counts: Array, n_rows: int) -> dict[str, int]:
    """How many rows were given, used, and not used for which reason."""
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
