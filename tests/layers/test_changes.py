"""What a commit tells of what it touched, and the versions of tiles that follow from it."""

from __future__ import annotations

import json
import multiprocessing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from layers.collections import COLLECTIONS
from layers.postgres import (
    CHANNEL,
    SYSTEM,
    CommittedChange,
    Scope,
    TileVersions,
    libpq_url,
    session,
    tile_versions,
)
from layers.postgres import sessions as database
from layers.postgres.changes import covering_tiles
from layers.records import reset
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.tiles import tile_of
from tests.support.waiting import PATIENCE_S

LON, LAT = 121.05, 32.08


@pytest.fixture
def enterprise(fresh_database: str) -> int:
    with session(SYSTEM, fresh_database) as db:
        return insert_enterprise(db)


def add_site(db: Any, enterprise: int, name: str, lon: float = LON, lat: float = LAT) -> None:
    insert_site(db, enterprise, name, lon, lat)


def add_area(db: Any, code: str, west: float, south: float, east: float, north: float) -> int:
    made: int = db.execute(
        text(
            "INSERT INTO areas (code, name, kind, valid_from, geom, label_point, area_m2) SELECT :code, :code,"
            " 'unit_grid', now(), ST_Multi(box), ST_Centroid(box), 1"
            " FROM (SELECT ST_MakeEnvelope(:w, :s, :e, :n, 4326) AS box) b RETURNING id"
        ),
        {"code": code, "w": west, "s": south, "e": east, "n": north},
    ).scalar_one()
    return made


def log(url: str) -> list[CommittedChange]:
    with session(SYSTEM, url) as db:
        rows = db.execute(text("SELECT id, layer, touched FROM layer_changes ORDER BY id")).all()
    return [CommittedChange(layer, id, None if keys is None else frozenset(keys)) for id, layer, keys in rows]


def versions_at(versions: TileVersions, layer: str, lon: float, lat: float) -> list[int]:
    return [versions.version(layer, *tile_of(lon, lat, zoom)) for zoom in range(19)]


def test_a_commit_raises_the_tiles_above_it_and_no_other(fresh_database: str, enterprise: int) -> None:
    versions = tile_versions(fresh_database)
    before = versions_at(versions, "sites", LON, LAT)
    far = versions_at(versions, "sites", 120.4, 32.6)
    other = versions_at(versions, "areas", LON, LAT)
    with session(SYSTEM, fresh_database) as db:
        add_site(db, enterprise, "a")
        assert versions_at(versions, "sites", LON, LAT) == before, "not before the commit"
    after = versions_at(versions, "sites", LON, LAT)
    assert all(new > old for new, old in zip(after, before, strict=True))
    unmoved = [new == old for new, old in zip(versions_at(versions, "sites", 120.4, 32.6), far, strict=True)]
    assert all(unmoved[10:]), "half a degree away nothing changed at zoom 10 and beyond"
    assert versions_at(versions, "areas", LON, LAT) == other


def test_a_rollback_raises_nothing_and_leaves_no_trace(fresh_database: str, enterprise: int) -> None:
    versions, before = tile_versions(fresh_database), len(log(fresh_database))
    at = versions_at(versions, "sites", LON, LAT)
    with pytest.raises(RuntimeError), session(SYSTEM, fresh_database) as db:
        add_site(db, enterprise, "a")
        raise RuntimeError
    with session(SYSTEM, fresh_database) as db:
        savepoint = db.begin_nested()
        add_site(db, enterprise, "b")
        savepoint.rollback()
    assert versions_at(versions, "sites", LON, LAT) == at
    assert len(log(fresh_database)) == before


def test_one_note_a_transaction_and_layer_with_both_places_of_a_move(
    fresh_database: str, enterprise: int
) -> None:
    with session(SYSTEM, fresh_database) as db:
        add_site(db, enterprise, "a", 121.05, 32.08)
        add_site(db, enterprise, "b", 121.35, 32.08)
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("UPDATE sites SET geom = ST_Translate(geom, 0.5, 0) WHERE site_id = 'b'"))
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("DELETE FROM sites WHERE site_id = 'a'"))
    created, moved, deleted = log(fresh_database)
    assert created.cells is not None and moved.cells is not None and deleted.cells is not None
    at = {lon: tile_of(lon, 32.08, 12)[1:] for lon in (121.05, 121.35, 121.85)}
    assert {at[121.05], at[121.35]} <= created.cells and len(created.cells) <= 8
    assert {at[121.35], at[121.85]} <= moved.cells and at[121.05] not in moved.cells
    assert at[121.05] in deleted.cells
    assert [created.id, moved.id, deleted.id] == sorted(x.id or 0 for x in (created, moved, deleted))


def test_a_statement_without_rows_is_no_change(fresh_database: str, enterprise: int) -> None:
    before = log(fresh_database)
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("UPDATE sites SET kind = 'x' WHERE site_id = 'nobody'"))
        db.execute(text("DELETE FROM areas WHERE code = 'nobody'"))
    assert log(fresh_database) == before


def test_too_many_places_are_the_whole_layer(fresh_database: str, enterprise: int) -> None:
    with session(SYSTEM, fresh_database) as db:
        for i in range(400):
            add_site(db, enterprise, f"s{i}", 100 + i * 0.1)
    (change,) = log(fresh_database)
    assert change.cells is None
    versions = TileVersions()
    before = versions.version("sites", 14, 0, 0)
    versions.bump(change)
    assert versions.version("sites", 14, 0, 0) > before


def test_a_zone_touches_every_tile_that_it_meets(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        add_area(db, "z", 120.9, 32.0, 121.2, 32.2)
    (change,) = log(fresh_database)
    assert change.cells is not None
    _, west, north = tile_of(120.9, 32.2, 12)
    _, east, south = tile_of(121.2, 32.0, 12)
    inside = {(x, y) for x in range(west, east + 1) for y in range(north, south + 1)}
    assert inside <= change.cells
    assert change.cells - inside <= {
        (x, y) for x in range(west - 1, east + 2) for y in range(north - 1, south + 2)
    }


@pytest.mark.parametrize(
    ("statement", "layers"),
    [
        (
            "UPDATE vehicles SET vehicle_id = 'renamed'",
            {"stays", "visits", "silences", "encounters", "tracks", "fence_events"},
        ),
        ("UPDATE areas SET name = 'renamed'", {"areas", "cases"}),
        ("TRUNCATE places", {"places"}),
    ],
)
def test_where_anything_may_look_different_the_whole_layer_is_told(
    fresh_database: str, statement: str, layers: set[str]
) -> None:
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("INSERT INTO vehicles (vehicle_id, kind) VALUES ('v', 'hazmat')"))
        add_area(db, "a", 121.0, 32.0, 121.1, 32.1)
    start = len(log(fresh_database))
    with session(SYSTEM, fresh_database) as db:
        db.execute(text(statement))
    told = {change.layer: change for change in log(fresh_database)[start:]}
    assert set(told) == layers
    assert {name for name, change in told.items() if change.touched is None} == layers - {"areas"}


def test_names_that_other_layers_show(fresh_database: str, enterprise: int) -> None:
    with session(SYSTEM, fresh_database) as db:
        add_site(db, enterprise, "a")
        run = db.execute(
            text(
                "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
                " VALUES ('m', '1', 'k', now(), '{}', '{}', now()) RETURNING id"
            )
        ).scalar_one()
        db.execute(
            text(
                "INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower,"
                " geom, area_id)"
                " SELECT :run, id, 'illegal_resumption', 'high', 1, now(), '[]', '[]', geom, 7 FROM sites"
            ),
            {"run": run},
        )
    start = len(log(fresh_database))
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("UPDATE enterprises SET name = 'renamed'"))
    told = {change.layer: change for change in log(fresh_database)[start:]}
    assert set(told) == {"sites", "alerts"}
    cell = tile_of(LON, LAT, 12)[1:]
    assert cell in (told["sites"].cells or ()) and cell in (told["alerts"].cells or ())
    assert told["alerts"].visible_to(Scope(role="officer", area_ids=(8,))) is None
    assert told["alerts"].visible_to(Scope(role="officer", area_ids=(7,))) == told["alerts"]
    assert told["alerts"].visible_to(Scope(role="officer", area_ids=(7,), domains=("urban",))) is None
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("UPDATE enterprises SET name = name"))
    assert len(log(fresh_database)) == start + 2, "nothing that a tile shows has changed"


def test_listeners_hear_what_the_log_holds_in_its_order(fresh_database: str, enterprise: int) -> None:
    with psycopg.connect(libpq_url(fresh_database), autocommit=True) as listener:
        listener.execute(f"LISTEN {CHANNEL}")
        for i in range(3):
            with session(SYSTEM, fresh_database) as db:
                add_site(db, enterprise, f"s{i}")
                add_area(db, f"a{i}", 121, 32, 121.1, 32.1)
        heard = [
            CommittedChange.parse(notice.payload)
            for notice in listener.notifies(timeout=PATIENCE_S, stop_after=6)
        ]
    assert heard == log(fresh_database) and len(heard) == 6


def test_readers_neither_see_nor_write_the_log(fresh_database: str) -> None:
    for statement in ("SELECT * FROM layer_changes", "SELECT note_change('areas', NULL)"):
        with (
            pytest.raises(Exception, match="permission denied"),
            session(Scope(role="supervisor", city_wide=True), fresh_database) as db,
        ):
            db.execute(text(statement))


def test_a_change_counts_once_however_many_tell_of_it() -> None:
    versions = TileVersions()
    change = CommittedChange("sites", 5, frozenset({"|14029230"}))
    before = versions.version("sites", 12, 3425, 430)
    versions.bump(change)
    once = versions.version("sites", 12, 3425, 430)
    versions.bump(change)
    assert before < once == versions.version("sites", 12, 3425, 430)
    versions.bump_all()
    versions.bump(change)  # after a restart of the database its numbers may come again
    assert versions.version("sites", 12, 3425, 430) == once + 2


def test_nothing_is_equal_while_changes_may_be_missed() -> None:
    versions = TileVersions()
    versions.listening = False
    assert len({versions.version("areas", 3, 1, 1) for _ in range(100)}) == 100


def test_grids_are_areas_and_cases_follow_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = TileVersions()
    before = versions.version("grids", 14, 100, 100)
    versions.bump(CommittedChange("areas", 1))
    assert versions.version("grids", 14, 100, 100) == before + 1
    now = 1_700_000_000.0
    monkeypatch.setattr("layers.postgres.changes.time.time", lambda: now)
    cases, sites = versions.version("cases", 9, 1, 1), versions.version("sites", 9, 1, 1)
    monkeypatch.setattr("layers.postgres.changes.time.time", lambda: now + 61)
    assert versions.version("cases", 9, 1, 1) > cases and versions.version("sites", 9, 1, 1) == sites


def _raise_often(path: str, start: int, barrier: Any) -> None:
    versions = TileVersions(Path(path))
    barrier.wait()
    for i in range(500):
        versions.bump(CommittedChange("sites", start + i, frozenset({"|14029230"})))


def test_no_step_is_lost_between_processes(tmp_path: Path) -> None:
    path = tmp_path / "versions"
    versions = TileVersions(path)
    before = versions.version("sites", 12, 3425, 430)
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(2)
    both = [
        spawn.Process(target=_raise_often, args=(str(path), start, barrier)) for start in (10_000, 20_000)
    ]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
        assert process.exitcode == 0
    assert versions.version("sites", 12, 3425, 430) == before + 1000


def test_a_payload_of_many_areas_fits_a_notice(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        db.execute(
            text(
                "SELECT note_change('stays', ARRAY(SELECT (9007199254740991 - i) || '|' || i FROM"
                " generate_series(1, 5000) i))"
            )
        )
    (change,) = log(fresh_database)
    assert change.touched is None
    payload = json.dumps({"id": 1, "layer": "stays", "touched": None})
    assert CommittedChange.parse(payload) == CommittedChange("stays", 1)


@given(
    lon=st.floats(-179.9, 179.9),
    lat=st.floats(-84, 84),
    zoom=st.integers(0, 12),
)
def test_tiles_over_hold_the_tile_of_every_zoom(lon: float, lat: float, zoom: int) -> None:
    cell = tile_of(lon, lat, 12)[1:]
    assert tile_of(lon, lat, zoom) in set(covering_tiles(*cell))


def test_the_log_is_gone_after_a_reset(fresh_database: str) -> None:
    assert "fences" in COLLECTIONS
    reset(fresh_database)
    database.migrate(fresh_database)
    with session(SYSTEM, fresh_database) as db:
        add_area(db, "again", 121, 32, 121.1, 32.1)
    assert len(log(fresh_database)) == 1
