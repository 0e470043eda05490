"""Fishing in ban waters, on a small water written by hand and imported through the documented files.

Each planted water has neighbours in which vessels do the same with leave, or only pass.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text

from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.jobs.snapshots import SnapshotStore, replay
from grid.alerts import alert_card, record_outcome, set_matter
from layers.alerts import list_alerts
from layers.batches.dependants import dependants_of
from layers.batches.registry import read_batch
from layers.collections import COLLECTIONS, read_feature
from layers.postgres import SYSTEM, Scope, session
from layers.private_server import Cluster
from layers.records import read_case_file, surroundings
from tests.support.databases import own_database

LAST = dt.datetime(2026, 6, 30, 4, tzinfo=dt.UTC)
"""Noon of the last day in the city."""
NOW = LAST + dt.timedelta(days=1)
WATERS = {
    # fence: name, west, legal basis, vessels with leave
    "fished": ("东段禁渔区", 120.0, "", ""),
    "surveyed": ("中段禁渔区", 120.4, "", "survey-1;survey-2"),
    "passed": ("西段水域", 120.8, "长江保护法第五十三条", ""),
    "harbour": ("港池限停", 120.2, "港口章程", ""),
}
TRIPS = {
    # vessel: water, hour in the city, hours there, days ago
    "net-1": ("fished", 22, 4.0, (2, 4, 6)),
    "net-2": ("fished", 23, 3.0, (2, 9)),
    "survey-1": ("surveyed", 9, 4.0, (2, 3, 4)),
    "survey-2": ("surveyed", 9, 4.0, (2, 3)),
    "barge": ("passed", 10, 0.3, (3,)),
    "tug": ("harbour", 22, 5.0, (2, 3, 4)),
}


def write(folder: Path, kind: str, header: str, rows: list[str]) -> Path:
    path = folder / f"{kind}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def areas_file(folder: Path) -> Path:
    rows = [("990100", "示例市", "city", None, shapely.box(120, 32, 121.2, 33))]
    for code, west in {"990121": 120.0, "990122": 120.4, "990123": 120.8}.items():
        box = shapely.box(west, 32, west + 0.4, 33)
        rows += [
            (code, f"县{code[-1]}", "county", "990100", box),
            (f"{code}100", f"镇{code[-1]}", "town", code, box),
            (f"{code}100001", f"社区{code[-1]}", "community", f"{code}100", box),
        ]
    frame = gpd.GeoDataFrame(rows, columns=["code", "name", "kind", "parent_code", "geometry"], crs=4326)
    path = folder / "areas.parquet"
    frame.assign(valid_from="2020-07-23").to_parquet(path)
    return path


def tracks() -> list[str]:
    """An hour beside the water, the time in it, and an hour beside it again, a fix each five minutes."""
    rows = []
    for vessel, (water, hour, hours, days) in TRIPS.items():
        west = WATERS[water][1]
        for day in days:
            begin = LAST - dt.timedelta(days=day, hours=12) + dt.timedelta(hours=hour - 1)
            for minute in range(0, int(60 * (hours + 2)), 5):
                inside = 60 <= minute < 60 * (hours + 1)
                moment = (begin + dt.timedelta(minutes=minute)).isoformat()
                rows.append(f"{vessel},{moment},{west + (0.05 if inside else 0.15)},32.55")
    return rows


FENCE_COLUMNS = "fence_id,name,rule,boundary,medium,limit_s,vehicle_kinds,legal_basis,exempt_vehicle_ids"


def fence_rows() -> list[str]:
    return [
        f'{fence},{name},dwell_limit,"{shapely.box(west, 32.5, west + 0.1, 32.6).wkt}",water,600,vessel,{basis},{leave}'
        for fence, (name, west, basis, leave) in WATERS.items()
    ]


def bring(url: str, folder: Path, kind: str, header: str, rows: list[str]) -> None:
    import_file(kind, write(folder, kind, header, rows), crs="wgs84", url=url, now=NOW)


@pytest.fixture(scope="module")
def waters(
    cluster: Cluster, _migrated: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, SnapshotStore, Path]]:
    folder = tmp_path_factory.mktemp("waters")
    with own_database(cluster, _migrated, "waters") as url:
        import_file("areas", areas_file(folder), crs="wgs84", url=url)
        vessels = [f"{name},苏渔{n:05},,vessel" for n, name in enumerate(TRIPS)]
        bring(url, folder, "vehicles", "vehicle_id,plate,plate_color,kind", vessels)
        bring(url, folder, "tracks", "vehicle_id,t,lon,lat", tracks())
        bring(url, folder, "fences", FENCE_COLUMNS, fence_rows())
        duty = "FISH-1,禁渔水域捕捞,agriculture,渔业法第三十八条,处罚,{},county,{},lead,2021-01-01,"
        bring(
            url, folder, "duties",
            "item_code,item,domain,legal_basis,kind,body,level,area_code,role,valid_from,valid_to",
            [duty.format(f"县{n}农业农村局", f"99012{n}") for n in (1, 2, 3)],
        )  # fmt: skip
        with session(SYSTEM, url) as db:
            set_matter(db, "fishing_ban", "FISH-1")
        store = SnapshotStore(str(folder / "snapshots"))
        Analysis(url, snapshots=store).run()
        yield url, store, folder


def test_the_fished_water_alone_opens_a_case(waters: tuple[str, SnapshotStore, Path]) -> None:
    url, _, _ = waters
    with session(SYSTEM, url) as db:
        found = {
            one.fence_id: one
            for one in list_alerts(db, statuses=["open"], levels=["attention", "warning", "high"], limit=9)
        }
        assert {name: (one.kind, one.level, one.site_id, one.enterprise) for name, one in found.items()} == {
            "fished": ("fishing_ban", "high", None, "东段禁渔区")
        }
        case = read_case_file(db, str(found["fished"].case_number))
        assert case.case.title == "疑似禁渔水域捕捞：东段禁渔区" and case.case.lead_body == "县1农业农村局"
        assert surroundings(db, case.case)["boundary"]["properties"]["fence_id"] == "fished"
        shown = json.loads(read_feature(db, COLLECTIONS["alerts"], found["fished"].id))["properties"]
        assert (shown["site_id"], shown["fence_id"], shown["site_name"]) == (None, "fished", "东段禁渔区")
        title = json.loads(read_feature(db, COLLECTIONS["cases"], case.case.id))["properties"]["title_en"]
        assert title == "Suspected fishing in ban waters: 东段禁渔区"


def test_every_figure_of_the_evidence_is_that_of_the_rows(waters: tuple[str, SnapshotStore, Path]) -> None:
    url, _, _ = waters
    counted = text("""
        SELECT count(DISTINCT e.vehicle_id)::float8, count(DISTINCT (e.started_at AT TIME ZONE 'Asia/Shanghai')::date)::float8,
               percentile_cont(0.5) WITHIN GROUP (ORDER BY e.duration_s) / 3600
        FROM fence_events e JOIN fences f ON f.id = e.fence_id WHERE f.fence_id = 'fished'
    """)
    with session(SYSTEM, url) as db:
        (alert,) = list_alerts(db, statuses=["open"], levels=["high"], limit=9)
        card = alert_card(db, alert.id)
        values = {item["signal"]: item["value"] for item in card.evidence}
        names = ("fence_breaches", "fence_breach_days", "fence_breach_hours")
        assert tuple(values[name] for name in names) == pytest.approx(tuple(db.execute(counted).one()))
        # 22:00 to 02:00 (3 times) and 23:00 to 02:00 (twice) are night altogether
        assert values["fence_night_share"] == 1.0 and values["fence_exempt_share"] == 0.0
    assert card.site is None and card.enterprise is None and card.fence is not None
    assert card.breaches is not None and card.breaches.breaches_of_all == 5
    assert [(one.vehicle_id, one.breaches, one.exempt) for one in card.breaches.vehicles] == [
        ("net-1", 3, False), ("net-2", 2, False)
    ]  # fmt: skip
    assert [one["family"] for one in card.would_settle] == []


def test_the_decision_is_made_again_from_its_snapshot(waters: tuple[str, SnapshotStore, Path]) -> None:
    url, store, _ = waters
    with session(SYSTEM, url) as db:
        row = db.execute(
            text(
                "SELECT c.number, c.assignment, a.level, a.id FROM cases c JOIN alerts a ON a.id = c.alert_id"
            )
        ).one()
    again = json.loads(replay(url, store, row.number))
    assert (again["site_id"], again["level"]) == ("fished", row.level)
    assert again["assignment"]["lead"] == row.assignment["lead"]
    assert replay(url, store, str(row.id)) == replay(url, store, row.number)


def test_who_looks_after_another_county_sees_neither_alert_nor_breach(
    waters: tuple[str, SnapshotStore, Path],
) -> None:
    url, _, _ = waters
    with session(SYSTEM, url) as db:
        ids = {
            code: tuple(db.scalars(text("SELECT id FROM areas WHERE code LIKE :code"), {"code": f"{code}%"}))
            for code in ("990121", "990122")
        }
    for code, seen in (("990121", 1), ("990122", 0)):
        for domains, of_domain in (((), seen), (("agriculture",), seen), (("ecology",), 0)):
            scope = Scope(role="officer", area_ids=ids[code], domains=domains)
            with session(scope, url) as db:
                assert db.scalar(text("SELECT count(*) FROM alerts")) == of_domain


def test_a_fence_with_an_alert_is_not_taken_back(waters: tuple[str, SnapshotStore, Path]) -> None:
    url, _, _ = waters
    with session(SYSTEM, url) as db:
        batch = read_batch(db, db.scalar(text("SELECT batch_id FROM fences WHERE fence_id = 'fished'")))
        found = {one.kind: one.count for one in dependants_of(db, batch)}
    assert (found["alerts"], found["cases"]) == (1, 1)


def test_an_outcome_is_remembered_and_leave_makes_it_fade(waters: tuple[str, SnapshotStore, Path]) -> None:
    url, store, folder = waters
    with session(SYSTEM, url) as db:
        (alert,) = list_alerts(db, statuses=["open"], levels=["high"], limit=9)
        record_outcome(db, alert.id, "legal_use", note="救助", actor="a", role="officer", body=None, at=NOW)
    # Another vessel at another water: a run that is not the same one.
    more = [row.replace("tug", "tug-2") for row in tracks() if row.startswith("tug")]
    bring(url, folder, "vehicles", "vehicle_id,plate,plate_color,kind", ["tug-2,,,vessel"])
    bring(url, folder, "tracks", "vehicle_id,t,lon,lat", more)
    again = Analysis(url, snapshots=store).run()
    assert (again.unchanged, again.counts["alerts_raised"], again.counts["cases_opened"]) == (False, 0, 0)
    rows = [row + ("net-1;net-2" if row.startswith("fished") else "") for row in fence_rows()]
    bring(url, folder, "fences", FENCE_COLUMNS, rows)
    Analysis(url, snapshots=store).run()
    with session(SYSTEM, url) as db:
        level, status = db.execute(text("SELECT level, status FROM alerts")).one()
        assert (level, status) == ("none", "checked")
        (newest,) = db.execute(text("SELECT reasons FROM alert_scores ORDER BY id DESC LIMIT 1")).one()
    assert {one["signal"] for one in newest} >= {"fence_breaches", "fence_exempt_share"}
