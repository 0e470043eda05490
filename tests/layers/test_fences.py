"""Fences and their events in a real PostGIS.

Written twice without a trace, seen in scope only, read back as they were.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
import pytest
import shapely
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, read_page
from layers.errors import InputError
from layers.postgres import PUBLIC, Scope, WriteCounts, apply_scope
from layers.records.fences import fences_fingerprint, read_fences, write_fence_events, write_fences
from spatial_models.fences import detect_fence_events

T0 = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
NIGHT = {"zone": "Asia/Shanghai", "weekly": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "to": "24:00"}]}


def given() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "fence_id": ["F-A", "F-B"],
            "name": ["禁入区", "禁渔区"],
            "rule": ["forbid_enter", "dwell_limit"],
            "medium": [None, "water"],
            "limit_s": [None, 60.0],
            "times": [json.dumps(NIGHT), None],
            "vehicle_kinds": pl.Series([["hazmat", "other"], None], dtype=pl.List(pl.String)),
            "boundary": [
                shapely.box(120.09, 31.19, 120.11, 31.21).wkb,
                shapely.box(121.0, 31.19, 121.1, 31.3).wkb,
            ],
        }
    )


def found_events(db: Session, place: tuple[float, float], minutes: int = 6) -> pl.DataFrame:
    vehicle = db.execute(text("SELECT id FROM vehicles WHERE vehicle_id = 'V-A'")).scalar_one()
    fixes = pl.DataFrame(
        {
            "vehicle_id": [vehicle] * (minutes + 2),
            "t": [T0 + dt.timedelta(minutes=m) for m in range(minutes + 2)],
            "lon": [119.0, *[place[0]] * minutes, 119.0],
            "lat": place[1],
        }
    )
    fences = read_fences(db).with_columns(vehicle_kinds=pl.lit(None, dtype=pl.List(pl.String)))
    return detect_fence_events(fixes, fences.with_columns(leave_fixes=pl.lit(1))).events


def run_id(db: Session) -> int:
    return int(db.execute(text("SELECT min(id) FROM model_runs")).scalar_one())


def test_fences_are_written_once_and_read_back(db: Session) -> None:
    assert write_fences(db, given()) == WriteCounts(inserted=2)
    assert write_fences(db, given()) == WriteCounts(unchanged=2)
    before = fences_fingerprint(db)
    changed = given().with_columns(limit_s=pl.Series([None, 90.0]))
    assert write_fences(db, changed) == WriteCounts(updated=1, unchanged=1)
    assert fences_fingerprint(db) != before
    back = read_fences(db)
    assert back["fence_id"].to_list() == ["F-A", "F-B"] and back["limit_s"].to_list() == [None, 90.0]
    assert json.loads(back["times"][0]) == NIGHT and back["times"][1] is None
    assert back["vehicle_kinds"].to_list() == [["hazmat", "other"], None]
    assert shapely.from_wkb(back["boundary"][0]).equals(shapely.box(120.09, 31.19, 120.11, 31.21))
    with pytest.raises(InputError, match="boundary"):
        write_fences(db, given().drop("boundary"))


def test_events_are_replaced_not_doubled(db: Session, town: dict[str, Any]) -> None:
    write_fences(db, given())
    window = T0, T0 + dt.timedelta(days=1)
    events = found_events(db, (120.1, 31.2))
    assert events.height == 1
    assert write_fence_events(db, events, run_id(db), *window) == 1
    once = db.execute(
        text("SELECT event_id, duration_s, n_fixes, area_id, ST_AsText(geom) FROM fence_events")
    ).all()
    assert write_fence_events(db, events, run_id(db), *window) == 1
    assert (
        db.execute(
            text("SELECT event_id, duration_s, n_fixes, area_id, ST_AsText(geom) FROM fence_events")
        ).all()
        == once
    )
    assert once[0][1:] == (300.0, 6, town["community_A"], "POINT(120.1 31.2)")
    # an event that began before the window and has grown since replaces itself
    later = T0 + dt.timedelta(minutes=3), T0 + dt.timedelta(days=1)
    assert write_fence_events(db, found_events(db, (120.1, 31.2), 9), run_id(db), *later) == 1
    assert db.execute(text("SELECT duration_s FROM fence_events")).all() == [(480.0,)]
    assert write_fence_events(db, events.clear(), run_id(db), *window) == 0
    assert db.execute(text("SELECT count(*) FROM fence_events")).scalar_one() == 0


def test_served_in_scope_only(db: Session, town: dict[str, Any]) -> None:
    write_fences(db, given())
    write_fence_events(db, found_events(db, (120.1, 31.2)), run_id(db), T0, T0 + dt.timedelta(days=1))

    def features(collection: str) -> list[dict[str, Any]]:
        page = read_page(db, COLLECTIONS[collection], Selection(), limit=100)
        return [json.loads(feature) for feature in page.features]

    own = Scope(role="officer", area_ids=(town["town_A"], town["community_A"]), username="a")
    other = Scope(role="officer", area_ids=(town["town_B"], town["community_B"]), username="b")
    apply_scope(db, own)
    (event,) = features("fence_events")
    assert event["geometry"]["coordinates"] == [120.1, 31.2]
    shown = {"fence_id": "F-A", "fence_name": "禁入区", "vehicle_id": "V-A", "started_at": "2026-06-01T00:01:00Z",
             "begun_by": "entered", "ended_by": "left", "open": False, "duration_s": 300.0}  # fmt: skip
    assert shown.items() <= event["properties"].items()
    apply_scope(db, other)
    assert features("fence_events") == []
    apply_scope(db, PUBLIC)
    assert features("fence_events") == []
    fences = features("fences")
    assert [f["properties"]["fence_id"] for f in fences] == ["F-A", "F-B"] and fences[0]["properties"][
        "times"
    ] == NIGHT
    assert "vehicle_ids" not in fences[0]["properties"]
