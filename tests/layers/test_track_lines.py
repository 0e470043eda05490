"""Tracks as lines: where they are cut, what is made anew, and who sees which."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pyproj
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.postgres import Scope, apply_scope
from layers.records import refresh_tracks, tracks

DAY = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
WINDOW = (DAY - dt.timedelta(days=1), DAY + dt.timedelta(days=2))
A, B = 11, 22
GEOD = pyproj.Geod(ellps="WGS84")
FROM_A_TO_B = ((0, 120.0, A), (1, 120.01, A), (2, 120.02, B), (3, 120.03, B))


def fixes(vehicle: str, *rows: tuple[float, float, int | None]) -> pl.DataFrame:
    """Rows of minute of the day, longitude, area; all on 31 degrees north."""
    return pl.DataFrame(
        [
            {"vehicle_id": vehicle, "t": DAY + dt.timedelta(minutes=m), "lon": lon, "lat": 31.0, "h3_9": 0,
             "speed_kmh": None, "heading_deg": None, "area_id": area}
            for m, lon, area in rows
        ],
        schema_overrides={"t": pl.Datetime("us", "UTC"), "speed_kmh": pl.Float64, "heading_deg": pl.Float64,
                          "area_id": pl.Int64, "h3_9": pl.Int64},
    )  # fmt: skip


def write(db: Session, frame: pl.DataFrame) -> None:
    tracks.register_missing_vehicles(db, frame["vehicle_id"].unique().to_list())
    tracks.write_fixes(db, frame)


def lines(db: Session) -> list[tuple[Any, ...]]:
    """Minutes of start and end, fixes, areas, longitudes."""
    rows = db.execute(
        text(
            "SELECT extract(epoch FROM started_at - :day) / 60, extract(epoch FROM ended_at - :day) / 60,"
            " n_fixes, area_id, to_area_id, (SELECT array_agg(ST_X(d.geom)) FROM ST_DumpPoints(t.geom) d)"
            " FROM tracks t ORDER BY started_at, n_fixes DESC"
        ),
        {"day": DAY},
    )
    return [(int(r[0]), int(r[1]), r[2], r[3], r[4], [round(x, 6) for x in r[5]]) for r in rows]


def test_lines_are_cut_at_gaps_and_at_borders(db: Session) -> None:
    write(db, fixes("t1", *FROM_A_TO_B, (30, 120.04, B), (31, 120.05, B)))
    assert refresh_tracks(db, *WINDOW) == 4
    assert lines(db) == [
        (0, 1, 2, A, A, [120.0, 120.01]),
        (1, 2, 2, A, B, [120.01, 120.02]),
        (2, 3, 2, B, B, [120.02, 120.03]),
        (30, 31, 2, B, B, [120.04, 120.05]),
    ]  # fmt: skip
    length = db.scalar(text("SELECT length_m FROM tracks WHERE area_id = 11 AND to_area_id = 11"))
    assert length == pytest.approx(GEOD.inv(120.0, 31.0, 120.01, 31.0)[2], rel=1e-9)


def test_a_gap_of_exactly_the_limit_is_none_and_a_standing_vehicle_has_no_line(db: Session) -> None:
    write(db, fixes("t1", (0, 120.0, A), (15, 120.01, A)))
    write(db, fixes("t2", (0, 120.0, A), (1, 120.0, A), (2, 120.0, A)))
    write(db, fixes("t3", (0, 120.0, A), (16, 120.01, A)))
    refresh_tracks(db, *WINDOW)
    assert lines(db) == [(0, 15, 2, A, A, [120.0, 120.01])]


def test_a_parked_hour_is_one_vertex(db: Session) -> None:
    write(db, fixes("t1", (0, 120.0, A), *((m, 120.01, A) for m in range(1, 61)), (61, 120.02, A)))
    refresh_tracks(db, *WINDOW)
    assert lines(db) == [(0, 61, 62, A, A, [120.0, 120.01, 120.02])]


def test_a_line_ends_with_the_day(db: Session) -> None:
    write(db, fixes("t1", (1438, 120.0, A), (1439, 120.01, A), (1440, 120.02, A), (1441, 120.03, A)))
    assert refresh_tracks(db, *WINDOW) == 2
    assert [line[:3] for line in lines(db)] == [(1438, 1439, 2), (1440, 1441, 2)]


def test_only_vehicles_with_new_fixes_are_made_anew(db: Session) -> None:
    write(db, fixes("t1", (0, 120.0, A), (1, 120.01, A)))
    write(db, fixes("t2", (0, 120.0, A), (1, 120.01, A)))
    assert refresh_tracks(db, *WINDOW) == 2
    before = set(db.scalars(text("SELECT id FROM tracks")))
    assert refresh_tracks(db, *WINDOW) == 0
    write(db, fixes("t1", (0.5, 120.005, A)))
    assert refresh_tracks(db, *WINDOW) == 1
    after = set(db.scalars(text("SELECT id FROM tracks")))
    assert len(before & after) == 1 and len(after) == 2
    assert db.scalar(text("SELECT sum(n_fixes) FROM tracks")) == 5


def test_a_town_sees_the_lines_inside_it_only(db: Session) -> None:
    write(db, fixes("t1", *FROM_A_TO_B, (4, 120.04, None), (5, 120.05, None)))
    refresh_tracks(db, *WINDOW)
    assert len(lines(db)) == 5

    def seen(scope: Scope) -> list[tuple[Any, Any]]:
        with db.begin_nested() as savepoint:
            apply_scope(db, scope)
            rows = db.execute(
                text("SELECT area_id, to_area_id FROM tracks ORDER BY started_at, n_fixes DESC")
            )
            found = [(r[0], r[1]) for r in rows]
            savepoint.rollback()
        return found

    assert seen(Scope(role="officer", area_ids=(A,), username="a")) == [(A, A)]
    assert seen(Scope(role="officer", area_ids=(A, B), username="ab")) == [(A, A), (A, B), (B, B)]
    assert len(seen(Scope(role="supervisor", city_wide=True, username="s"))) == 5
    assert seen(Scope(role="viewer", area_ids=(A,), username="v")) == [] == seen(Scope())
