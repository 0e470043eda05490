"""From journeys to fixes: reports every 30-60 s with all the dirt of real terminals."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
from numpy.typing import NDArray

from geo_api.demo_city.boundaries import from_metric
from geo_api.demo_city.itineraries import DAY_S, Legs
from geo_api.demo_city.sizes import ZONE, CitySize
from geo_api.demo_city.tessellation import Floats

_INTERVAL_S = 45.0


def window_start(size: CitySize) -> dt.datetime:
    """Return the local midnight at which the tracks begin, in UTC."""
    first = size.end_day - dt.timedelta(days=size.track_days - 1)
    return dt.datetime.combine(first, dt.time(), ZONE).astimezone(dt.UTC)


def _sample(legs: Legs, rng: np.random.Generator) -> dict[str, Floats]:
    """Return true positions at report times: arrays of equal length, one entry a report."""
    keep = np.flatnonzero(~np.array(legs.silent))
    start, end = np.array(legs.start_s)[keep], np.array(legs.end_s)[keep]
    vehicle = np.array(legs.vehicle)[keep]
    count = np.maximum(np.round((end - start) / _INTERVAL_S).astype(np.int64), 1)
    leg = np.repeat(np.arange(len(start)), count)
    step = np.arange(len(leg)) - np.repeat(np.cumsum(count) - count, count)
    share = np.clip((step + 0.5 + rng.uniform(-0.16, 0.16, len(leg))) / count[leg], 0.0, 1.0 - 1e-9)
    t = start[leg] + share * (end - start)[leg]
    xy, span, length = along_lines([legs.lines[i] for i in keep.tolist()], leg, share)
    drift = rng.normal(scale=5.0, size=(len(start), 2))[leg]
    xy = xy + drift + rng.normal(scale=4.0, size=xy.shape)
    speed = length[leg] / np.maximum(end - start, 1.0)[leg] * 3.6
    moving = length[leg] > 1.0
    speed = np.where(
        moving, speed * rng.uniform(0.7, 1.25, len(leg)), np.abs(rng.normal(scale=0.6, size=len(leg)))
    )
    heading = np.where(
        moving, np.degrees(np.arctan2(span[:, 0], span[:, 1])) % 360.0, rng.uniform(0, 360, len(leg))
    )
    return {
        "vehicle": vehicle[leg],
        "t": t,
        "x": xy[:, 0],
        "y": xy[:, 1],
        "speed": speed,
        "heading": heading,
        "leg": leg,
    }


def along_lines(lines: list[Floats], leg: NDArray[np.int64], share: Floats) -> tuple[Floats, Floats, Floats]:
    """Places at shares of the lengths of lines, the piece of line that each lies on, and the lengths of all lines."""
    points = np.concatenate(lines)
    number = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    step = np.r_[0.0, np.hypot(*np.diff(points, axis=0).T)]
    step[np.r_[True, np.diff(number) != 0]] = 0.0
    length = np.bincount(number, step, len(lines))
    run = np.cumsum(step)
    before = np.r_[0.0, np.cumsum(length)[:-1]]
    whole = length[number] > 0.0
    # The place of a point of the lines as one rising number: the line, and the share of its length so far.
    place = number + np.where(whole, (run - before[number]) / np.where(whole, length[number], 1.0), 0.0)
    place = np.minimum(place, number + 1.0 - 1e-9)
    asked = leg + share
    after = np.clip(np.searchsorted(place, asked, side="right"), 1, len(place) - 1)
    after = np.where(number[after] == leg, after, after - 1)
    first = np.maximum(after - 1, 0)
    first = np.where(number[first] == leg, first, after)
    gap = place[after] - place[first]
    part = np.where(gap > 0.0, (asked - place[first]) / np.where(gap > 0.0, gap, 1.0), 0.0)
    span = points[after] - points[first]
    return points[first] + part[:, None] * span, span, np.asarray(length, dtype=np.float64)


def _dropped(reports: dict[str, Floats], rng: np.random.Generator) -> NDArray[np.bool_]:
    """Drop reports in gaps: 4 % of the pieces lose 2-20 minutes, and single reports are lost everywhere."""
    leg = reports["leg"].astype(np.int64)
    n = int(leg.max()) + 1
    first = np.full(n, np.inf)
    np.minimum.at(first, leg, reports["t"])
    holes = rng.uniform(size=n) < 0.04
    begin = first + rng.uniform(0, 1800, n)
    length = rng.uniform(120, 1200, n)
    inside = holes[leg] & (reports["t"] >= begin[leg]) & (reports["t"] < (begin + length)[leg])
    return np.asarray(inside | (rng.uniform(size=len(leg)) < 0.01))


def make_fixes(legs: Legs, vehicle_ids: list[str], size: CitySize, rng: np.random.Generator) -> pl.DataFrame:
    """Return fixes in order of arrival, which is not the order of time.

    Parameters
    ----------
    legs : Legs
    vehicle_ids : list of str
        By truck position.
    size : CitySize
        Fixes after the end of the last day are cut off.
    rng : Generator

    Returns
    -------
    polars.DataFrame
        ``vehicle_id``, ``t`` (UTC, second precision), ``lon``, ``lat`` (7 decimals), ``speed_kmh``,
        ``heading_deg``; with spikes, duplicates, and rows that arrive up to six hours late.
    """
    reports = _sample(legs, rng)
    keep = ~_dropped(reports, rng) & (reports["t"] < size.track_days * DAY_S)
    reports = {name: values[keep] for name, values in reports.items()}
    lon, lat = _reported_positions(reports, rng)
    seconds = np.floor(reports["t"]).astype(np.int64)
    rows = _arrival_order(seconds, rng)
    begin = int(window_start(size).timestamp())
    frame = pl.DataFrame(
        {
            "vehicle_id": np.array(vehicle_ids)[reports["vehicle"].astype(np.int64)[rows]],
            "t": (seconds[rows] + begin) * 1_000_000,
            "lon": np.round(lon[rows], 7),
            "lat": np.round(lat[rows], 7),
            "speed_kmh": np.round(reports["speed"][rows], 1),
            "heading_deg": np.round(reports["heading"][rows], 0) % 360.0,
        }
    )
    return frame.with_columns(t=pl.from_epoch("t", time_unit="us").dt.replace_time_zone("UTC"))


def _reported_positions(reports: dict[str, Floats], rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Lon and lat of reports; 4 in 10,000 jump 2-60 km away."""
    n = len(reports["t"])
    spike = rng.uniform(size=n) < 0.0004
    turn, reach = rng.uniform(0, 2 * np.pi, n), rng.uniform(2000, 60_000, n)
    x = reports["x"] + np.where(spike, reach * np.cos(turn), 0.0)
    y = reports["y"] + np.where(spike, reach * np.sin(turn), 0.0)
    return from_metric(x, y)


def _arrival_order(seconds: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.intp]:
    """Report positions in order of arrival: 2 % come up to six hours late, 0.5 % come twice."""
    n = len(seconds)
    again = np.flatnonzero(rng.uniform(size=n) < 0.005)
    rows = np.r_[np.arange(n), again]
    late = rng.uniform(size=len(rows)) < 0.02
    delay = np.where(late, rng.uniform(60, 6 * 3600, len(rows)), rng.uniform(0, 3, len(rows)))
    delay[n:] += rng.uniform(0, 120, len(again))
    return np.asarray(rows[np.argsort(seconds[rows] + delay, kind="stable")])
