"""Silences and encounters in the main job: stored by a run, kept by the next one, seen by those whose area it is."""

from __future__ import annotations

import datetime as dt
import math

import polars as pl
from sqlalchemy import text

from geo_api.jobs.analysis import Analysis
from geo_api.jobs.measured_vehicles import measure_vehicles
from layers.postgres import SYSTEM, session
from layers.records import enterprises, tracks
from layers.records.tracks import write_fixes, write_vehicles
from spatial_models.stays import detect_stays, sampling_gaps_s

T0 = dt.datetime(2026, 6, 1, 2, tzinfo=dt.UTC)
M_PER_DEG = 6_371_008.8 * math.pi / 180


def drive(vehicle: str, start_min: int, stand_min: int, dark_min: int = 0) -> pl.DataFrame:
    """From 6 km in the south to the plant, 600 m a minute; a stand; dark; and back again."""
    there = [(start_min + m, -6000 + 600 * m) for m in range(11)]
    stand = [(start_min + 11 + m, 0) for m in range(stand_min)]
    back = [(start_min + 11 + stand_min + dark_min + m, -600 * m) for m in range(11)]
    minutes, metres = zip(*(*there, *stand, *back), strict=True)
    return pl.DataFrame(
        {
            "vehicle_id": vehicle,
            "t": [T0 + dt.timedelta(minutes=m) for m in minutes],
            "lon": 121.05,
            "lat": [32.05 + m / M_PER_DEG for m in metres],
            "speed_kmh": None,
            "heading_deg": None,
            "h3_9": 0,
            "area_id": None,
        },
        schema_overrides={"speed_kmh": pl.Float64, "heading_deg": pl.Float64, "area_id": pl.Int64},
    )


def load(url: str) -> None:
    with session(SYSTEM, url) as db:
        enterprises.write_enterprises(
            db,
            pl.DataFrame({"uscc": ["91320600MA1MN00000"], "name": ["某化工"], "industry": ["chemical"],
                          "hazard": ["chemical"], "status": ["closed"], "status_since": [dt.date(2025, 1, 1)]}),
        )  # fmt: skip
        enterprises.write_sites(
            db,
            pl.DataFrame({"site_id": ["S"], "uscc": ["91320600MA1MN00000"], "kind": ["production"], "lon": [121.05],
                          "lat": [32.05], "boundary": [None], "h3_9": [0], "h3_10": [0], "address": [None]},
                         schema_overrides={"boundary": pl.String}),
        )  # fmt: skip
        kinds = {"A": "hazmat", "B": "other", "C": "hazmat", "bus": "coach"}
        write_vehicles(
            db,
            pl.DataFrame({"vehicle_id": list(kinds), "plate": None, "plate_color": None, "kind": list(kinds.values())},
                         schema_overrides={"plate": pl.String, "plate_color": pl.String}),
        )  # fmt: skip
        write_fixes(
            db,
            pl.concat([drive("A", 0, 40), drive("B", 0, 40), drive("bus", 0, 40), drive("C", 300, 0, 120)]),
        )


def stored(url: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    with session(SYSTEM, url) as db:
        met = db.execute(
            text(
                "SELECT e.id, e.run_id, a.vehicle_id, b.vehicle_id, e.kind, e.duration_s FROM encounters e"
                " JOIN vehicles a ON a.id = e.vehicle_a JOIN vehicles b ON b.id = e.vehicle_b ORDER BY 1"
            )
        ).all()
        dark = db.execute(
            text(
                "SELECT d.id, d.run_id, v.vehicle_id, s.site_id, d.duration_s, d.weight, d.left_out FROM silences d"
                " JOIN vehicles v ON v.id = d.vehicle_id JOIN sites s ON s.id = d.site_id ORDER BY 1"
            )
        ).all()
    return [tuple(row) for row in met], [tuple(row) for row in dark]


def test_a_run_stores_whom_vehicles_met_and_who_fell_silent(fresh_database: str) -> None:
    """A and B stand together for 41 minutes, C is dark for two hours at the plant; coaches carry no goods."""
    load(fresh_database)
    first = Analysis(fresh_database).run()
    assert (first.counts["encounters"], first.counts["silences"]) == (1, 1)
    (met,), (dark,) = stored(fresh_database)
    assert met[2:5] == ("A", "B", "meeting")
    assert met[5] == 41 * 60.0, "from the last fix of the way there to the first of the way back"
    assert dark[2:] == ("C", "S", 121 * 60.0, 1.0, None)
    again = Analysis(fresh_database, days=29).run()
    assert not again.unchanged and again.counts["encounters"] == 1
    assert stored(fresh_database) == ([met], [dark]), "the same rows, of the first run"


def test_the_signals_of_the_same_frames(fresh_database: str) -> None:
    load(fresh_database)
    with session(SYSTEM, fresh_database) as db:
        at = T0 + dt.timedelta(days=1)
        fixes = tracks.read_fixes(db, T0 - dt.timedelta(days=1), at)
        found = measure_vehicles(
            db, fixes, detect_stays(fixes).stays, sampling_gaps_s(fixes), at=at, window=(T0 - dt.timedelta(days=1), at), link_gap_s=43_200.0,
            zone="Asia/Shanghai", seconds={},
        ).signals  # fmt: skip
    values = dict(found.select("signal", "value").iter_rows())
    assert {name: values[name] is not None and round(values[name], 2) for name in values} == {
        "hazmat_visits": 0.99, "heavy_visits": 0.99, "dark_near_site": 0.99, "encounters_near_site": 0.99,
        "neighbour_yard": 0.0, "night_visits": 0.0,
    }  # fmt: skip
