"""Signals of fences: how many different vehicles broke their rules, by site and by fence."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import shapely

from spatial_models.distances import M_PER_DEG, RAD
from spatial_models.errors import InputFrameError, NaiveTimeError
from spatial_models.frames import LOCAL_ZONE, Array, select_columns
from spatial_models.parameter_checks import check_between
from spatial_models.signal_rows import SIGNAL_ROWS

NAME = "fence_breaches"
EVENT_COLUMNS = ("fence_id", "vehicle_id", "started_at", "duration_s")
FENCE_COLUMNS, FENCE_OPTIONS = ("fence_id", "boundary"), ("medium", "vehicle_kinds", "vehicle_ids")


def fence_breaches(
    events: pl.DataFrame,
    fences: pl.DataFrame,
    sites: pl.DataFrame,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    window_days: int = 30,
    touch_m: float = 50.0,
    local_zone: str = LOCAL_ZONE,
) -> pl.DataFrame:
    """Return, of each site, how many different vehicles broke the rules of fences that touch it.

    Parameters
    ----------
    events : polars.DataFrame
        From `spatial_models.fences.detect_fence_events`.
    fences : polars.DataFrame
        ``fence_id``, ``boundary`` (WKB or shapely, WGS 84); optional ``medium``, ``vehicle_kinds``, ``vehicle_ids``.
    sites : polars.DataFrame
        ``site_id``, ``lon``, ``lat``; optional ``boundary``.
    vehicles : polars.DataFrame
        ``vehicle_id``, ``kind`` of the vehicles that reported.
    at : datetime
        End of the window; later events are ignored.
    window_days : int
        Length of the window. The baseline is the same count of the window before, null when the events do not reach
        back so far.
    touch_m : float
        A fence this near the site touches it, metres.
    local_zone : str

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``, one row a site. ``value`` is null where no fence touches the site, or no vehicle reported to
        which one of them applies.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> at = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    >>> fence = pl.DataFrame({"fence_id": ["F"], "boundary": [shapely.box(120.0, 32.0, 120.1, 32.1).wkb]})
    >>> sites = pl.DataFrame({"site_id": ["S", "T"], "lon": [120.05, 121.0], "lat": 32.05})
    >>> event = {"fence_id": "F", "started_at": at - dt.timedelta(days=3), "duration_s": 600.0}
    >>> events = pl.DataFrame([event | {"vehicle_id": "A"}, event | {"vehicle_id": "B"}, event | {"vehicle_id": "A"}])
    >>> fleet = pl.DataFrame({"vehicle_id": ["A", "B"], "kind": "hazmat"})
    >>> fence_breaches(events, fence, sites, fleet, at=at).select("site_id", "value").rows()
    [('S', 2.0), ('T', None)]
    >>> fence_breaches(events, fence.clear(), sites, fleet, at=at)["value"].to_list()
    [None, None]
    """
    check_between("touch_m", touch_m, 0, 1e5)
    known = select_columns(sites, "sites", ("site_id", "lon", "lat"), ("boundary",))
    shapes = _shapes_of_sites(known)
    given = select_columns(fences, "fences", FENCE_COLUMNS, FENCE_OPTIONS)
    site, fence = _touching(shapes, given, touch_m)
    pairs = pl.DataFrame(
        {
            "subject": known["site_id"].cast(pl.String).gather(site),
            "fence_id": given["fence_id"].cast(pl.String).gather(fence),
        }
    )
    return _rows(
        known["site_id"].cast(pl.String), pairs, events, given, vehicles, at, window_days, local_zone
    )


def breaches_by_fence(
    events: pl.DataFrame,
    fences: pl.DataFrame,
    vehicles: pl.DataFrame,
    *,
    at: dt.datetime,
    window_days: int = 30,
    local_zone: str = LOCAL_ZONE,
) -> pl.DataFrame:
    """Return, of each fence, how many different vehicles or vessels broke its rule: the subject is the fence.

    Parameters
    ----------
    events, fences, vehicles, at, window_days, local_zone
        As in :func:`fence_breaches`.

    Returns
    -------
    polars.DataFrame
        ``SIGNAL_ROWS``; ``site_id`` is the ``fence_id``.

    Raises
    ------
    InputFrameError, NaiveTimeError, ParameterError

    Examples
    --------
    >>> at = dt.datetime(2026, 7, 1, tzinfo=dt.UTC)
    >>> water = pl.DataFrame({"fence_id": ["F"], "boundary": [shapely.box(120.0, 32.0, 120.1, 32.1).wkb],
    ...                       "medium": "water"})
    >>> events = pl.DataFrame({"fence_id": "F", "vehicle_id": ["A"], "started_at": [at - dt.timedelta(days=3)],
    ...                        "duration_s": 600.0})
    >>> boat, truck = ({"vehicle_id": ["A"], "kind": [kind]} for kind in ("vessel", "hazmat"))
    >>> breaches_by_fence(events, water, pl.DataFrame(boat), at=at).select("site_id", "value").rows()
    [('F', 1.0)]
    >>> breaches_by_fence(events.clear(), water, pl.DataFrame(boat), at=at)["value"].to_list()
    [0.0]
    >>> breaches_by_fence(events.clear(), water, pl.DataFrame(truck), at=at)["value"].to_list()
    [None]
    """
    given = select_columns(fences, "fences", FENCE_COLUMNS, FENCE_OPTIONS)
    ids = given["fence_id"].cast(pl.String)
    pairs = pl.DataFrame({"subject": ids, "fence_id": ids})
    return _rows(ids, pairs, events, given, vehicles, at, window_days, local_zone)


def _rows(
    subjects: pl.Series, pairs: pl.DataFrame, events: pl.DataFrame, fences: pl.DataFrame, vehicles: pl.DataFrame,
    at: dt.datetime, window_days: int, local_zone: str,
) -> pl.DataFrame:  # fmt: skip
    """Return one signal row for each subject from the events at its fences."""
    if at.tzinfo is None:
        raise NaiveTimeError("at: a time without a zone")
    check_between("window_days", window_days, 1, 10_000)
    at = at.astimezone(dt.UTC)
    begins, before = at - dt.timedelta(days=window_days), at - dt.timedelta(days=2 * window_days)
    known = select_columns(events, "events", EVENT_COLUMNS).filter(pl.col("started_at") <= at)
    known = known.with_columns(pl.col("fence_id").cast(pl.String))
    first = known["started_at"].min()
    reaches_back = first is not None and first <= before  # type: ignore[operator]
    at_subject = pairs.join(known, on="fence_id")
    is_now = pl.col("started_at") >= begins
    was_before = (pl.col("started_at") < begins) & (pl.col("started_at") >= before)
    day = pl.col("started_at").dt.convert_time_zone(local_zone).dt.date()
    counts = at_subject.group_by("subject").agg(
        value=pl.col("vehicle_id").filter(is_now).n_unique().cast(pl.Float64),
        days=day.filter(is_now).n_unique(),
        hours=pl.col("duration_s").filter(is_now).sum() / 3600.0,
        past=pl.col("vehicle_id").filter(was_before).n_unique().cast(pl.Float64),
    )
    applies = pairs.join(_applying(fences, vehicles), on="fence_id").group_by("subject").agg(
        fences=pl.len(), applying=pl.col("applying").sum()
    )  # fmt: skip
    joined = (
        pl.DataFrame({"subject": subjects})
        .join(applies, on="subject", how="left", maintain_order="left")
        .join(counts, on="subject", how="left", maintain_order="left")
    )
    seen = pl.col("applying").fill_null(0) > 0
    joined = joined.with_columns(
        value=pl.when(seen).then(pl.col("value").fill_null(0.0)),
        baseline=pl.when(seen & pl.lit(reaches_back)).then(pl.col("past").fill_null(0.0)),
    )
    said = [_sentence(row) for row in joined.iter_rows(named=True)]
    zone = ZoneInfo(local_zone)
    return joined.select(
        site_id="subject", signal=pl.lit(NAME), value="value", baseline="baseline",
        quality=pl.when(seen).then(1.0).otherwise(0.0), first_day=pl.lit(begins.astimezone(zone).date()),
        last_day=pl.lit(at.astimezone(zone).date()),
        sentence_zh=pl.Series([zh for zh, _ in said], dtype=pl.String),
        sentence_en=pl.Series([en for _, en in said], dtype=pl.String),
    ).cast(pl.Schema(SIGNAL_ROWS)).sort("site_id")  # fmt: skip


def _sentence(row: dict[str, Any]) -> tuple[str, str]:
    if row["value"] is None:
        if not row["fences"]:
            return "没有相接的电子围栏，无法判断。", "no fence is there: nothing can be judged."
        return (
            "没有适用该围栏的车船报告位置，无法判断。",
            "no vehicle reports to which the fence applies: nothing can be judged.",
        )
    n = int(row["value"])
    past_zh = past_en = ""
    if row["baseline"] is not None:
        past_zh, past_en = (
            f"，此前同样长的时段为 {int(row['baseline'])} 个",
            f", {int(row['baseline'])} in as long a time before",
        )
    if n == 0:
        return (
            f"{row['fences']} 个围栏均无违规{past_zh}。",
            f"nobody broke the rules of {row['fences']} fences{past_en}.",
        )
    return (
        f"{n} 个不同车船违反围栏规则，共 {row['days']} 天、{row['hours']:.1f} 小时{past_zh}。",
        f"{n} different vehicles or vessels broke the rules of fences on {row['days']} days for {row['hours']:.1f} h"
        f"{past_en}.",
    )


def _applying(fences: pl.DataFrame, vehicles: pl.DataFrame) -> pl.DataFrame:
    """Return how many of the vehicles each fence applies to: ``fence_id``, ``applying``."""
    fleet = select_columns(vehicles, "vehicles", ("vehicle_id", "kind"))
    ids, kinds = fleet["vehicle_id"].cast(pl.String), fleet["kind"].cast(pl.String)
    counts = []
    for row in fences.iter_rows(named=True):
        meant = pl.Series([True] * fleet.height, dtype=pl.Boolean)
        if row.get("medium") is not None:
            meant &= (kinds == "vessel") if row["medium"] == "water" else (kinds != "vessel")
        if row.get("vehicle_kinds") is not None:
            meant &= kinds.is_in(list(row["vehicle_kinds"]))
        if row.get("vehicle_ids") is not None:
            meant &= ids.is_in([str(name) for name in row["vehicle_ids"]])
        counts.append(int(meant.sum()))
    return pl.DataFrame(
        {"fence_id": fences["fence_id"].cast(pl.String), "applying": pl.Series(counts, dtype=pl.Int64)}
    )


def _shapes_of_sites(sites: pl.DataFrame) -> Array:
    points = shapely.points(
        sites["lon"].cast(pl.Float64).to_numpy(), sites["lat"].cast(pl.Float64).to_numpy()
    )
    if "boundary" not in sites.columns:
        return np.asarray(points, dtype=object)
    given = _geometries(sites["boundary"], "sites")
    return np.where(shapely.is_missing(given) | shapely.is_empty(given), points, given)


def _geometries(column: pl.Series, name: str) -> Array:
    try:
        values = [
            v if v is None or isinstance(v, shapely.Geometry) else shapely.from_wkb(v)
            for v in column.to_list()
        ]
    except (shapely.errors.ShapelyError, TypeError, ValueError) as error:
        raise InputFrameError(f"{name}: column boundary holds no WKB or geometry: {error}") from error
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _touching(shapes: Array, fences: pl.DataFrame, touch_m: float) -> tuple[Array, Array]:
    """Return the pairs of a site and a fence within ``touch_m``, in a plane with the cosine of the middle latitude."""
    areas = _geometries(fences["boundary"], "fences")
    if len(shapes) == 0 or len(areas) == 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    low, high = shapely.total_bounds(shapes)[[1, 3]]
    scale = np.array([M_PER_DEG * np.cos(0.5 * (low + high) * RAD), M_PER_DEG])
    local = [shapely.transform(geometries, lambda xy: xy * scale) for geometries in (shapes, areas)]
    found = shapely.STRtree(local[1]).query(local[0], predicate="dwithin", distance=touch_m)
    return found[0], found[1]
