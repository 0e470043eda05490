"""Signals of fences as subjects of a model: who broke the rule, on how many days, for how long, at what hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

import polars as pl

from spatial_models.fences.breaches import breaches_by_fence
from spatial_models.frames import LOCAL_ZONE, select_columns
from spatial_models.nights import night_share
from spatial_models.signal_rows import SIGNAL_ROWS, SignalKind

_NEEDS = ("fixes", "vehicle_list", "fences")
FENCE_SIGNALS: tuple[SignalKind, ...] = (
    SignalKind(
        "fence_breaches", "fences", "vehicles", 0.0, float("inf"), _NEEDS,
        "违反围栏规则的不同车船数", "Different vehicles or vessels that broke the rule of the fence", subject="fence",
    ),
    SignalKind(
        "fence_breach_days", "fences", "days", 0.0, float("inf"), _NEEDS,
        "发生违规的天数", "Local days on which the rule was broken", subject="fence",
    ),
    SignalKind(
        "fence_breach_hours", "fences", "hours", 0.0, float("inf"), _NEEDS,
        "每次违规的中位时长（小时）", "Median length of a breach in hours", subject="fence",
    ),
    SignalKind(
        "fence_night_share", "fences", "share", 0.0, 1.0, _NEEDS,
        "违规时间中夜间所占比例", "Part of the time of the breaches that is night", subject="fence",
    ),
    SignalKind(
        "fence_exempt_share", "fences", "share", 0.0, 1.0, _NEEDS,
        "获准车船占违规车船的比例", "Part of the vehicles in breach that the fence lets through", subject="fence",
    ),
)  # fmt: skip
"""Signals whose subject is a fence."""


def fence_signals(
    events: pl.DataFrame,
    fences: pl.DataFrame,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    window_days: int = 30,
    local_zone: str = LOCAL_ZONE,
) -> pl.DataFrame:
    """Return the signals of every fence; of vehicles that it lets through only their share is told.

    Parameters
    ----------
    events, fences, vehicles, at, window_days, local_zone
        As in `spatial_models.fences.breaches_by_fence`; of ``events`` also ``ended_at``, of ``fences`` also
        ``exempt_vehicle_ids`` (lists, or null).

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``, sorted by fence and signal; ``site_id`` is the ``fence_id``. Days, hours and the night are null
        where nothing that counts happened, and all are null where no vehicle reported to which the fence applies.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> import shapely
    >>> at = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    >>> water = pl.DataFrame({"fence_id": ["F"], "boundary": [shapely.box(120.0, 32.0, 120.1, 32.1).wkb],
    ...                       "medium": "water", "exempt_vehicle_ids": [["C"]]})
    >>> began = [at - dt.timedelta(days=day, hours=11) for day in (1, 2, 2)]
    >>> events = pl.DataFrame({"fence_id": "F", "vehicle_id": ["A", "B", "C"], "started_at": began,
    ...                        "ended_at": [moment + dt.timedelta(hours=2) for moment in began], "duration_s": 7200.0})
    >>> boats = pl.DataFrame({"vehicle_id": ["A", "B", "C"], "kind": "vessel"})
    >>> fence_signals(events, water, boats, at=at).select("signal", pl.col("value").round(3)).rows()
    [('fence_breach_days', 2.0), ('fence_breach_hours', 2.0), ('fence_breaches', 2.0), ('fence_exempt_share', 0.333), \
('fence_night_share', 0.5)]
    >>> fence_signals(events, water.clear(), boats, at=at).height
    0
    """
    rows = counted_breaches(events, fences, at=at, window_days=window_days)
    counts = rows.filter(~pl.col("exempt"))
    given = fences.select(pl.exclude("exempt_vehicle_ids"))
    distinct = breaches_by_fence(
        events.join(counts, on=("fence_id", "vehicle_id", "started_at"), how="semi"),
        given, vehicles, at=at, window_days=window_days, local_zone=local_zone,
    )  # fmt: skip
    night = night_share(counts["started_at"], counts["ended_at"], local_zone)
    found = counts.with_columns(
        day=pl.col("started_at").dt.convert_time_zone(local_zone).dt.date(),
        night_s=pl.Series(night, dtype=pl.Float64) * pl.col("duration_s"),
    )
    measured = found.group_by("fence_id").agg(
        fence_breach_days=pl.col("day").n_unique().cast(pl.Float64),
        fence_breach_hours=pl.col("duration_s").median() / 3600.0,
        fence_night_share=pl.col("night_s").sum() / pl.col("duration_s").sum(),
    )
    exempt = rows.group_by("fence_id").agg(
        all=pl.col("vehicle_id").n_unique(), let=pl.col("vehicle_id").filter("exempt").n_unique()
    )
    joined = (
        distinct.select("site_id", "quality", "first_day", "last_day")
        .join(measured, left_on="site_id", right_on="fence_id", how="left")
        .join(exempt, left_on="site_id", right_on="fence_id", how="left")
        .with_columns(fence_exempt_share=pl.col("let") / pl.col("all"))
    )
    frames = [distinct] + [_rows(joined, name, told) for name, told in _SENTENCES]
    return pl.concat(frames).sort("site_id", "signal")


def counted_breaches(
    events: pl.DataFrame, fences: pl.DataFrame, *, at: dt.datetime, window_days: int = 30
) -> pl.DataFrame:
    """Return the breaches of a window with ``exempt``: whether the fence lets the vehicle through.

    Parameters
    ----------
    events, fences, at, window_days
        As in :func:`fence_signals`.
    """
    columns = ("fence_id", "vehicle_id", "started_at", "ended_at", "duration_s")
    known = select_columns(events, "events", columns, ("lon", "lat"))
    known = known.with_columns(pl.col("fence_id").cast(pl.String)).filter(
        (pl.col("started_at") <= at) & (pl.col("started_at") >= at - dt.timedelta(days=window_days))
    )
    let = (
        fences.select(pl.col("fence_id").cast(pl.String), vehicle="exempt_vehicle_ids")
        .explode("vehicle")
        .drop_nulls()
        .unique()
        .with_columns(pl.col("vehicle").cast(pl.String), exempt=pl.lit(True))
    )
    return (
        known.with_columns(vehicle=pl.col("vehicle_id").cast(pl.String))
        .join(let, on=("fence_id", "vehicle"), how="left", maintain_order="left")
        .with_columns(pl.col("exempt").fill_null(False))
        .drop("vehicle")
    )


Told = Callable[[float], tuple[str, str]]


def _rows(joined: pl.DataFrame, name: str, told: Told) -> pl.DataFrame:
    said = [
        ("没有计入的违规，无法判断。", "no breach counts: nothing can be judged.")
        if value is None
        else told(value)
        for value in joined[name].to_list()
    ]
    return joined.select(
        "site_id", signal=pl.lit(name), value=name, baseline=pl.lit(None, dtype=pl.Float64), quality="quality",
        first_day="first_day", last_day="last_day",
        sentence_zh=pl.Series([zh for zh, _ in said], dtype=pl.String),
        sentence_en=pl.Series([en for _, en in said], dtype=pl.String),
    ).cast(pl.Schema(SIGNAL_ROWS))  # fmt: skip


_SENTENCES: Sequence[tuple[str, Told]] = (
    (
        "fence_breach_days",
        lambda n: (f"{n:.0f} 天有违规。", f"the rule was broken on {n:.0f} days."),
    ),
    (
        "fence_breach_hours",
        lambda h: (f"每次违规时长中位数 {h:.1f} 小时。", f"half of the breaches last {h:.1f} h or longer."),
    ),
    (
        "fence_night_share",
        lambda part: (f"违规时间的 {part:.0%} 在夜间。", f"{part:.0%} of the time of the breaches is night."),
    ),
    (
        "fence_exempt_share",
        lambda part: (
            f"违规车船中 {part:.0%} 为获准进入，不计入。" if part else "违规车船均未获准进入。",
            f"{part:.0%} of the vehicles in breach have leave and do not count."
            if part
            else "no vehicle in breach has leave.",
        ),
    ),
)  # fmt: skip
