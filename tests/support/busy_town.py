"""The small town at work: cases, breaches of fences, change sets, and a row of every published collection.

``fill_every_collection`` leaves none of the catalog's collections without a feature. A collection that is new
gets a row of what its columns ask for, so that what is tested of all collections is tested of it.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import ARRAY, Column, Table, func, insert, select, text
from sqlalchemy import types as sql
from sqlalchemy.orm import Session
from sqlalchemy.sql.selectable import Alias, FromClause, Join

from layers.collections import COLLECTIONS, Collection
from layers.tables import Base
from tests.support.direct_writes import write_cases_directly
from tests.support.small_town import BOXES, RAISED


def _insert(db: Session, sql: str, **values: Any) -> int:
    return int(db.execute(text(sql), values).scalar_one())


def unassigned(lon: float, lat: float, domain: str) -> dict[str, Any]:
    """The assignment of a case that lies in no area."""
    areas = dict.fromkeys(("city", "county", "town", "community", "unit_grid")) | {
        "functional_zone": [],
        "water": [],
    }
    return {
        "outcome": "no_area", "lon": lon, "lat": lat, "accuracy_m": 0, "item_code": "X-1", "at": RAISED.isoformat(),
        "domain": domain, "areas": areas, "lead": None, "co_handlers": [], "copied_to": [], "candidates": [], "explanation": [],
    }  # fmt: skip


def empty_preview(code: str) -> dict[str, Any]:
    """The preview of a change set that begins one area."""
    return {
        "affected_sites": 0, "open_cases": [], "new_codes": [code], "voided_codes": [],
        "load": {"before": [], "after": []}, "result": {"type": "FeatureCollection", "features": []},
    }  # fmt: skip


def seed_work(db: Session, ids: dict[str, Any]) -> None:
    """A case of each domain, an event of it, a breach of a fence and a change set in both towns."""
    write_cases_directly(db)
    for letter in "AB":
        lon, area = BOXES[letter][0] + 0.1, ids[f"community_{letter}"]
        place = {"lon": lon, "lat": 31.2, "area": area}
        for domain in ("ecology", "market"):
            case = ids[f"case_{letter}_{domain}"] = _insert(
                db,
                "INSERT INTO cases (number, alert_id, site_id, title, item_code, domain, co_handlers,"
                " assignment, state, opened_at, geom, area_id, town_area_id) VALUES (:number, :alert, :site,"
                " :title, 'X-1', :domain, '{}', CAST(:assignment AS jsonb), 'reported', :at,"
                " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :area, :town) RETURNING id",
                number=f"NT-{letter}-{domain}", title=f"案件{letter}{domain}", domain=domain, at=RAISED,
                alert=ids[f"alert_{letter}"] if domain == "ecology" else None, site=ids[f"site_{letter}"],
                town=ids[f"town_{letter}"], assignment=json.dumps(unassigned(lon, 31.2, domain)), **place,
            )  # fmt: skip
            _insert(
                db,
                "INSERT INTO case_events (case_id, seq, at, actor, role, action, to_state, payload,"
                " prev_hash, hash, area_id) VALUES (:case, 1, :at, 'x', 'dispatcher', 'report', 'reported',"
                " CAST(:payload AS jsonb), '', '', :area) RETURNING id",
                case=case, at=RAISED, payload=json.dumps({"note": f"事件{letter}"}), area=area,
            )  # fmt: skip
        fence = _insert(
            db,
            "INSERT INTO fences (fence_id, name, rule, geom) VALUES (:id, :id, 'forbid_enter',"
            " ST_Multi(ST_Expand(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 0.01))) RETURNING id",
            id=f"F-{letter}", lon=lon, lat=31.2,
        )  # fmt: skip
        _insert(
            db,
            "INSERT INTO fence_events (run_id, event_id, fence_id, vehicle_id, started_at, begun_by,"
            " ended_at, ended_by, open, confirmed_at, duration_s, over_s, n_fixes, geom, area_id) VALUES"
            " (:run, :event, :fence, (SELECT id FROM vehicles WHERE vehicle_id = :vehicle), :at, 'entered',"
            " :at, 'left', false, :at, 60, 60, 3, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :area)"
            " RETURNING id",
            run=ids["run"], event=f"breach-{letter}", fence=fence, vehicle=f"V-{letter}", at=RAISED, **place,
        )  # fmt: skip
        _insert(
            db,
            "INSERT INTO silences (run_id, silence_id, vehicle_id, site_id, began_at, ended_at, duration_s, before_s,"
            " reappeared_m, distance_m, share, weight, geom, area_id) VALUES (:run, :silence,"
            " (SELECT id FROM vehicles WHERE vehicle_id = :vehicle), :site, :at, :at, 7200, 60, 20, 40, 1, 0.9,"
            " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :area) RETURNING id",
            run=ids["run"], silence=f"silence-{letter}", vehicle=f"V-{letter}", site=ids[f"site_{letter}"], at=RAISED,
            **place,
        )  # fmt: skip
        _insert(
            db,
            "INSERT INTO encounters (run_id, encounter_id, vehicle_a, vehicle_b, kind, started_at, ended_at, begun_by,"
            " ended_by, open, duration_s, rest_s, convoy_s, nearest_m, nearest_at, geom, area_id)"
            " SELECT :run, :met, v.id, v.id, 'meeting', :at, :at, 'approach', 'apart', false, 600, 600, 0, 12, :at,"
            " ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :area FROM vehicles v WHERE v.vehicle_id = :vehicle"
            " RETURNING id",
            run=ids["run"], met=f"met-{letter}", vehicle=f"V-{letter}", at=RAISED, **place,
        )  # fmt: skip
        ids[f"change_{letter}"] = _insert(
            db,
            "INSERT INTO change_sets (area_id, status, author, created_at, operations, preview) VALUES"
            " (:area, 'draft', 'x', :at, CAST(:operations AS jsonb), CAST(:preview AS jsonb)) RETURNING id",
            area=area, at=RAISED, preview=json.dumps(empty_preview(f"preview-{letter}")),
            operations=json.dumps([{"op": "merge", "area_ids": [ids[f"grid_{letter}1"], ids[f"grid_{letter}2"]]}]),
        )  # fmt: skip


def fill_every_collection(db: Session, ids: dict[str, Any]) -> None:
    """At least one feature in each collection of the catalog."""
    seed_work(db, ids)
    for lon, lat, kind in (
        (120.2, 31.1, "petrol"),
        (120.3, 31.2, "service_area"),
        (120.9, 31.4, "licensed_parking"),
    ):
        db.execute(
            text(
                "INSERT INTO places (kind, lon, lat, radius_m, geom) VALUES"
                " (:kind, :lon, :lat, 50, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
            ),
            {"kind": kind, "lon": lon, "lat": lat},
        )
    for collection in COLLECTIONS.values():
        if not db.scalar(select(func.count()).select_from(collection.source)):
            ensure_feature(db, collection)


ASKED_BY_A_CHECK = {"alerts.site_id"}
"""Columns that may be empty, one of which a check constraint asks for: an alert has a site or a fence."""


def ensure_feature(db: Session, collection: Collection) -> None:
    """A row in each table of a collection's source that has none, of what its columns ask for."""
    write_cases_directly(db)
    for each in _tables(collection.source):
        _ensure_row(db, each, collection)


def _tables(source: FromClause) -> list[Table]:
    """Tables of a join; the first is the one whose rows are features."""
    if isinstance(source, Join):
        return [*_tables(source.left), *_tables(source.right)]
    source = source.element if isinstance(source, Alias) else source
    assert isinstance(source, Table), f"a row of {source} has to be written by hand in {__name__}"
    return [source]


def _ensure_row(db: Session, table: Table, collection: Collection) -> Any:
    """The key of a row of a table, written when there is none."""
    key = next(iter(table.primary_key.columns))
    found = db.scalar(select(key).limit(1))
    if found is None:
        needed = [
            c
            for c in table.columns
            if not (c.nullable or c.server_default or c.computed or c.identity)
            or f"{table.name}.{c.name}" in ASKED_BY_A_CHECK
            or c.name == "geom"  # a site may have no place; a feature has one
        ]
        values = {c.name: _value(db, c, collection) for c in needed}
        found = db.execute(insert(table).values(values).returning(key)).scalar_one()
    return found


def _value(db: Session, column: Column[Any], collection: Collection) -> Any:
    for foreign in column.foreign_keys:
        return _ensure_row(db, Base.metadata.tables[foreign.column.table.name], collection)
    kind = column.type
    if isinstance(kind, Geometry):
        box = func.ST_MakeEnvelope(120.2, 31.2, 120.21, 31.21, 4326)
        shapes = {"POINT": func.ST_Centroid(box), "POLYGON": box, "MULTIPOLYGON": func.ST_Multi(box)}
        edge = func.ST_ExteriorRing(box)
        shapes |= {"LINESTRING": edge, "MULTILINESTRING": func.ST_Multi(edge), "GEOMETRY": box}
        return shapes[str(kind.geometry_type)]
    for types, value in (
        (sql.Boolean, False),
        (sql.Integer, 1),
        ((sql.Float, sql.Numeric), 1),
        (sql.DateTime, RAISED),
        (sql.Date, RAISED.date()),
        (ARRAY, []),
        (sql.JSON, unassigned(120.2, 31.2, "ecology") if column.name == "assignment" else {}),
        (sql.Interval, dt.timedelta(seconds=1)),
    ):
        if isinstance(kind, types):
            return value
    allowed = db.scalar(_ALLOWED, {"table": column.table.name, "column": column.name})
    named = next((p.values for p in collection.properties if p.name == column.name and p.values), ())
    return allowed or next(iter(named), f"{collection.id} 示例")


_ALLOWED = text(
    "SELECT substring(pg_get_constraintdef(c.oid) FROM '''([^'']+)''') FROM pg_constraint c JOIN pg_attribute"
    " a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'c' AND cardinality(c.conkey)"
    " = 1 AND c.conrelid = CAST(CAST(:table AS text) AS regclass) AND a.attname = :column"
)
"""The first text that a check of a column names."""
