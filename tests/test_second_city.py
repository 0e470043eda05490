"""The second small city of `geo_api/second_city`.

What its generator promises, and that its plain form loads.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import geopandas
import numpy as np
import openpyxl
import polars as pl
import psycopg
import pytest
import shapely
from sqlalchemy import text
from stdnum.cn import uscc as stdnum_uscc

from geo_api.city_file import read_city
from geo_api.imports.import_file import import_file
from geo_api.second_city import SecondCity, make_second_city
from geo_api.second_city.stories import STORIES
from grid.alerts import missing_matters, suggested_items
from grid.responsibility import assign
from layers.postgres import SYSTEM, engine, libpq_url, session
from tests.support.cities import SECOND

ROOT = Path(__file__).parents[1]
TOWNS = {
    "621702001": "621702",
    "621702002": "621702",
    "621702100": "621702",
    "621721100": "621721",
    "621721101": "621721",
    "621721200": "621721",
    "621722100": "621722",
    "621722101": "621722",
}
RESUMPTION = "YC-STHJ-0412"
FISHING = "YC-NYNC-0009"
PAST_TOWNS = {"621722201", "621722202"}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> SecondCity:
    return make_second_city(tmp_path_factory.mktemp("second_city"))


@pytest.fixture(scope="module")
def areas(city: SecondCity) -> geopandas.GeoDataFrame:
    return geopandas.read_file(city.plain / "areas.gpkg")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_the_same_seed_gives_the_same_bytes(city: SecondCity, tmp_path: Path) -> None:
    make_second_city(tmp_path)
    again = _digests(tmp_path)
    assert _digests(city.folder) == again
    assert len(again) > 100 and "plain/areas.gpkg" in again and "office/企业名录.xlsx" in again


def test_another_seed_gives_another_city_with_the_same_stories(city: SecondCity, tmp_path: Path) -> None:
    other = make_second_city(tmp_path, seed=5)
    assert {e.uscc for e in city.enterprises.all}.isdisjoint(e.uscc for e in other.enterprises.all)
    assert [s["key"] for s in city.truth["planted"]] == [s["key"] for s in other.truth["planted"]]
    for kind in ("county", "town", "community", "unit_grid"):
        parts = [area.shape for area in other.borders.of_kind(kind) if area.code not in PAST_TOWNS]
        assert shapely.coverage_is_valid(parts)


def test_the_readme_gives_the_reason_of_every_story() -> None:
    page = (ROOT / "geo_api" / "second_city" / "README.md").read_text(encoding="utf-8")
    assert len([story for story in STORIES if story.guilty]) == 12 and len(STORIES) == 42
    for story in STORIES:
        assert f"| {story.key} | {story.title} · {story.title_zh} | {story.because} |" in page


def test_it_is_small(city: SecondCity) -> None:
    assert sum(path.stat().st_size for path in city.folder.rglob("*") if path.is_file()) < 20_000_000


@pytest.mark.parametrize(
    ("kind", "parent_kind"),
    [("county", "city"), ("town", "county"), ("community", "town"), ("unit_grid", "community")],
)
def test_areas_tile_their_parents(areas: geopandas.GeoDataFrame, kind: str, parent_kind: str) -> None:
    today = areas[~areas["code"].isin(PAST_TOWNS)]
    parts = today[today["kind"] == kind]
    assert shapely.coverage_is_valid(list(parts.geometry))
    parents = today[today["kind"] == parent_kind].set_index("code").geometry
    for code, children in parts.groupby("parent_code"):
        union = shapely.union_all(list(children.geometry))
        assert union.symmetric_difference(parents[code]).area < 1e-9
        assert union.hausdorff_distance(parents[code]) < 1e-9
    assert set(parts["parent_code"]) == set(parents.index)


def test_borders_are_not_straight(areas: geopandas.GeoDataFrame) -> None:
    grids = areas[areas["kind"] == "unit_grid"].to_crs(4544).geometry
    assert (shapely.get_num_coordinates(list(grids)) > 12).all()
    assert (grids.area / grids.convex_hull.area < 0.999).all()


def test_the_towns_of_the_past_tile_the_town_that_followed_them(areas: geopandas.GeoDataFrame) -> None:
    by_code = areas.set_index("code").geometry
    union = by_code["621722201"].union(by_code["621722202"])
    assert union.symmetric_difference(by_code["621722101"]).area < 1e-9


def test_the_park_lies_over_a_county_border(areas: geopandas.GeoDataFrame) -> None:
    flat = areas.to_crs(4544)
    park = flat[flat["kind"] == "functional_zone"].geometry.iloc[0]
    shares = flat[flat["kind"] == "county"].geometry.intersection(park).area / park.area
    assert (shares > 0.2).sum() == 2 and shares.sum() == pytest.approx(1)


def test_the_shapefiles_are_in_the_zone_of_105_degrees(city: SecondCity) -> None:
    towns = geopandas.read_file(city.office / "区划" / "乡镇街道.shp", encoding="GBK")
    assert set(towns["区划代码"]) == set(TOWNS) and "砚口镇" in set(towns["名称"])
    assert towns.crs.to_epsg() == 4544
    # By hand: the false easting is 500 km on 105° E, and a degree of longitude at 38° N is 87.8 km.
    assert towns.geometry.centroid.x.between(410_000, 470_000).all()
    degrees = towns.to_crs(4490).geometry.representative_point()
    assert degrees.x.between(104.1, 104.5).all() and degrees.y.between(37.9, 38.2).all()


def _organisation_check(code: str) -> str:
    """GB 11714 by the text of the standard: C9 = 11 - MOD(sum of Ci times Wi, 11), ten is X, eleven is 0."""
    remainder = 0
    for character, weight in zip(code[8:16], [3, 7, 9, 10, 5, 8, 4, 2], strict=True):
        remainder += ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(character)) * weight
    return {10: "X", 11: "0"}.get(11 - remainder % 11, str(11 - remainder % 11))


def test_credit_codes_pass_independent_checks(city: SecondCity) -> None:
    codes = [enterprise.uscc for enterprise in city.enterprises.all]
    assert len(codes) == len(set(codes)) > 140
    for code in codes:
        assert code[16] == _organisation_check(code)
        if code[0].isdigit():
            assert stdnum_uscc.is_valid(code)
        else:  # stdnum refuses letters in front (rural collectives begin with N): its check character is right
            assert stdnum_uscc.calc_check_digit(code[:-1]) == code[-1]
    assert any(code.startswith("N2") for code in codes)
    assert {code[2:6] for code in codes} == {"6217"}


def _shift_m(lon: float, lat: float) -> tuple[float, float]:
    """The shift of GCJ-02 in metres east and north, from tables of polynomials and waves instead of one
    expression.
    """
    u, v = lon - 105, lat - 35
    root = math.sqrt(abs(u))
    both = [(20, 6 * u), (20, 2 * u)]
    east_waves = [*both, (20, u), (40, u / 3), (150, u / 12), (300, u / 30)]
    north_waves = [*both, (20, v), (40, v / 3), (160, v / 12), (320, v / 30)]
    waves = [sum(a * math.sin(math.pi * b) for a, b in table) / 1.5 for table in (east_waves, north_waves)]
    east = 300 + u * (1 + u / 10 + v / 10) + 2 * v + root / 10 + waves[0]
    north = -100 + v * (3 + v / 5 + u / 10) + 2 * u + root / 5 + waves[1]
    return east, north


def _unshifted(lon: float, lat: float) -> tuple[float, float]:
    """The place whose shifted position this is: the shift at a better and better guess is taken off."""
    guess = (lon, lat)
    for _ in range(6):
        east, north = _shift_m(*guess)
        bent = 1 - 0.00669342162296594323 * math.sin(math.radians(guess[1])) ** 2
        meridian_m = 6378245 * (1 - 0.00669342162296594323) / bent**1.5 * math.pi / 180
        parallel_m = 6378245 / math.sqrt(bent) * math.cos(math.radians(guess[1])) * math.pi / 180
        guess = (lon - east / parallel_m, lat - north / meridian_m)
    return guess


def _metres_apart(a: tuple[float, float], b: tuple[float, float]) -> float:
    north = (a[1] - b[1]) * 111_000
    return math.hypot((a[0] - b[0]) * 111_000 * math.cos(math.radians(a[1])), north)


def test_the_independent_inverse_knows_a_measured_point() -> None:
    assert _metres_apart(_unshifted(120.868746860, 32.014148162), (120.8645, 32.0163)) < 0.01


def test_points_of_public_maps_invert_to_the_true_ones(city: SecondCity) -> None:
    plain = {row[0]: row[3:5] for row in pl.read_csv(city.plain / "sites.csv").iter_rows()}
    lines = (city.office / "企业场所坐标.csv").read_text(encoding="gb18030").splitlines()[1:]
    shifted = {line.split(",")[0]: line.split(",")[-2:] for line in lines if not line.endswith(",,")}
    assert shifted.keys() == plain.keys()
    for site_id, (lon, lat) in shifted.items():
        point = (float(lon.removesuffix("°E")), float(lat))
        assert _metres_apart(point, plain[site_id]) > 200
        assert _metres_apart(_unshifted(*point), plain[site_id]) < 1


def test_the_operators_differ_in_their_points_and_agree_on_the_clock(city: SecondCity) -> None:
    truth = city.fixes.with_columns(
        pl.col("t").dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    )
    plates = {v.plate: v.vehicle_id for v in city.vehicles if v.plate}
    for operator, columns in (
        ("甲", ("终端号", "定位时间", "经度", "纬度")),
        ("乙", ("车牌", "时间", "东经", "北纬")),
    ):
        text = (city.office / "轨迹" / operator / "20260202.csv").read_text(encoding="gb18030")
        day = pl.read_csv(text.encode(), infer_schema_length=None).select(columns)
        for who, clock, lon, lat in day.sample(40, seed=1).iter_rows():
            moment = datetime.fromisoformat(clock)
            vehicle = plates.get(who, who)
            fix = truth.filter((pl.col("vehicle_id") == vehicle) & (pl.col("t").dt.truncate("1s") == moment))
            point = (lon, lat) if operator == "甲" else _unshifted(lon, lat)
            assert fix.height == 1 and _metres_apart(point, (fix["lon"][0], fix["lat"][0])) < 1


def test_no_list_knows_hazardous_goods_vehicles(city: SecondCity) -> None:
    vehicles = pl.read_csv(city.plain / "vehicles.csv")
    assert set(vehicles["kind"]) == {"other", "coach", "vessel"}
    assert not set(city.fixes["vehicle_id"]) <= set(vehicles["vehicle_id"])


def test_no_truth_is_in_what_is_imported(city: SecondCity) -> None:
    told = re.compile(r"\b[GD]\d\d\b|guilty|planted|decoy|truth")
    for path in sorted(city.plain.glob("*.csv")):
        assert not told.search(path.read_text(encoding="utf-8")), path
    for path in sorted(city.office.rglob("*.csv")):
        assert not told.search(path.read_text(encoding="gb18030")), path
    for path in sorted(city.office.rglob("*.xlsx")):
        for row in openpyxl.load_workbook(path, read_only=True).active.iter_rows(values_only=True):
            assert not told.search(" ".join(str(value) for value in row if value is not None)), path


def _use(city: SecondCity, site_id: str, kind: str, first: date, last: date) -> np.ndarray:
    meters = pl.read_parquet(city.plain / "meters.parquet")
    chosen = meters.filter(
        (pl.col("site_id") == site_id) & (pl.col("kind") == kind) & pl.col("day").is_between(first, last)
    )
    return chosen.drop_nulls("value")["value"].to_numpy()


@pytest.mark.parametrize("key", ["G01", "G02", "G05", "G06", "G08", "G10", "G12"])
def test_planted_sites_use_power_again(city: SecondCity, key: str) -> None:
    story = next(s for s in city.truth["planted"] if s["key"] == key)
    begins = date.fromisoformat(story["use_begins"])
    idle = _use(city, story["site_id"], "power", begins - timedelta(days=14), begins - timedelta(days=1))
    working = _use(city, story["site_id"], "power", begins + timedelta(days=4), begins + timedelta(days=18))
    assert np.median(working) > 5 * np.median(idle)


def test_a_festival_site_works_only_then(city: SecondCity) -> None:
    story = next(s for s in city.truth["planted"] if s["key"] == "G11")
    during = _use(city, story["site_id"], "power", date(2026, 2, 13), date(2026, 2, 24))
    after = _use(city, story["site_id"], "power", date(2026, 2, 25), date(2026, 3, 1))
    assert during.min() > 5 * after.max()


def test_dark_terminals_are_never_near_their_plant(city: SecondCity) -> None:
    story = next(s for s in city.truth["planted"] if s["key"] == "G06")
    site = pl.read_csv(city.plain / "sites.csv").filter(pl.col("site_id") == story["site_id"])
    plant = (site["lon"][0], site["lat"][0])
    for vehicle, start, end in city.visits["G06"]:
        seconds = pl.col("t").dt.timestamp("ms") / 1000
        on_the_way = seconds.is_between(start - 600, end + 60)
        seen = city.fixes.filter((pl.col("vehicle_id") == vehicle) & on_the_way)
        assert all(
            _metres_apart((lon, lat), plant) > 1_300 for lon, lat in seen.select("lon", "lat").iter_rows()
        )
        around = city.fixes.filter(
            (pl.col("vehicle_id") == vehicle) & seconds.is_between(start - 5_400, start)
        )
        assert around.height > 0


def test_an_operator_is_silent_for_two_days(city: SecondCity) -> None:
    of_operator = [v.vehicle_id for v in city.vehicles if v.operator == "乙"]
    first, last = (
        datetime.fromisoformat("2026-02-04T00:00+08:00"),
        datetime.fromisoformat("2026-02-06T00:00+08:00"),
    )
    silent = city.fixes.filter(
        pl.col("vehicle_id").is_in(of_operator) & (pl.col("t") >= first) & (pl.col("t") < last)
    )
    assert silent.is_empty() and len(of_operator) > 8
    assert not city.fixes.filter((pl.col("t") >= first) & (pl.col("t") < last)).is_empty()


def test_every_planted_visit_is_seen_but_the_dark_ones(city: SecondCity) -> None:
    """A person with the fixes on a map finds a fix inside most of the visits, within 120 m of the loading
    bay.
    """
    for story in city.truth["planted"]:
        if story["dark_terminals"]:
            continue
        came, seen = city.visits[story["key"]], 0
        where = story["beside_site_id"] if story["key"] == "G05" else story["site_id"]
        site = pl.read_csv(city.plain / "sites.csv").filter(pl.col("site_id") == where)
        for vehicle, start, end in came:
            seconds = pl.col("t").dt.timestamp("ms") / 1000
            inside = city.fixes.filter((pl.col("vehicle_id") == vehicle) & seconds.is_between(start, end))
            points = inside.select("lon", "lat").iter_rows()
            seen += any(_metres_apart(point, (site["lon"][0], site["lat"][0])) < 120 for point in points)
        assert seen >= 0.8 * len(came) >= 8, story["key"]


def test_the_faults_of_the_office_form_are_told(city: SecondCity) -> None:
    told = json.loads((city.folder / "truth.json").read_text(encoding="utf-8"))["office_faults"]
    wrong = next(fault["where"] for fault in told if fault["what"] == "wrong check character")
    written = [
        row[1]
        for row in openpyxl.load_workbook(city.office / "企业名录.xlsx").active.iter_rows(values_only=True)
    ]
    assert wrong not in written and any(code and code[:17] == wrong[:17] for code in map(str, written))
    assert {fault["file"] for fault in told} >= {"企业名录.xlsx", "企业场所坐标.csv", "区划/单元网格.shp"}


def _wangge(*arguments: str, stdout: bool = False) -> str:
    command = [sys.executable, "-m", "geo_api.cli", *arguments]
    env = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"}
    run = subprocess.run(command, capture_output=True, text=True, env=env, cwd=ROOT)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout if stdout else run.stdout + run.stderr


STORED = {
    "areas": "areas",
    "enterprises": "enterprises",
    "sites": "sites",
    "tracks": "fixes",
    "meters": "meter_readings",
    "places": "places",
    "fences": "fences",
    "notices": "notices",
    "duties": "duty_items",
}


def test_the_city_is_analysed_before_and_after_its_own_matter_is_set(
    city: SecondCity, fresh_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "city.toml"
    file.unlink()
    _wangge("import", "all", str(city.plain), "--crs", "wgs84")
    assert not file.exists(), "nothing was known when the command began"
    first = json.loads(_wangge("analyse", "--json", stdout=True))
    planted = {story["site_id"] for story in city.truth["planted"]}
    flagged = {found["site"] for found in first["flagged"] if "site" in found}
    fenced = [found["fence"] for found in first["flagged"] if "fence" in found]
    assert fenced in ([], ["YC-F-01"]), "the ban on boats that one boat breaks"
    assert len(flagged & planted) >= 7 and len(flagged - planted) <= 1, (flagged, planted)
    assert first["without_case"]["alerts"] == len(flagged) and first["counts"]["cases_opened"] == 0
    assert "no hazardous-goods list" in first["visits_unjudged"]["en"]
    with engine(fresh_database).connect() as connection:
        (missing,) = missing_matters(connection)
        assert suggested_items(connection, missing)[0] == (RESUMPTION, "责令停产关闭后擅自恢复生产")
    # The file that the analysis wrote has the prefix of no city and no matter; --force replaces it.
    assert (read_city(file).code, dict(read_city(file).matters)) == (SECOND.code, {})
    _wangge(
        "init", "--force", "--name-zh", SECOND.name_zh, "--name-en", SECOND.name_en, "--case-prefix", "YC"
    )
    assert read_city(file) == SECOND, "system in metres by the place, matter by its name"
    again = json.loads(_wangge("analyse", "--json", stdout=True))
    assert again["unchanged"] is False and again["without_case"] is None
    with session(SYSTEM, fresh_database) as db:
        opened = db.execute(text("SELECT item_code, number FROM cases ORDER BY number")).all()
    items = [row.item_code for row in opened]
    assert items.count(RESUMPTION) == len(flagged) and items.count(FISHING) == len(fenced) == len(
        opened
    ) - len(flagged)
    assert opened[0].number == "YC20260301-0001"


def test_the_plain_form_loads_completely_and_every_town_answers(
    city: SecondCity, areas: geopandas.GeoDataFrame, fresh_database: str, tmp_path: Path
) -> None:
    told = _wangge("import", "all", str(city.plain), "--crs", "wgs84")
    assert re.findall(r"跳过 ([\d,]+)", told) == ["0"] * 10
    new = [int(rows.replace(",", "")) for rows in re.findall(r"新增 ([\d,]+)", told)]
    assert sorted(new) == sorted(city.rows.values())
    with psycopg.connect(libpq_url(fresh_database)) as database:
        for kind, table in STORED.items():
            query = psycopg.sql.SQL("SELECT count(*) FROM {}").format(psycopg.sql.Identifier(table))
            row = database.execute(query).fetchone()
            assert row is not None and row[0] == city.rows[kind], kind
    towns = areas[areas["code"].isin(TOWNS)]
    points = towns.geometry.representative_point()
    asked = pl.DataFrame({"id": list(towns["code"]), "lon": points.x.to_list(), "lat": points.y.to_list()})
    asked.with_columns(item_code=pl.lit(RESUMPTION)).write_csv(tmp_path / "points.csv")
    _wangge("assign", str(tmp_path / "points.csv"), "--crs", "wgs84", "--out", str(tmp_path / "answers.csv"))
    answers = pl.read_csv(tmp_path / "answers.csv", infer_schema_length=0)
    assert dict(answers.select("id", "town").iter_rows()) == {code: code for code in TOWNS}
    assert dict(answers.select("id", "county").iter_rows()) == TOWNS
    # The town that was empowered and kept its power acts itself; the one that lost it is led by its county
    # again.
    leads = dict(answers.select("id", "lead_body").iter_rows())
    assert leads["621702100"] == "砚口镇综合执法队"
    assert leads["621721100"] == "石泓县生态环境分局"


def test_the_same_folder_twice_changes_nothing_and_former_towns_are_no_overlaps(
    city: SecondCity, fresh_database: str
) -> None:
    before = sorted(path.name for path in city.plain.iterdir())
    for kind, file in (("areas", "areas.gpkg"), ("duties", "duties.csv")):
        first = import_file(kind, city.plain / file, crs="wgs84", url=fresh_database)
        again = import_file(kind, city.plain / file, crs="wgs84", url=fresh_database)
        assert first.written.inserted == city.rows[kind] == again.written.unchanged
        assert (again.written.inserted, again.written.updated) == (0, 0)
        # The two townships that became one town lie where it lies; the park has joint bodies only.
        assert [note for note in first.notes if "not in the register" not in note] == []
        assert all("the same file was imported" in note for note in again.notes)
    assert sorted(path.name for path in city.plain.iterdir()) == before, "nothing is written beside the files"


def test_an_empowered_town_keeps_the_joint_bodies_of_its_county_and_of_the_park(
    city: SecondCity, areas: geopandas.GeoDataFrame, fresh_database: str
) -> None:
    for kind, file in (("areas", "areas.gpkg"), ("duties", "duties.csv")):
        import_file(kind, city.plain / file, crs="wgs84", url=fresh_database)
    duties = pl.read_csv(city.plain / "duties.csv", infer_schema_length=0)
    joint = duties.filter((pl.col("item_code") == RESUMPTION) & (pl.col("role") == "joint"))
    at = datetime.fromisoformat("2026-02-01T12:00+08:00")
    park = areas[areas["kind"] == "functional_zone"].iloc[0]
    town = areas[areas["code"] == "621702100"].geometry.iloc[0].difference(park.geometry)
    with session(SYSTEM, fresh_database) as db:
        for shape, expected in ((town, ["621702"]), (park.geometry, [park["code"]])):
            point = shape.representative_point()
            found = assign(db, lon=point.x, lat=point.y, item_code=RESUMPTION, at=at)
            names = {partner.body for partner in found.co_handlers}
            wanted = set(joint.filter(pl.col("area_code").is_in(expected))["body"])
            assert wanted and wanted <= names, (wanted, names)
