"""Fences in the main job: events of a run, nothing new in a second one, a new fence makes a new run."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import shapely
from sqlalchemy import text

from geo_api.jobs.analysis import Analysis
from layers.postgres import SYSTEM, session
from layers.records.fences import write_fences
from layers.records.tracks import write_fixes, write_vehicles

T0 = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)  # 08:00 in China, in the summer fishing ban
BAN = json.dumps({"yearly": [["05-01T12:00", "08-16T12:00"]]})


def fence(fence_id: str, rule: str, **more: object) -> pl.DataFrame:
    lists = {
        name: pl.Series([value], dtype=pl.List(pl.String))
        for name, value in more.items()
        if isinstance(value, list)
    }
    plain = {name: [value] for name, value in more.items() if not isinstance(value, list)}
    box = shapely.box(121.0, 32.0, 121.1, 32.1).wkb
    return pl.DataFrame(
        {"fence_id": [fence_id], "name": [fence_id], "rule": [rule], "boundary": [box], **plain, **lists}
    )


def seen(url: str) -> list[tuple[str, str, float]]:
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text(
                "SELECT f.fence_id, v.vehicle_id, e.duration_s FROM fence_events e JOIN fences f ON f.id ="
                " e.fence_id JOIN vehicles v ON v.id = e.vehicle_id ORDER BY 1, 2"
            )
        ).all()
    return [tuple(row) for row in rows]  # type: ignore[misc]


def test_events_of_vessels_and_trucks(fresh_database: str) -> None:
    vehicles = pl.DataFrame(
        {
            "vehicle_id": ["boat", "truck"],
            "plate": [None, None],
            "plate_color": [None, None],
            "kind": ["vessel", "hazmat"],
        },
        schema_overrides={"plate": pl.String, "plate_color": pl.String},
    )
    minutes = range(40)
    fixes = pl.concat(
        pl.DataFrame(
            {
                "vehicle_id": vehicle,
                "t": [T0 + dt.timedelta(minutes=m) for m in minutes],
                "lon": [121.05 if 5 <= m < 30 else 120.9 for m in minutes],
                "lat": 32.05,
            }
        )
        for vehicle in ("boat", "truck")
    ).with_columns(
        speed_kmh=pl.lit(None, dtype=pl.Float64), heading_deg=pl.lit(None, dtype=pl.Float64),
        h3_9=pl.lit(0), area_id=pl.lit(None, dtype=pl.Int64),
    )  # fmt: skip
    with session(SYSTEM, fresh_database) as db:
        write_vehicles(db, vehicles)
        write_fixes(db, fixes)
        write_fences(db, fence("ban", "forbid_enter", medium="water", times=BAN))
    first = Analysis(fresh_database).run(only_stays=True)
    assert first.counts["fence_events"] == 1 and seen(fresh_database) == [("ban", "boat", 24 * 60.0)]
    assert Analysis(fresh_database).run(only_stays=True).unchanged
    with session(SYSTEM, fresh_database) as db:
        write_fences(db, fence("yard", "dwell_limit", limit_s=600.0, vehicle_ids=["truck"]))
    again = Analysis(fresh_database).run(only_stays=True)
    assert not again.unchanged and again.counts["fence_events"] == 2
    assert seen(fresh_database) == [("ban", "boat", 24 * 60.0), ("yard", "truck", 24 * 60.0)]


def test_a_crossing_between_two_fixes_is_stored_as_inferred(fresh_database: str) -> None:
    vehicles = {"vehicle_id": ["truck"], "plate": [None], "plate_color": [None], "kind": ["hazmat"]}
    fixes = pl.DataFrame(
        {
            "vehicle_id": "truck",
            "t": [T0 + dt.timedelta(minutes=m) for m in (0, 10, 20)],
            "lon": [120.99, 121.11, 121.12],  # a box of 9.4 km between the first two
            "lat": 32.05,
            "speed_kmh": None,
            "heading_deg": None,
            "h3_9": 0,
            "area_id": None,
        },
        schema_overrides={"speed_kmh": pl.Float64, "heading_deg": pl.Float64, "area_id": pl.Int64},
    )
    with session(SYSTEM, fresh_database) as db:
        write_vehicles(db, pl.DataFrame(vehicles, schema_overrides=dict.fromkeys(vehicles, pl.String)))
        write_fixes(db, fixes)
        write_fences(db, fence("depot", "forbid_enter"))
    assert Analysis(fresh_database).run(only_stays=True).counts["fence_events"] == 1
    with session(SYSTEM, fresh_database) as db:
        row = db.execute(
            text("SELECT begun_by, ended_by, n_fixes, duration_s, started_after, left_by FROM fence_events")
        ).one()
    assert tuple(row[:3]) == ("crossed", "crossed", 0)
    assert abs(row.duration_s - 500.0) < 1.0  # 0.1 of 0.12 degrees of 600 s
    assert (row.started_after, row.left_by) == (T0, T0 + dt.timedelta(minutes=10))
