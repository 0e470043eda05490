"""One small city for the API's tests.

Two towns (A in the west, B in the east), written straight into the tables.

City 320600 > county 320601 > towns A 320601001 and B 320601002 > one community each > two unit grids each.
Each town has one closed chemical plant with an alert, a case, a truck with fixes, a stay, a visit and meters.
"""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from layers.records import refresh_tracks

START = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
RAISED = dt.datetime(2026, 3, 1, 8, 0, tzinfo=dt.UTC)
TOWN_A, TOWN_B = "320601001", "320601002"
BOXES = {"A": (120.0, 31.0, 120.5, 31.5), "B": (120.5, 31.0, 121.0, 31.5)}
PLATES = {"A": "苏FA1234", "B": "苏FB5678"}


def seed_town(db: Session) -> dict[str, Any]:
    """Write everything; returns ids by name (``alert_A``, ``case_B`` …)."""
    ids: dict[str, Any] = {}
    ids["city"] = _area(db, "320600", "测试市", "city", None, (120.0, 31.0, 121.0, 31.5))
    ids["county"] = _area(db, "320601", "测试区", "county", ids["city"], (120.0, 31.0, 121.0, 31.5))
    ids["run"] = _insert(
        db,
        "INSERT INTO model_runs (model, version, key, at, parameters, counts, finished_at)"
        " VALUES ('suspicion', '1', 'suspicion:test', :at, '{}', '{}', :at) RETURNING id",
        at=RAISED,
    )
    for letter, town in (("A", TOWN_A), ("B", TOWN_B)):
        _seed_areas(db, ids, letter, town)
        _seed_plant(db, ids, letter)
        _seed_truck(db, ids, letter)
    refresh_tracks(db, RAISED - dt.timedelta(days=1), RAISED)
    _seed_hot_spots(db, ids)
    _seed_duties(db)
    return ids


def _insert(db: Session, sql: str, **values: Any) -> int:
    return int(db.execute(text(sql), values).scalar_one())


def _area(db: Session, code: str, name: str, kind: str, parent: int | None, box: tuple[float, ...]) -> int:
    return _insert(
        db,
        "INSERT INTO areas (code, name, kind, parent_id, valid_from, geom, label_point, area_m2)"
        " VALUES (:code, :name, :kind, :parent, :start, ST_Multi(ST_MakeEnvelope(:w, :s, :e, :n, 4326)),"
        " ST_SetSRID(ST_MakePoint((CAST(:w AS float8) + :e) / 2, (CAST(:s AS float8) + :n) / 2), 4326),"
        " ST_Area(ST_MakeEnvelope(:w, :s, :e, :n, 4326)::geography)) RETURNING id",
        code=code,
        name=name,
        kind=kind,
        parent=parent,
        start=START,
        w=box[0],
        s=box[1],
        e=box[2],
        n=box[3],
    )


def _seed_areas(db: Session, ids: dict[str, Any], letter: str, town: str) -> None:
    west, south, east, north = BOXES[letter]
    middle = (west + east) / 2
    ids[f"town_{letter}"] = _area(db, town, f"{letter}镇", "town", ids["county"], BOXES[letter])
    ids[f"community_{letter}"] = _area(
        db, f"{town}001", f"{letter}社区", "community", ids[f"town_{letter}"], BOXES[letter]
    )
    for number, box in ((1, (west, south, middle, north)), (2, (middle, south, east, north))):
        ids[f"grid_{letter}{number}"] = _area(
            db,
            f"{town}001{number:03d}",
            f"{letter}网格{number}",
            "unit_grid",
            ids[f"community_{letter}"],
            box,
        )


def _seed_plant(db: Session, ids: dict[str, Any], letter: str) -> None:
    lon, lat = BOXES[letter][0] + 0.1, 31.2
    enterprise = _insert(
        db,
        "INSERT INTO enterprises (uscc, name, industry, hazard, status, status_since)"
        " VALUES (:uscc, :name, '化工', 'chemical', 'closed', '2025-06-30') RETURNING id",
        uscc=f"9132060000000000{letter}1",
        name=f"测试{letter}化工厂",
    )
    point = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
    at = {"lon": lon, "lat": lat, "area": ids[f"community_{letter}"]}
    site = ids[f"site_{letter}"] = _insert(
        db,
        f"INSERT INTO sites (site_id, enterprise_id, kind, geom, boundary, h3_9, h3_10, area_id)"
        f" VALUES (:site, :enterprise, 'production', {point}, ST_Expand({point}, 0.002), 0, 0, :area)"
        " RETURNING id",
        site=f"S-{letter}",
        enterprise=enterprise,
        **at,
    )
    evidence = [
        {"signal": "power_level", "value": 4.2, "baseline": 1.0, "period": "2026-02", "contribution": 2.1,
         "family": "power", "quality": 1.0, "sentence_zh": "用电为停产基线的 4.2 倍", "sentence_en": "Power is 4.2 times the idle"
                                                                                            " baseline"},
    ]  # fmt: skip
    would_lower = [{"zh": "登记的拆除通知", "en": "A registered dismantling notice"}]
    ids[f"alert_{letter}"] = _insert(
        db,
        "INSERT INTO alerts (run_id, site_id, kind, level, score, raised_at, evidence, would_lower, geom,"
        " area_id) VALUES (:run, :site, 'illegal_resumption', 'high', :score, :raised, :evidence, :lower,"
        f" {point}, :area) RETURNING id",
        run=ids["run"],
        site=site,
        score=0.9 if letter == "A" else 0.8,
        raised=RAISED,
        evidence=json.dumps(evidence),
        lower=json.dumps(would_lower),
        **at,
    )
    db.execute(
        text(
            "INSERT INTO meter_readings (site_id, kind, began_at, ended_at, value, unit, quality)"
            " SELECT :site, kind, day, day + interval '1 day', 10, unit, 'measured'"
            " FROM (VALUES ('power', 'kWh'), ('water', 'm³')) kinds (kind, unit),"
            " generate_series('2026-01-01 00:00+08'::timestamptz, '2026-02-28 00:00+08', '1 day') day"
        ),
        {"site": site},
    )


def _seed_truck(db: Session, ids: dict[str, Any], letter: str) -> None:
    lon, lat = BOXES[letter][0] + 0.1, 31.2
    vehicle = _insert(
        db,
        "INSERT INTO vehicles (vehicle_id, plate, plate_color, kind) VALUES (:id, :plate, 'yellow',"
        " 'hazmat') RETURNING id",
        id=f"V-{letter}",
        plate=PLATES[letter],
    )
    db.execute(
        text(
            "CREATE TABLE IF NOT EXISTS fixes_20260301 PARTITION OF fixes FOR VALUES FROM ('2026-03-01Z') TO"
            " ('2026-03-02Z')"
        )
    )
    # Ten fixes a minute apart, an hour without signal, ten more.
    db.execute(
        text(
            "INSERT INTO fixes (vehicle_id, t, lon, lat, h3_9, area_id)"
            " SELECT :vehicle, CAST(:t AS timestamptz) + make_interval(mins => i + 60 * (i / 10)), :lon + i *"
            " 0.001, :lat, 0, :area FROM generate_series(0, 19) i"
        ),
        {
            "vehicle": vehicle,
            "t": RAISED - dt.timedelta(hours=6),
            "lon": lon,
            "lat": lat,
            "area": ids[f"community_{letter}"],
        },
    )
    point = "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)"
    values = {
        "run": ids["run"],
        "vehicle": vehicle,
        "site": ids[f"site_{letter}"],
        "from": RAISED - dt.timedelta(hours=5),
        "to": RAISED - dt.timedelta(hours=4),
        "lon": lon,
        "lat": lat,
        "area": ids[f"community_{letter}"],
    }
    db.execute(
        text(
            "INSERT INTO stays (run_id, vehicle_id, started_at, ended_at, ended_by, open, radius_m, n_fixes,"
            " geom, h3_9, area_id)"
            f" VALUES (:run, :vehicle, :from, :to, 'left', false, 50, 12, {point}, 0, :area)"
        ),
        values,
    )
    db.execute(
        text(
            "INSERT INTO visits (run_id, visit_id, vehicle_id, site_id, entered_at, left_at, seen_s,"
            " unseen_s, distance_m, share, night, geom, area_id) VALUES (:run, 'visit-' || CAST(:vehicle AS"
            f" text), :vehicle, :site, :from, :to, 3000, 600, 20, 0.9, 0, {point}, :area)"
        ),
        values,
    )


def _seed_duties(db: Session) -> None:
    """Illegal resumption is for the county's ecology bureau, together with its emergency bureau."""
    for body, role in (("测试区生态环境局", "lead"), ("测试区应急管理局", "joint")):
        db.execute(
            text(
                "INSERT INTO duty_items (item_code, item, domain, legal_basis, kind, body, level, area_code,"
                " role, valid_from) VALUES ('ECO-001', '非法复工', 'ecology', '示例', 'penalty', :body,"
                " 'county', '320601', :role, '2020-01-01')"
            ),
            {"body": body, "role": role},
        )


def _seed_hot_spots(db: Session, ids: dict[str, Any]) -> None:
    db.execute(
        text(
            "INSERT INTO emerging_hot_spots (run_id, field, h3, pattern, since, until_day, step_days, steps,"
            " hot_steps, cold_steps, newest, before, trend_z, trend_p, series, geom) VALUES (:run, 'visits', :h3,"
            " 'new_hot', '2026-02-22', '2026-02-28', 7, 8, 1, 0, 9, 2.5, 1.1, 0.27,"
            ' \'{"counts": [2, 3, 2, 3, 2, 3, 2, 9], "marks": [0, 0, 0, 0, 0, 0, 0, 1]}\','
            " ST_MakeEnvelope(120.1, 31.1, 120.11, 31.11, 4326))"
        ),
        {"run": ids["run"], "h3": 0x891F1D48B03FFFF},
    )
    for i, level in enumerate((99, 0, -95)):
        db.execute(
            text(
                "INSERT INTO hot_spots (run_id, field, h3, value, exposure, observed, expected, ratio,"
                " p_adjusted, level, rings, from_day, until_day, geom) VALUES (:run, 'visits', :h3, :value, 20,"
                " :value, 5, :value / 5.0, 0.01, :level, 1, '2026-02-22', '2026-02-28',"
                " ST_MakeEnvelope(:w, 31.1, :w + 0.01, 31.11, 4326))"
            ),
            {
                "run": ids["run"],
                "h3": 0x891F1D48B03FFFF + i,
                "value": 10 - i,
                "level": level,
                "w": 120.1 + i * 0.01,
            },
        )
