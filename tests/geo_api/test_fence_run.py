"""Fences in the main job: events of a run, nothing new in a second one, a new fence makes a new run."""

from __future__ import annotations

import datetime as dt
import json

import polars as pl
import shapely
from sqlalchemy import text

from geo_api.analysis import Analysis
from layers.database import SYSTEM, session
from layers.fences import write_fences
from layers.tracks import write_fixes, write_vehicles

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
                "SELECT f.fence_id, v.vehicle_id, e.duration_s FROM fence_events e JOIN fences f ON f.id = e.fence_id"
                " JOIN vehicles v ON v.id = e.vehicle_id ORDER BY 1, 2"
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
