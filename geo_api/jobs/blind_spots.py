"""Blind spots: what a run cannot see, by family of evidence, told before a run and stored with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import polars as pl
from sqlalchemy.orm import Session

from geo_api.jobs.moments import newest_moment
from layers.local_time import local_zone
from layers.records import tracks
from layers.runs import Coverage, read_coverage

LEAST_FIXES = 10
"""Fixes of a vehicle from which its sampling is known."""
METER_BLIND = ("no_data", "no_baseline", "no_closure_date")
"""States of a meter that say nothing about use."""


@dataclass(frozen=True)
class BlindSpot:
    """Something that a run cannot see.

    Attributes
    ----------
    family : str
        ``vehicles``, ``meters`` or ``sites``.
    code : str
        ``no_tracks``, ``no_hazmat_list``, ``sampling``, ``no_readings``, ``few_readings``, ``not_judged``,
        ``no_hazard``, ``no_closure_date``, ``no_case_possible``.
    is_whole : bool
        Whether the whole family is blind.
    n, of : int
        How many vehicles or sites of how many.
    zh, en : str
        What a person reads.
    """

    family: str
    code: str
    is_whole: bool
    n: int
    of: int
    zh: str
    en: str

    def as_json(self) -> dict[str, object]:
        """Return it as plain values."""
        return asdict(self)


def sampling_gaps_s(fixes: pl.DataFrame) -> pl.DataFrame:
    """Return the median time between two fixes of each vehicle that has ``LEAST_FIXES`` or more.

    Parameters
    ----------
    fixes : polars.DataFrame
        ``vehicle_id``, ``t``.

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``gap_s``.

    Examples
    --------
    >>> import datetime as dt
    >>> at = [dt.datetime(2026, 1, 1, tzinfo=dt.UTC) + n * dt.timedelta(minutes=16) for n in range(10)]
    >>> sampling_gaps_s(pl.DataFrame({"vehicle_id": 1, "t": at})).rows()
    [(1, 960.0)]
    """
    seconds = pl.col("t").sort().diff().dt.total_microseconds().median() / 1e6
    return (
        fixes.group_by("vehicle_id")
        .agg(gap_s=seconds, n=pl.len())
        .filter(pl.col("n") >= LEAST_FIXES)
        .select("vehicle_id", "gap_s")
        .sort("vehicle_id")
    )


def blind_spots(
    coverage: Coverage, gaps: pl.DataFrame, *, max_gap_s: float, signals: pl.DataFrame | None = None
) -> list[BlindSpot]:
    """Return what a run cannot see, vehicles first.

    Parameters
    ----------
    gaps : polars.DataFrame
        Of :func:`sampling_gaps_s`.
    max_gap_s : float
        Longest time between two fixes of a stay, seconds.
    signals : polars.DataFrame or None
        Of `spatial_models.suspicion.use_after_closure`; None: before a run.
    """
    found = [*_of_vehicles(coverage, gaps, max_gap_s), *_of_meters(coverage, signals), *_of_sites(coverage)]
    blind = [spot.family for spot in found if spot.is_whole and spot.family != "sites"]
    if blind:
        zh = "、".join({"vehicles": "车辆", "meters": "水电"}[family] for family in dict.fromkeys(blind))
        en = " and ".join(dict.fromkeys(blind))
        found.append(
            BlindSpot(
                blind[0], "no_case_possible", True, coverage.looked_at, coverage.looked_at,
                f"{zh}无法判断：单一来源的线索最高为“关注”，不会立案",
                f"blind for {en}: evidence of one family alone stays at the level attention, no case can be opened",
            )
        )  # fmt: skip
    return found


def _of_vehicles(coverage: Coverage, gaps: pl.DataFrame, max_gap_s: float) -> list[BlindSpot]:
    if coverage.vehicles == 0:
        return [
            BlindSpot(
                "vehicles", "no_tracks", True, 0, 0,
                "分析时段内没有车辆轨迹", "no vehicle has fixes in the window",
            )
        ]  # fmt: skip
    found = []
    if coverage.hazmat_vehicles == 0:
        found.append(
            BlindSpot(
                "vehicles", "no_hazmat_list", True, 0, coverage.vehicles,
                "未导入危险货物车辆名单，无法判断到访", "no hazardous-goods list was imported, visits cannot be judged",
            )
        )  # fmt: skip
    slow = gaps.filter(pl.col("gap_s") > max_gap_s).height
    if slow:
        share, minutes = slow / gaps.height, max_gap_s / 60
        found.append(
            BlindSpot(
                "vehicles", "sampling", slow == gaps.height, slow, gaps.height,
                f"{slow} 辆车（{share:.0%}）的定位间隔中位数超过 {minutes:.0f} 分钟，其停留无法识别",
                f"{slow} of {gaps.height} vehicles ({share:.0%}) report at intervals longer than {minutes:.0f} minutes"
                " (median): their stays are not seen",
            )
        )  # fmt: skip
    return found


def _of_meters(coverage: Coverage, signals: pl.DataFrame | None) -> list[BlindSpot]:
    of = coverage.looked_at
    found = []
    if of and coverage.without_readings:
        found.append(
            BlindSpot(
                "meters", "no_readings", coverage.without_readings == of, coverage.without_readings, of,
                f"{of} 个停产场所中 {coverage.without_readings} 个没有用电、用水读数（不等于未使用）",
                f"{coverage.without_readings} of {of} closed sites have no readings of power or water, which is not"
                " the same as no use",
            )
        )  # fmt: skip
    if of and coverage.with_few_readings:
        found.append(
            BlindSpot(
                "meters", "few_readings", coverage.with_few_readings == of, coverage.with_few_readings, of,
                f"{of} 个停产场所中 {coverage.with_few_readings} 个近 28 天读数不足 10 条（如按月抄表），难以判断",
                f"{coverage.with_few_readings} of {of} closed sites have fewer than 10 readings in the last 28 days"
                " (monthly bills, every fifth day): hard to judge",
            )
        )  # fmt: skip
    judged = _unjudged(signals)
    if judged is not None and judged[0]:
        n, of_judged = judged
        found.append(
            BlindSpot(
                "meters", "not_judged", n == of_judged, n, of_judged,
                f"{of_judged} 个停产场所中 {n} 个的水电无法判断（无读数、无基线或停产日期不详）",
                f"the meters of {n} of {of_judged} closed sites could not be judged (no readings, no baseline, or no"
                " date of closure)",
            )
        )  # fmt: skip
    return found


def _unjudged(signals: pl.DataFrame | None) -> tuple[int, int] | None:
    """Return how many sites have no meter that says anything, of how many."""
    if signals is None or signals.is_empty():
        return None
    blind = signals.group_by("site_id").agg(pl.col("state").is_in(METER_BLIND).all())
    return int(blind["state"].sum()), blind.height


def _of_sites(coverage: Coverage) -> list[BlindSpot]:
    found = []
    if coverage.without_hazard:
        found.append(
            BlindSpot(
                "sites", "no_hazard", coverage.looked_at == 0, coverage.without_hazard, coverage.closed_sites,
                f"{coverage.closed_sites} 个停产场所中 {coverage.without_hazard} 个未登记危险性，不在研判范围",
                f"{coverage.without_hazard} of {coverage.closed_sites} closed sites have no hazard entered: they are"
                " not looked at",
            )
        )  # fmt: skip
    if coverage.without_closure_date:
        found.append(
            BlindSpot(
                "sites", "no_closure_date", False, coverage.without_closure_date, coverage.looked_at,
                f"{coverage.without_closure_date} 个停产场所停产日期不详，水电无法判断",
                f"{coverage.without_closure_date} closed sites have no date of closure: their meters cannot be judged",
            )
        )  # fmt: skip
    return found


def spots_before_run(db: Session, *, days: int, max_gap_s: float) -> list[BlindSpot]:
    """Return what a run over the newest data could not see, as far as it can be said without one.

    The sampling is that of the last day with fixes.

    Raises
    ------
    layers.errors.InputError
        There are no data.
    """
    newest = newest_moment(db)
    today = newest.astimezone(local_zone()).date()
    end = newest + dt.timedelta(microseconds=1)
    coverage = read_coverage(db, newest - dt.timedelta(days=days), end, today=today)
    span = tracks.time_span(db)
    last = newest if span is None else span[1]
    fixes = tracks.read_fixes(db, last - dt.timedelta(days=1), last + dt.timedelta(microseconds=1))
    return blind_spots(coverage, sampling_gaps_s(fixes), max_gap_s=max_gap_s)


def told(spots: Sequence[BlindSpot]) -> list[Mapping[str, object]]:
    """Return the blind spots as they are stored with a run."""
    return [spot.as_json() for spot in spots]
