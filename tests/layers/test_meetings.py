"""Silences and encounters in a real PostGIS: written twice without a trace, seen in scope only."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import polars as pl
from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, read_page
from layers.postgres import PUBLIC, Scope, apply_scope
from layers.runs import write_encounters, write_silences

T0 = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
WINDOW = T0, T0 + dt.timedelta(days=1)
UTC = pl.Datetime("us", "UTC")


def number(db: Session, vehicle: str = "V-A") -> int:
    return int(db.execute(text("SELECT id FROM vehicles WHERE vehicle_id = :v"), {"v": vehicle}).scalar_one())


def run_id(db: Session) -> int:
    return int(db.execute(text("SELECT min(id) FROM model_runs")).scalar_one())


def silences(db: Session, *hours: float, weight: float = 1.0) -> pl.DataFrame:
    row = {
        "vehicle_id": number(db), "site_id": "S-A", "ended_at": None, "duration_s": 3600.0, "before_s": 60.0,
        "reappeared_m": None, "distance_m": 5.0, "share": 1.0, "weight": weight, "left_out": None, "lon": 120.1,
        "lat": 31.2,
    }  # fmt: skip
    rows = [row | {"silence_id": f"s{h}", "began_at": T0 + dt.timedelta(hours=h)} for h in hours]
    return pl.DataFrame(
        rows,
        schema_overrides={
            "ended_at": UTC,
            "reappeared_m": pl.Float64,
            "left_out": pl.String,
            "began_at": UTC,
        },
    )


def encounters(db: Session, *hours: float) -> pl.DataFrame:
    row = {
        "vehicle_a": number(db), "vehicle_b": number(db, "V-B"), "kind": "meeting", "begun_by": "approach",
        "ended_by": "apart", "open": False, "duration_s": 600.0, "rest_s": 600.0, "convoy_s": 0.0, "nearest_m": 4.0,
        "lon": 120.1, "lat": 31.2,
    }  # fmt: skip
    times = [T0 + dt.timedelta(hours=h) for h in hours]
    return pl.DataFrame(
        [row | {"encounter_id": f"e{t}", "started_at": t, "ended_at": t, "nearest_at": t} for t in times],
        schema_overrides={"started_at": UTC, "ended_at": UTC, "nearest_at": UTC},
    )


def stored(db: Session, table: str, column: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in db.execute(text(f"SELECT id, run_id, {column} FROM {table} ORDER BY id"))]


def test_silences_are_brought_in_line_and_keep_their_rows(db: Session, town: dict[str, Any]) -> None:
    run = run_id(db)
    assert write_silences(db, silences(db, 1, 2), run, *WINDOW) == 2
    once = stored(db, "silences", "area_id")
    assert [row[2] for row in once] == [town["community_A"]] * 2
    assert write_silences(db, silences(db, 1, 2), run, *WINDOW) == 2
    assert stored(db, "silences", "area_id") == once
    changed = pl.concat([silences(db, 1), silences(db, 2, weight=0.5)])
    write_silences(db, changed, run, *WINDOW)
    after = stored(db, "silences", "weight")
    assert (after[0][0], after[0][2]) == (once[0][0], 1.0)
    assert after[1][0] != once[1][0] and after[1][2] == 0.5


def test_a_later_window_leaves_what_began_before_it(db: Session, town: dict[str, Any]) -> None:
    run = run_id(db)
    write_silences(db, silences(db, 1, 20), run, *WINDOW)
    write_encounters(db, encounters(db, 1, 20), run, *WINDOW)
    later = T0 + dt.timedelta(hours=12), T0 + dt.timedelta(days=2)
    assert write_silences(db, silences(db, 1).clear(), run, *later) == 0
    assert write_encounters(db, encounters(db, 1, 20), run, *later) == 1
    assert len(stored(db, "silences", "began_at")) == 1 and len(stored(db, "encounters", "started_at")) == 2


def test_encounters_are_written_once(db: Session, town: dict[str, Any]) -> None:
    run = run_id(db)
    assert write_encounters(db, encounters(db, 1, 2), run, *WINDOW) == 2
    once = stored(db, "encounters", "area_id")
    assert [row[2] for row in once] == [town["community_A"]] * 2
    assert write_encounters(db, encounters(db, 1, 2), run, *WINDOW) == 2
    assert stored(db, "encounters", "area_id") == once


def test_served_in_scope_only_with_the_names_of_the_vehicles(db: Session, town: dict[str, Any]) -> None:
    write_silences(db, silences(db, 1), run_id(db), *WINDOW)
    write_encounters(db, encounters(db, 1), run_id(db), *WINDOW)

    def properties(name: str) -> list[dict[str, Any]]:
        page = read_page(db, COLLECTIONS[name], Selection(), limit=100)
        return [json.loads(feature)["properties"] for feature in page.features]

    apply_scope(db, Scope(role="officer", area_ids=(town["town_A"], town["community_A"]), username="a"))
    (silence,), (met,) = properties("silences"), properties("encounters")
    assert {
        "site_id": "S-A",
        "vehicle_id": "V-A",
        "weight": 1.0,
        "began_at": "2026-06-01T01:00:00Z",
    }.items() <= (silence.items())
    assert {
        "vehicle_a": "V-A",
        "vehicle_b": "V-B",
        "kind": "meeting",
        "nearest_m": 4.0,
    }.items() <= met.items()
    for scope in (
        Scope(role="officer", area_ids=(town["town_B"], town["community_B"]), username="b"),
        PUBLIC,
    ):
        apply_scope(db, scope)
        assert properties("silences") == properties("encounters") == []
