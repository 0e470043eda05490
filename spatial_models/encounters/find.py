"""Encounters: pairs of vehicles that were near each other for some time, at rest or moving together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from spatial_models.encounters import kernels as e
from spatial_models.fixes import THREADS, OrderedFixes, order_fixes, run_in_threads
from spatial_models.frames import Array, utc_times
from spatial_models.parameter_checks import check_between

BEGUN_BY = ("approach", "gap", "track_start")
ENDED_BY = ("apart", "gap", "track_end")
KINDS = ("meeting", "convoy", "mixed")
BLOCK_SAMPLES = 4_000_000
"""Sampled positions in memory at a time, about 60 bytes each."""

MIN_SAMPLES_PER_THREAD = 50_000
"""Least number of sampled positions for another thread."""


@dataclass(frozen=True)
class EncounterResult:
    """Encounters and the count of every row.

    Attributes
    ----------
    encounters : polars.DataFrame
        Sorted by start and vehicles: ``encounter_id``, ``vehicle_a`` < ``vehicle_b``, ``started_at``,
        ``ended_at``, ``begun_by`` (approach, gap, track_start), ``ended_by`` (apart, gap, track_end),
        ``open``, ``duration_s``, ``kind`` (meeting, convoy, mixed), ``rest_s`` (both at rest), ``convoy_s``
        (both moving), ``nearest_m``, ``nearest_at``, ``lon``, ``lat`` (half way between them at that moment),
        ``path_a_m``, ``path_b_m``.
    quality : dict of str to int
        ``rows`` = ``used`` + ``duplicates`` + ``late`` + ``invalid``, as in
        `spatial_models.stays.detect_stays`.
    """

    encounters: pl.DataFrame
    quality: dict[str, int]


def find_encounters(
    fixes: Any,
    *,
    distance_m: float = 50.0,
    min_duration_s: float = 300.0,
    max_gap_s: float = 900.0,
    rest_speed_kmh: float = 3.0,
) -> EncounterResult:
    r"""Find pairs of vehicles that stayed within a distance of each other for some time.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``, in any order.
    distance_m : float
        Greatest distance, metres, included; 1 to 100 000.
    min_duration_s : float
        Least time without interruption, seconds, included; 60 or more.
    max_gap_s : float
        Positions are interpolated only between fixes at most this far apart, seconds; a longer gap of either
        vehicle ends the encounter.
    rest_speed_kmh : float
        A vehicle is at rest while the speed between two fixes is at most this.

    Returns
    -------
    EncounterResult
        ``kind`` is ``meeting`` when both were at rest for ``min_duration_s`` in total, else ``convoy`` when
        both were moving for at least half of the time, else ``mixed``.

    Raises
    ------
    InputFrameError, ParameterError

    Notes
    -----
    On a pair of segments both vehicles move linearly, so the square of their distance is a quadratic in time,

    .. math:: |D + V s|^2 = |V|^2 s^2 + 2 (D \cdot V) s + |D|^2 \le d^2

    and the interval is exact. It is solved in a local plane with one cosine per segment pair, which differs
    from the sphere by less than 1e-6 of the distance up to 60 degrees of latitude and segments of 10 km; do
    not use it beyond 89 degrees. No encounter is missed: one of at least ``min_duration_s`` contains a
    multiple of ``min_duration_s`` in time. Pairs are searched at those moments only, by a hash of (moment,
    cell) with cells at least ``distance_m`` wide, and each pair is followed in both directions. The order of
    rows and the names of vehicles do not change the result.

    Examples
    --------
    >>> import datetime as dt, polars as pl
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> minutes = [t0 + dt.timedelta(minutes=m) for m in range(0, 31, 10)]
    >>> two = pl.DataFrame({"vehicle_id": ["A"] * 4 + ["B"] * 4, "t": minutes * 2, "lat": 32.0,
    ...                     "lon": [120.0] * 4 + [120.1, 120.0, 120.0, 120.1]})
    >>> find_encounters(two).encounters.select("vehicle_a", "vehicle_b", "kind", "nearest_m").row(0)
    ('A', 'B', 'meeting', 0.0)
    >>> find_encounters(two.clear()).encounters.height
    0
    """
    _check(distance_m, min_duration_s, max_gap_s, rest_speed_kmh)
    rows = order_fixes(fixes, reuse_buffers=True)
    order = rows.vehicle_ids.arg_sort().to_numpy()
    starts, ends = rows.starts[order], rows.ends[order]
    some = ends > starts
    order, starts, ends = order[some], starts[some], ends[some]
    step = round(min_duration_s * 1e6)
    numbers = (round(max_gap_s * 1e6), float(distance_m), step, rest_speed_kmh / 3.6e6)
    out_i, out_f = _search(rows, starts, ends, step, numbers) if len(starts) > 1 else _no_encounters()
    ids = rows.vehicle_ids.gather(order)
    return EncounterResult(_frame(out_i, out_f, ids, min_duration_s), rows.quality)


def _check(distance_m: float, min_duration_s: float, max_gap_s: float, rest_speed_kmh: float) -> None:
    check_between("distance_m", distance_m, 1, 1e5)
    check_between("min_duration_s", min_duration_s, 60, 1e8)
    check_between("max_gap_s", max_gap_s, 0, 1e6)
    check_between("rest_speed_kmh", rest_speed_kmh, 0, 1e3)


def _no_encounters() -> tuple[Array, Array]:
    return np.empty((0, 7), np.int64), np.empty((0, 8))


def _search(
    rows: OrderedFixes, starts: Array, ends: Array, step: int, numbers: tuple[int, float, int, float]
) -> tuple[Array, Array]:
    """Search all blocks of moments; report an encounter that lies in two blocks once."""
    fixes = rows.t, rows.lon, rows.lat, starts, ends
    edges = np.array([rows.t[starts].min() // step, rows.t[ends - 1].max() // step + 1])
    n, *samples = e.sample_positions(
        *fixes, step, numbers[0], *edges.tolist(), min(len(rows.t) + 1024, BLOCK_SAMPLES)
    )
    if n <= len(samples[0]):
        halves = _split_samples(samples)
        found = run_in_threads(lambda half: _search_block(halves[half], fixes, numbers), len(halves))
    else:
        some = np.sort(rows.t[:: max(1, len(rows.t) // 1_000_000)])
        at = np.linspace(0, len(some) - 1, min(n // BLOCK_SAMPLES + 2, 4096)).astype(np.int64)
        edges = np.unique(np.concatenate([edges, some[at[1:-1]] // step]))
        blocks = (_sample_block(fixes, step, numbers[0], *ends_of) for ends_of in pairwise(edges.tolist()))
        found = [_search_block(block, fixes, numbers) for block in blocks]
    out_i, out_f = np.concatenate([i for i, _ in found]), np.concatenate([f for _, f in found])
    order = np.lexsort((out_i[:, e.EN_B], out_i[:, e.EN_A], out_i[:, e.EN_START]))
    out_i, out_f = out_i[order], out_f[order]
    if len(found) > 1 and len(out_i):
        key = out_i[:, [e.EN_A, e.EN_B, e.EN_START]]
        fresh = np.append(True, (key[1:] != key[:-1]).any(axis=1))
        out_i, out_f = out_i[fresh], out_f[fresh]
    return out_i, out_f


def _split_samples(samples: list[Array]) -> list[list[Array]]:
    """Split samples at the middle moment, one part per thread; few samples stay whole."""
    if THREADS == 1 or len(samples[0]) < MIN_SAMPLES_PER_THREAD:
        return [samples]
    middle = np.partition(samples[1], len(samples[1]) // 2)[len(samples[1]) // 2]
    before = samples[1] < middle
    return [[part[mask] for part in samples] for mask in (before, ~before)]


def _sample_block(fixes: tuple[Array, ...], step: int, max_gap: int, since: int, until: int) -> list[Array]:
    room = BLOCK_SAMPLES
    while True:
        n, *samples = e.sample_positions(*fixes, step, max_gap, since, until, room)
        if n <= room:
            return samples
        room = n


def _search_block(
    samples: list[Array], fixes: tuple[Array, ...], numbers: tuple[int, float, int, float]
) -> tuple[Array, Array]:
    room = len(samples[0]) // 4 + 1024
    while True:
        out_i, out_f = np.empty((room, 7), np.int64), np.empty((room, 8))
        n = e.find_encounters(*samples, numbers[2], *fixes, *numbers, room, out_i, out_f)
        if n <= room:
            return out_i[:n], out_f[:n]
        room = n


def _frame(out_i: Array, out_f: Array, ids: pl.Series, min_duration_s: float) -> pl.DataFrame:
    duration_s = (out_i[:, e.EN_END] - out_i[:, e.EN_START]) / 1e6
    rest_s, convoy_s = out_f[:, e.EF_REST] / 1e6, out_f[:, e.EF_CONVOY] / 1e6
    kind = np.where(rest_s >= min_duration_s - 1e-5, 0, np.where(convoy_s >= 0.5 * duration_s, 1, 2))
    if ids.dtype == pl.Null:
        ids = ids.cast(pl.String)
    frame = pl.DataFrame(
        {
            "vehicle_a": ids.gather(out_i[:, e.EN_A]),
            "vehicle_b": ids.gather(out_i[:, e.EN_B]),
            "started_at": utc_times(out_i[:, e.EN_START]),
            "ended_at": utc_times(out_i[:, e.EN_END]),
            "begun_by": pl.Series(BEGUN_BY).gather(out_i[:, e.EN_BEGUN]),
            "ended_by": pl.Series(ENDED_BY).gather(out_i[:, e.EN_ENDED]),
            "open": out_i[:, e.EN_ENDED] == e.TRACK_EDGE,
            "duration_s": duration_s,
            "kind": pl.Series(KINDS).gather(kind),
            "rest_s": rest_s,
            "convoy_s": convoy_s,
            "nearest_m": out_f[:, e.EF_NEAREST],
            "nearest_at": utc_times(out_i[:, e.EN_NEAREST_T]),
            "lon": out_f[:, e.EF_LON],
            "lat": out_f[:, e.EF_LAT],
            "path_a_m": out_f[:, e.EF_PATH_A],
            "path_b_m": out_f[:, e.EF_PATH_B],
        }
    )
    start_text = pl.col("started_at").dt.strftime("%Y%m%dT%H%M%S%.6fZ")
    pair = pl.concat_str(
        pl.col("vehicle_a").cast(pl.String), pl.lit("&"), pl.col("vehicle_b").cast(pl.String)
    )
    encounter_id = pl.concat_str(pair, pl.lit("@"), start_text)
    return frame.select(encounter_id.alias("encounter_id"), pl.all())
