"""Cells that are kept while many write, and what a reader may see of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS, Selection, TileQueries, read_tile, settle_cells
from layers.collections.tile_aggregates import COLLECTIONS_WITH_CELLS
from layers.collections.tiles import cells_statement
from layers.postgres import PUBLIC, SYSTEM, AsyncReader, Scope, apply_scope, session
from layers.postgres import sessions as database
from layers.records import reset
from tests.support.long_runs import examples

WIDTH_M = 40_075_016.685578488
KEYS = {
    "sites": "",
    "stays": "area_id",
    "visits": "area_id",
    "alerts": "area_id, kind",
    "cases": "area_id, domain",
}
LON, LAT = 120.9, 32.1
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def differences(db: Any, source: str = "stays") -> list[Any]:
    """Cells of any zoom whose points are not those of the table, in one statement and so at one moment."""
    scope = f"{KEYS[source]}," if KEYS[source] else ""
    names = "".join(
        f" AND b.{name.strip()} IS NOT DISTINCT FROM k.{name.strip()}"
        for name in KEYS[source].split(",")
        if name
    )
    cell_m = f"({WIDTH_M!r}::float8 / 128 / 2 ^ zoom)"
    return list(
        db.execute(
            text(
                f"WITH b AS (SELECT zoom, floor((ST_X(geom_3857) + {WIDTH_M / 2!r}) / {cell_m})::int x,"
                f" floor(({WIDTH_M / 2!r} - ST_Y(geom_3857)) / {cell_m})::int y, {scope} count(*) points,"
                f" avg(ST_X(geom_3857)) mx, avg(ST_Y(geom_3857)) my FROM {source}, generate_series(0, 10)"
                f" zoom GROUP BY {scope} 1, 2, 3), rows AS (SELECT zoom, x, y, {scope} points, x_mm, y_mm"
                f" FROM {source}_cells WHERE settled UNION ALL SELECT zoom, x >> (10 - zoom), y >> (10 -"
                f" zoom), {scope} points, x_mm, y_mm FROM (SELECT x, y, {scope} points, x_mm, y_mm FROM"
                f" {source}_cells WHERE NOT settled) f, generate_series(0, 10) zoom),"
                f" k AS (SELECT zoom, x, y, {scope} sum(points) points, sum(x_mm) x_mm, sum(y_mm) y_mm FROM"
                f" rows GROUP BY {scope} 1, 2, 3 HAVING (sum(points), sum(x_mm), sum(y_mm)) <> (0, 0, 0))"
                f" SELECT * FROM b FULL JOIN k ON (b.zoom, b.x, b.y) = (k.zoom, k.x, k.y){names}"
                " WHERE b.points IS DISTINCT FROM k.points OR abs(k.x_mm / k.points / 1000.0 - mx) > 0.001"
                " OR abs(k.y_mm / k.points / 1000.0 - my) > 0.001"
            )
        )
    )


def vehicle(db: Any) -> tuple[int, int]:
    """A vehicle and a run for stays to belong to."""
    run = db.scalar(
        text(
            "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
            " VALUES ('stays', '1', 'k', :at, '{}', '{}', :at) RETURNING id"
        ),
        {"at": START},
    )
    made = db.scalar(text("INSERT INTO vehicles (vehicle_id, kind) VALUES ('v', 'hazmat') RETURNING id"))
    return int(made), int(run)


class Stays:
    """Writes stays at places of its own clock, so that several writers never meet in a key."""

    def __init__(self, db: Any, ids: tuple[int, int], writer: int = 0) -> None:
        self.db, self.ids, self.at = db, ids, START + dt.timedelta(days=1000 * writer)
        self.random = random.Random(writer)

    def insert(self, n: int, area: int | None = None, spread: float = 0.02) -> None:
        self.db.execute(
            text(
                "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m,"
                " n_fixes, geom, h3_9, area_id) SELECT :run, :vehicle, CAST(:at AS timestamptz) +"
                " make_interval(secs => i), now(), 'left', false, 1, 1, ST_SetSRID(ST_MakePoint(x, y), 4326),"
                " 0, :area FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY p (x,"
                " y, i)"
            ),
            {
                "run": self.ids[1],
                "vehicle": self.ids[0],
                "at": self.at,
                "area": area,
                "lon": [LON + self.random.gauss(0, spread) for _ in range(n)],
                "lat": [LAT + self.random.gauss(0, spread) for _ in range(n)],
            },
        )
        self.at += dt.timedelta(seconds=n)

    def change(self, statement: str, share: int) -> None:
        """Run it over every ``share``-th row of this writer."""
        first = self.at - dt.timedelta(days=900)
        self.db.execute(
            text(f"{statement} WHERE started_at BETWEEN :a AND :b AND id % :share = 0"),
            {"a": first, "b": self.at, "share": share},
        )


CHANGES = {
    "move": "UPDATE stays SET geom = ST_Translate(geom, 0.003, -0.004)",
    "move a little": "UPDATE stays SET geom = ST_Translate(geom, 1e-6, 0)",
    "give away": "UPDATE stays SET area_id = CASE area_id WHEN 1 THEN 2 WHEN 2 THEN NULL ELSE 1 END",
    "another column": "UPDATE stays SET n_fixes = n_fixes + 1",
    "delete": "DELETE FROM stays",
}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["insert", "insert", *CHANGES, "settle", "upsert", "empty", "beyond"]),
        st.integers(1, 4),
        st.booleans(),
    ),
    min_size=3,
    max_size=12,
)


def take(stays: Stays, step: str, number: int) -> None:
    db = stays.db
    if step == "insert":
        stays.insert(number * 7, area=[None, 1, 2, 3][number - 1])
    elif step == "settle":
        settle_cells(db)
    elif step == "upsert":
        db.execute(
            text(
                "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m,"
                " n_fixes, geom, h3_9) SELECT run_id, vehicle_id, started_at + make_interval(hours => (id %"
                " 2)::int * 9999), ended_at, ended_by, open, 2, 2, ST_Translate(geom, 0.01, 0), 0 FROM stays"
                " ORDER BY id LIMIT 9 ON CONFLICT (vehicle_id, started_at) DO UPDATE SET geom = EXCLUDED.geom"
            )
        )
    elif step == "empty" and number == 4:
        db.execute(text("TRUNCATE stays"))
    elif step == "beyond":  # near the pole, where no tile is
        db.execute(
            text(
                "UPDATE stays SET geom = ST_SetSRID(ST_MakePoint(120, 86), 4326) WHERE id = (SELECT min(id)"
                " FROM stays)"
            )
        )
        assert db.scalar(text("SELECT COALESCE(min(y), 0) FROM stays_cells")) >= 0
        db.execute(text("DELETE FROM stays WHERE ST_Y(geom) > 85.06"))
    elif step in CHANGES:
        stays.change(CHANGES[step], number)


@examples(25, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_any_order_of_changes_keeps_the_counts(engine: Engine, steps: list[tuple[str, int, bool]]) -> None:
    with engine.connect() as connection:
        outer = connection.begin()
        with Session(connection, join_transaction_mode="create_savepoint") as db:
            stays = Stays(db, vehicle(db))
            stays.insert(30, 1)
            for step, number, undone in steps:
                savepoint = db.begin_nested()
                take(stays, step, number)
                assert differences(db) == []
                if undone:
                    savepoint.rollback()
                    assert differences(db) == []
        outer.rollback()


def test_writers_settlers_and_readers_at_once(fresh_database: str) -> None:
    """Every reader sees cells that are the points, in the same statement, whoever writes or settles."""
    with session(SYSTEM, fresh_database) as db:
        ids = vehicle(db)
    writing = threading.Event()
    writing.set()

    def write(number: int) -> None:
        r = random.Random(number)
        for round_ in range(25):
            with session(SYSTEM, fresh_database) as db:
                stays = Stays(db, ids, number)
                stays.at += dt.timedelta(hours=round_)
                stays.insert(r.randrange(1, 60), r.choice([None, 1, 2]))
                stays.change(CHANGES[r.choice(list(CHANGES))], r.randrange(1, 5))
                if r.random() < 0.2:
                    db.rollback()

    def settle_on() -> int:
        done, last = 0, False
        while not last:
            last = not writing.is_set()
            with session(SYSTEM, fresh_database) as db:
                done += settle_cells(db).get("stays", 0)
        return done

    def read_on() -> int:
        reads, last = 0, False
        while not last:
            last = not writing.is_set()
            with session(SYSTEM, fresh_database) as db:
                assert differences(db) == []
            reads += 1
        return reads

    with ThreadPoolExecutor(7) as pool:
        settlers, reader = [pool.submit(settle_on) for _ in range(2)], pool.submit(read_on)
        try:
            for future in [pool.submit(write, number) for number in range(1, 5)]:
                future.result()
        finally:
            writing.clear()
        assert sum(s.result() for s in settlers) > 0 and reader.result() > 0
    with session(SYSTEM, fresh_database) as db:
        assert differences(db) == []
        settle_cells(db)
        assert differences(db) == []
        assert db.scalar(text("SELECT count(*) FROM stays")) == db.scalar(
            text("SELECT sum(points) FROM stays_cells WHERE settled AND zoom = 3")
        )
        assert not db.scalar(text("SELECT count(*) FROM stays_cells WHERE NOT settled"))


def test_writers_do_not_wait_for_each_other_nor_for_settling(fresh_database: str) -> None:
    """Two open transactions write to the same cell, a third settles, a fourth finds that somebody does."""
    with session(SYSTEM, fresh_database) as db:
        ids = vehicle(db)
        Stays(db, ids, 9).insert(5, spread=0)
    engine = database.engine(fresh_database)
    with Session(engine) as a, Session(engine) as b, Session(engine) as settler, Session(engine) as other:
        for number, writer in enumerate((a, b)):
            writer.execute(text("SET LOCAL lock_timeout = '30s'"))
            writer.execute(text("SELECT setseed(0.5)"))  # a write settles now and then: not these
            Stays(writer, ids, number).insert(3, spread=0)
        assert settle_cells(settler)["stays"] <= 1
        assert "stays" not in settle_cells(other)
        Stays(b, ids, 5).insert(2, spread=0)
        a.commit()
        settler.commit()
        b.rollback()
        assert differences(other) == []
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        assert settle_cells(Session(connection)) == {}


def crowd(db: Session) -> dict[str, Scope]:
    """Stays of two areas in the same cells: 4,000 of A and 3,500 of B."""
    stays = Stays(db, vehicle(db))
    stays.insert(4_000, 1)
    settle_cells(db)
    stays.insert(3_500, 2)
    return {
        "A": Scope(role="officer", area_ids=(1,)),
        "B": Scope(role="viewer", area_ids=(2,)),
        "both": Scope(role="dispatcher", area_ids=(1, 2)),
        "city": Scope(role="supervisor", city_wide=True),
        "nowhere": Scope(role="officer"),
        "sender": Scope(role="device", city_wide=True),
        "public": PUBLIC,
    }


def test_a_reader_counts_own_rows_only(db: Session) -> None:
    expected = {"A": 4_000, "B": 3_500, "both": 7_500, "city": 7_500, "nowhere": 0, "sender": 0, "public": 0}
    stays = COLLECTIONS["stays"]
    for name, scope in crowd(db).items():
        apply_scope(db, scope)
        made = read_tile(db, stays, Selection(), zoom=0, column=0, row=0)
        assert (made.matched, made.aggregated) == (expected[name], expected[name] > 0), name
        assert (
            db.scalar(text("SELECT sum(points) FROM stays_cells WHERE NOT settled OR zoom = 5")) or 0
        ) == expected[name]
        for at in ((4, 13, 6), (7, 106, 51), (9, 428, 207), (10, 855, 415)):
            by_points = db.execute(cells_statement(stays, Selection(), at)).one()
            by_cells = db.execute(cells_statement(stays, Selection(), at, stored=True)).one()
            assert by_cells[1:] == (by_points[1:] if by_points[1] > 3_000 else (0, 0)), (name, at)
            if by_points[1] > 3_000:
                assert len(bytes(by_cells[0])) == pytest.approx(len(bytes(by_points[0])), abs=8)
        apply_scope(db, SYSTEM)


def test_the_event_loop_reads_the_same_tiles_while_rows_come_and_go(fresh_database: str) -> None:
    """As the service does: prepared statements with one plan, several scopes one after the other."""
    with session(SYSTEM, fresh_database) as db:
        scopes = crowd(db)
    stays, at = COLLECTIONS["stays"], {"column": 26, "row": 12}

    async def tiles() -> list[tuple[int, bool]]:
        reader, queries = AsyncReader(fresh_database, size=1), TileQueries(stays, Selection(), 5)
        reader.start()
        found = []
        for change in (
            "SELECT 1",
            "SELECT settle_cells('stays')",
            "DELETE FROM stays WHERE area_id = 1 AND id % 4 = 0",
        ):
            with session(SYSTEM, fresh_database) as db:
                db.execute(text(change))
            for name in ("A", "B", "city", "nowhere"):
                tile = await queries.read(reader, scopes[name], **at)
                found.append((tile.matched, tile.aggregated))
        await reader.stop()
        return found

    full = [(4_000, True), (3_500, True), (7_500, True), (0, False)]
    assert asyncio.run(tiles()) == [*full, *full, (3_000, False), (3_500, True), (6_500, True), (0, False)]


@pytest.mark.parametrize("count", [3_000, 3_001])
def test_the_crowd_begins_where_it_begins_without_kept_cells(db: Session, count: int) -> None:
    Stays(db, vehicle(db)).insert(count, 1)
    for _ in range(2):
        tile = read_tile(db, COLLECTIONS["stays"], Selection(), zoom=3, column=6, row=3)
        assert (tile.matched, tile.aggregated) == (count, count > 3_000)
        settle_cells(db)


def test_cells_have_the_policies_of_their_points(db: Session) -> None:
    statement = text(
        "SELECT policyname, permissive, roles, qual FROM pg_policies WHERE tablename = :name AND cmd IN"
        " ('ALL', 'SELECT') ORDER BY 1"
    )
    secured = text("SELECT relrowsecurity FROM pg_class WHERE relname = :name")
    for source in COLLECTIONS_WITH_CELLS:
        of_points, of_cells = (
            db.execute(statement, {"name": name}).all() for name in (source, f"{source}_cells")
        )
        if (
            source == "cases"
        ):  # cells know areas and domains, not parties: who acts for a body is counted live
            assert "party_ids" in of_points[0].qual and "party_ids" not in of_cells[0].qual
        elif source == "sites":  # sites with a place are for everybody, and cells count no others
            assert of_points[0].qual.startswith("((geom IS NOT NULL) OR") and of_cells[0].qual == "true"
        else:
            assert of_cells == of_points, source
        assert db.scalar(secured, {"name": f"{source}_cells"}) == db.scalar(secured, {"name": source}) is True
    assert set(KEYS) == set(COLLECTIONS_WITH_CELLS)


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM sites_cells", "SELECT settle_cells('sites')", "SELECT recount_cells('sites')"],
)
def test_a_reader_cannot_change_what_is_kept(db: Session, statement: str) -> None:
    apply_scope(db, Scope(role="supervisor", city_wide=True))
    with pytest.raises(ProgrammingError, match="permission denied"):
        db.execute(text(statement))


def test_the_index_is_used_under_a_policy(db: Session) -> None:
    scope = crowd(db)["A"]
    db.execute(text("SET LOCAL enable_seqscan = off"))
    apply_scope(db, scope)
    compiled = cells_statement(COLLECTIONS["stays"], Selection(), (8, 213, 103), stored=True).compile(
        db.connection()
    )
    plan = "\n".join(r[0] for r in db.connection().exec_driver_sql(f"EXPLAIN {compiled}", compiled.params))
    assert plan.count("uq_stays_cells") >= 2 and plan.count("ix_stays_cells_fresh") >= 2
    assert "Index Cond: ((zoom = 8) AND (tile_x = 213) AND (tile_y = 103)" in plan and "Seq Scan" not in plan


def test_points_that_were_there_before_are_counted(empty_database: str) -> None:
    database.migrate(empty_database, "0012")
    with session(SYSTEM, empty_database) as db:
        Stays(db, vehicle(db)).insert(500, 1)
    database.migrate(empty_database)
    with session(SYSTEM, empty_database) as db:
        assert differences(db) == []
        assert db.scalar(text("SELECT count(*) FROM stays_cells WHERE settled AND zoom = 10")) > 100


def test_counting_again_mends_what_was_written_past_the_triggers(fresh_database: str) -> None:
    with session(SYSTEM, fresh_database) as db:
        stays = Stays(db, vehicle(db))
        stays.insert(60, 1)
        settle_cells(db)
        stays.insert(20, 2)
        db.execute(text("SET LOCAL session_replication_role = replica"))
        stays.change("DELETE FROM stays", 3)
        db.execute(text("SET LOCAL session_replication_role = origin"))
        assert differences(db) != []
    with session(SYSTEM, fresh_database) as db:
        assert db.scalar(text("SELECT recount_cells('stays')")) > 0
        assert differences(db) == []


def test_cells_are_counted_again_after_a_reset(fresh_database: str) -> None:
    reset(fresh_database)
    database.migrate(fresh_database)
    with session(SYSTEM, fresh_database) as db:
        assert settle_cells(db) == dict.fromkeys(COLLECTIONS_WITH_CELLS, 0)
