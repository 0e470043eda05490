"""Models that ask for a licence, on a small town written by hand and imported through the documented files.

Each planted site has a twin that lives the same way and holds the licence.
"""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from sqlalchemy import text
from typer.testing import CliRunner

from geo_api.cli.check_database import check_blind_spots
from geo_api.cli.main import app
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from layers.codes import make_uscc
from layers.postgres import SYSTEM, session

LAST = dt.datetime(2026, 6, 30, 4, tzinfo=dt.UTC)
"""Noon of the last day in the city."""
KM = 1000.0 / (6_371_008.8 * math.pi / 180)
"""A kilometre in degrees of latitude."""
COUNTIES = {"990121": 120.0, "990122": 120.4, "990123": 120.8}
SITES = {
    # site: number of the enterprise, kind, longitude, latitude, kWh a day (None: no meter)
    "workshop": (1, "production", 120.10, 32.10, 400.0),
    "workshop-twin": (2, "production", 120.10, 32.20, 400.0),
    "workshop-idle": (3, "production", 120.10, 32.30, 3.0),
    "store": (4, "storage", 120.20, 32.10, 60.0),
    "store-twin": (5, "storage", 120.20, 32.20, 60.0),
    "store-general": (6, "storage", 120.20, 32.30, 60.0),
    "store-dark": (7, "storage", 120.20, 32.40, None),
    "split-office": (8, "registered", 120.50, 32.10, None),
    "split": (8, "production", 120.30, 32.10, 400.0),
    "split-shop": (8, "sales", 120.90, 32.10, None),
    "branch-office": (9, "registered", 120.50, 32.20, None),
    "branch": (9, "production", 120.30, 32.20, 400.0),
    "branch-shop": (9, "sales", 120.90, 32.20, None),
    "drawing-office": (10, "registered", 120.50, 32.30, None),
    "drawing": (10, "production", 120.30, 32.30, 9.0),
    "drawing-shop": (10, "sales", 120.90, 32.30, None),
    "home-office": (11, "registered", 120.31, 32.40, None),
    "home": (11, "production", 120.30, 32.40, 400.0),
    "home-shop": (11, "sales", 120.32, 32.40, None),
}
LICENCES = {"workshop-twin": "production", "store-twin": "hazardous_storage", "branch": "production"}
LORRIES = ("workshop", "workshop-twin", "store-general", "split", "branch", "home")
TANK_TRUCKS = ("store", "store-twin", "store-dark")
WORKSHOP = """
format = 1
name = "unlicensed_workshop"
version = "1"
alert_kind = "unlicensed_workshop"
title = { zh = "无证作坊", en = "Unlicensed workshop" }
[population]
statuses = ["operating"]
site_kinds = ["production"]
lacks_licence = "production"
[prior]
share = 0.03
[levels]
attention = 0.1
warning = 0.5
high = 0.8
[families.meters]
title = { zh = "水电", en = "Meters" }
upper = 3.0
lower = -2.0
would_settle = { zh = "看表。", en = "Look at the meter." }
[families.vehicles]
title = { zh = "车辆", en = "Vehicles" }
upper = 3.0
lower = -1.0
would_settle = { zh = "看门口监控。", en = "Look at the camera." }
[[signals]]
signal = "power_per_day"
family = "meters"
points = [[0.0, -2.0], [20.0, 0.0], [200.0, 2.0]]
[[signals]]
signal = "heavy_visits"
family = "vehicles"
points = [[0.0, -0.5], [0.1, 0.0], [2.0, 2.2]]
"""


def write(folder: Path, kind: str, header: str, rows: list[str]) -> Path:
    path = folder / f"{kind}.csv"
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def areas_file(folder: Path) -> Path:
    """A city of three counties, each with one town of one community."""
    rows = [("990100", "示例市", "city", None, shapely.box(120, 32, 121.2, 33))]
    for code, west in COUNTIES.items():
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


def trip(vehicle: str, site: str, begin: dt.datetime) -> list[str]:
    """From 8 km in the north to the site within ten minutes, 40 minutes there, and back."""
    _, _, lon, lat, _ = SITES[site]
    away_km = [8 - 0.8 * m for m in range(10)] + [0.0] * 40 + [0.8 * m for m in range(11)]
    return [
        f"{vehicle},{(begin + dt.timedelta(minutes=m)).isoformat()},{lon},{lat + km * KM:.7f}"
        for m, km in enumerate(away_km)
    ]


def tracks() -> list[str]:
    """Four vehicles of each sort; each comes to each of its sites on two days of the last fortnight."""
    rows: list[str] = []
    for sort, sites in (("lorry", LORRIES), ("tank", TANK_TRUCKS)):
        for number in range(4):
            for n, site in enumerate(sites):
                for day in (number + 1, number + 8):
                    begin = (
                        LAST - dt.timedelta(days=day) - dt.timedelta(hours=4) + n * dt.timedelta(minutes=75)
                    )
                    rows += trip(f"{sort}-{number}", site, begin)
    return rows


def load(url: str, folder: Path, *, licences: bool = True) -> str:
    usccs = {n: make_uscc("990100", n) for n, *_ in SITES.values()}
    import_file("areas", areas_file(folder), crs="wgs84", url=url)
    rows = [f"{code},企业{n},化工,none,operating," for n, code in usccs.items()]
    files = [("enterprises", "uscc,name,industry,hazard,status,status_since", rows)]
    rows = [f"{site},{usccs[n]},{kind},{lon},{lat}," for site, (n, kind, lon, lat, _) in SITES.items()]
    files.append(("sites", "site_id,uscc,kind,lon,lat,boundary", rows))
    rows = [f"{s}-{n},,,{kind}" for s, kind in (("lorry", "other"), ("tank", "hazmat")) for n in range(4)]
    files.append(("vehicles", "vehicle_id,plate,plate_color,kind", rows))
    files.append(("tracks", "vehicle_id,t,lon,lat", tracks()))
    days = [LAST.date() - dt.timedelta(days=d) for d in range(1, 29)]
    rows = [f"{s},power,{d},{use}" for s, (*_, use) in SITES.items() if use is not None for d in days]
    files.append(("meters", "site_id,kind,day,value", rows))
    if licences:
        rows = [f",{site},{kind},N-{site},2025-01-01,2028-01-01" for site, kind in LICENCES.items()]
        files.append(("licences", "uscc,site_id,licence_kind,number,valid_from,valid_to", rows))
    for kind, header, rows in files:
        import_file(
            kind, write(folder, kind, header, rows), crs="wgs84", url=url, now=LAST + dt.timedelta(days=1)
        )
    return url


@pytest.fixture
def own_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "unlicensed_workshop.toml").write_text(WORKSHOP, encoding="utf-8")
    monkeypatch.setenv("WANGGE_MODELS_DIR", str(folder))
    return folder


def alerts(url: str) -> dict[tuple[str, str], str]:
    """Level by kind and site."""
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text("SELECT a.kind, s.site_id, a.level FROM alerts a JOIN sites s ON s.id = a.site_id")
        )
        return {(kind, site): level for kind, site, level in rows}


def alert_ids(url: str) -> dict[tuple[str, str], int]:
    """Id by kind and site."""
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text("SELECT a.kind, s.site_id, a.id FROM alerts a JOIN sites s ON s.id = a.site_id")
        )
        return {(kind, site): number for kind, site, number in rows}


POWER_A_DAY = text("""
SELECT sum(r.value) / count(*) FROM meter_readings r JOIN sites s ON s.id = r.site_id
WHERE s.site_id = :site AND r.kind = 'power' AND r.quality = 'measured'
  AND (r.began_at AT TIME ZONE 'Asia/Shanghai')::date BETWEEN CAST(:first AS date) AND CAST(:last AS date)
""")
COUNTIES_APART = text("""
SELECT count(DISTINCT county.code) FROM sites own
JOIN areas here ON here.kind = 'county' AND ST_Covers(here.geom, own.geom)
JOIN sites other ON other.enterprise_id = own.enterprise_id AND other.kind IN ('registered', 'sales')
JOIN areas county ON county.kind = 'county' AND ST_Covers(county.geom, other.geom)
WHERE own.site_id = :site AND county.id <> here.id
""")


def check_facts_again(url: str) -> None:
    """Compare the figures of the two facts with those that SQL computes from the rows."""
    with session(SYSTEM, url) as db:
        rows = db.execute(
            text("SELECT s.site_id, a.evidence FROM alerts a JOIN sites s ON s.id = a.site_id")
        ).all()
        seen = set()
        for site, evidence in rows:
            for item in evidence:
                if item["value"] is None or item["signal"] not in ("power_per_day", "counties_apart"):
                    continue
                seen.add(item["signal"])
                if item["signal"] == "counties_apart":
                    assert item["value"] == db.scalar(COUNTIES_APART, {"site": site}), site
                else:
                    first, last = item["period"]
                    asked = {"site": site, "first": first, "last": last}
                    assert item["value"] == pytest.approx(db.scalar(POWER_A_DAY, asked)), site
    assert seen == {"power_per_day", "counties_apart"}


def test_models_of_files_find_the_planted_sites_and_not_their_licensed_twins(
    fresh_database: str, tmp_path: Path, own_models: Path
) -> None:
    load(fresh_database, tmp_path)
    done = CliRunner().invoke(app, ["analyse", "--json"])
    assert done.exit_code == 0, done.output
    found = alerts(fresh_database)
    assert found == {
        ("unlicensed_workshop", "workshop"): "warning",
        ("unlicensed_workshop", "split"): "warning",
        ("unlicensed_workshop", "home"): "warning",
        ("hazardous_storage", "store"): "warning",
        ("hazardous_storage", "store-dark"): "attention",
        ("split_jurisdictions", "split"): "high",
    }
    assert "illegal_resumption" not in {kind for kind, _ in found}, "nobody is closed"
    dry = CliRunner().invoke(app, ["models", "run", "unlicensed_workshop", "--dry", "--json"])
    assert dry.exit_code == 0, dry.output
    with session(SYSTEM, fresh_database) as db:
        evidence = db.execute(
            text("SELECT evidence FROM alerts WHERE kind = 'hazardous_storage' AND level = 'attention'")
        ).scalar_one()
    assert "meters_blind" in {item["signal"] for item in evidence}, (
        "it has no meter, and one family stays 关注"
    )
    check_facts_again(fresh_database)
    numbers = alert_ids(fresh_database)
    for number in (numbers["unlicensed_workshop", "workshop"], numbers["split_jurisdictions", "split"]):
        again = CliRunner().invoke(app, ["replay", str(number)])
        assert again.exit_code == 0, again.output


def test_without_licences_the_models_are_blind_and_raise_nothing(
    fresh_database: str, tmp_path: Path, own_models: Path
) -> None:
    load(fresh_database, tmp_path, licences=False)
    result = Analysis(fresh_database, models_folder=own_models).run()
    assert alerts(fresh_database) == {} and result.counts["alerts_raised"] == 0
    blind = [spot["en"] for spot in result.blind_spots if spot["code"] == "no_licences"]
    asked = ("hazardous_storage", "split_jurisdictions", "unlicensed_workshop")
    assert [name in line for name, line in zip(asked, blind, strict=True)] == [True, True, True]
    told = {
        one.detail_en.split()[2]: (one.detail_en, one.detail_zh)
        for one in check_blind_spots(fresh_database, own_models)
        if one.detail_en.startswith("the model ")
    }
    assert set(told) == {*asked, "fishing_ban", "illegal_resumption"}
    for name in asked:
        en, zh = told[name]
        kind = "hazardous_storage" if name == "hazardous_storage" else "production"
        assert f"licences of the kind {kind}" in en and f"许可证（类别 {kind}）" in zh, (
            "the sources are there"
        )
        assert "readings" not in en and "a matter" in en and "事项" in zh
    assert "a fence" in told["fishing_ban"][0] and "a matter" in told["illegal_resumption"][0]
