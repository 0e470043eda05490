"""The demo city: a true partition, valid codes, exact columns, planted truth that is there and does not
leak.
"""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import geopandas as gpd
import networkx as nx
import numpy as np
import pandas as pd
import polars as pl
import pytest
import shapely
from stdnum.cn import uscc as stdnum_uscc

from geo_api.demo_city import FILES, DemoCity, make_city
from geo_api.demo_city.areas import make_areas
from geo_api.demo_city.boundaries import read_counties, read_towns, to_metric
from geo_api.demo_city.sizes import FULL
from layers.codes import parse_grid_code, parse_statistical_code, parse_town_code
from layers.tables.ground import ROAD_KINDS, WATERWAY_KINDS
from tests.support.demo_files import demo_city

COLUMNS = {
    "areas": "code name kind parent_code valid_from geometry",
    "enterprises": "uscc name industry hazard status status_since",
    "sites": "site_id uscc kind lon lat boundary",
    "vehicles": "vehicle_id plate plate_color kind",
    "tracks": "vehicle_id t lon lat speed_kmh heading_deg",
    "meters": "site_id kind day value quality",
    "places": "kind lon lat radius_m",
    "notices": "site_id kind valid_from valid_to",
    "duties": "item_code item domain legal_basis kind body level area_code role valid_from valid_to",
}
COLUMNS_OF_LINES = {
    "roads": "source_id name name_en kind ref",
    "waterways": "source_id name name_en kind width_m",
}
CHILD_OF = {"county": "city", "town": "county", "community": "town", "unit_grid": "community"}


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> DemoCity:
    return demo_city(tmp_path_factory, 1)


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> DemoCity:
    return demo_city(tmp_path_factory, 2)


@pytest.fixture(scope="module")
def areas(city) -> gpd.GeoDataFrame:
    return gpd.read_parquet(city.path("areas"))


def read(city: DemoCity, kind: str) -> pl.DataFrame:
    path = city.path(kind)
    if path.suffix == ".fgb":
        return pl.from_pandas(pd.DataFrame(gpd.read_file(path).drop(columns="geometry")))
    return pl.read_parquet(path) if path.suffix == ".parquet" else pl.read_csv(path, infer_schema_length=None)


def truth(city: DemoCity) -> pl.DataFrame:
    return pl.DataFrame(json.loads(city.truth.read_text(encoding="utf-8")))


def to_local_metres(geometry):
    return shapely.transform(geometry, lambda xy: np.column_stack(to_metric(xy[:, 0], xy[:, 1])))


@pytest.mark.parametrize("kind", list(COLUMNS))
def test_columns_are_those_of_the_import(city, areas, kind):
    frame = areas if kind == "areas" else read(city, kind)
    assert " ".join(frame.columns) == COLUMNS[kind]
    assert len(frame) > 0


@pytest.mark.parametrize("kind", list(COLUMNS_OF_LINES))
def test_lines_have_the_columns_of_the_import_and_names_that_say_that_they_are_invented(city, kind):
    frame = read(city, kind)
    assert " ".join(frame.columns) == COLUMNS_OF_LINES[kind]
    assert set(frame["kind"]) <= {"roads": set(ROAD_KINDS), "waterways": set(WATERWAY_KINDS)}[kind]
    named = frame.drop_nulls("name")
    assert named.height > 10 and frame["source_id"].is_unique().all()
    assert (
        named["name"].str.ends_with("（示意）").all() and named["name_en"].str.ends_with("(indicative)").all()
    )


def test_the_roads_are_one_network(city):
    """By networkx: every road can be reached from every other over common places."""
    network = nx.Graph()
    for line in gpd.read_file(city.path("roads")).geometry:
        nx.add_path(network, [tuple(place) for place in np.round(line.coords, 7)])
    assert network.number_of_nodes() > 1000 and nx.is_connected(network)


def test_trucks_drive_on_roads(city):
    """Of the fixes under way nearly all lie beside a road.

    The rest are on the last metres, or wrong on purpose.
    """
    driving = read(city, "tracks").filter(pl.col("speed_kmh") > 25)
    points = shapely.points(*to_metric(driving["lon"].to_numpy(), driving["lat"].to_numpy()))
    roads = shapely.STRtree(to_local_metres(gpd.read_file(city.path("roads")).geometry.to_numpy()))
    near = roads.query_nearest(points, return_distance=True, all_matches=False)[1]
    assert len(near) > 10_000 and (near < 40).mean() > 0.97
    anywhere = shapely.transform(points, lambda xy: xy + 900.0)
    assert (roads.query_nearest(anywhere, return_distance=True, all_matches=False)[1] < 40).mean() < 0.5


@pytest.mark.parametrize("day", [dt.date(2025, 2, 28), dt.date(2024, 12, 31)])
def test_the_data_ends_with_the_day_that_is_named(tmp_path, day):
    made = make_city(tmp_path, seed=1, size="small", end_day=day)
    assert read(made, "meters")["day"].max() == day
    local = read(made, "tracks")["t"].dt.convert_time_zone("Asia/Shanghai").dt.date()
    assert (local.max(), local.min()) == (day, day - dt.timedelta(days=9))
    assert pl.Series(read(made, "enterprises")["status_since"]).str.to_date().max() <= day


@pytest.mark.parametrize(("child", "parent"), list(CHILD_OF.items()))
def test_every_level_tiles_its_parent(areas, child, parent):
    children, parents = areas[areas.kind == child], areas[areas.kind == parent].set_index("code")
    assert shapely.is_valid(children.geometry.values).all()
    assert shapely.coverage_is_valid(children.geometry.values)
    assert set(children.parent_code) == set(parents.index)
    for code, group in children.groupby("parent_code"):
        outline = to_local_metres(parents.geometry[code])
        pieces = to_local_metres(group.geometry.values)
        assert shapely.area(pieces).sum() == pytest.approx(outline.area, rel=1e-9)
        assert shapely.area(shapely.difference(outline, shapely.union_all(pieces))) < 0.01


def test_areas_are_in_one_part_and_rounded(areas):
    land = areas[areas.kind.isin(["community", "unit_grid", "town"])]
    assert (shapely.get_num_geometries(land.geometry.values) == 1).all()
    xy = shapely.get_coordinates(land.geometry.values)
    assert np.abs(xy * 1e7 - np.round(xy * 1e7)).max() < 1e-5


def test_county_keeps_its_real_outline(areas):
    real = next(c.polygon for c in read_counties() if c.code == "320682")
    made = areas[areas.kind == "county"].geometry.iloc[0]
    assert shapely.area(shapely.symmetric_difference(real, made)) < 1e-6 * real.area


def test_area_codes_hold_and_number_from_west_to_east_and_north_to_south(areas):
    for code in areas[areas.kind == "unit_grid"].code:
        parse_grid_code(code)
    for code in areas[areas.kind == "community"].code:
        parse_statistical_code(code)
    grids = areas[areas.kind == "unit_grid"]
    assert grids.code.is_unique and (grids.code.str[:12] == grids.parent_code).all()
    for _, group in grids.groupby("parent_code"):
        assert sorted(group.code.str[12:].astype(int)) == list(range(1, len(group) + 1))
        north = group.set_index("code").geometry.representative_point().y.sort_index()
        if len(group) > 3:
            middle = (north.max() + north.min()) / 2
            assert north.iloc[0] >= middle - 1e-5 and north.iloc[-1] <= middle + 1e-5


def test_table_of_towns():
    towns = read_towns()
    assert len(towns) == 98 and len({t.code for t in towns}) == 98
    assert {t.county_code for t in towns} == {c.code for c in read_counties()}
    for town in towns:
        parse_town_code(town.code)


def test_enterprises_are_invented_and_their_codes_valid(city):
    frame = read(city, "enterprises")
    assert frame["name"].is_unique().all() and frame["name"].str.ends_with("（演示）").all()
    assert all(stdnum_uscc.is_valid(code) for code in frame["uscc"])
    chemical = frame.filter(pl.col("hazard") == "chemical")
    assert chemical.height == 100 and chemical.filter(pl.col("status") == "closed").height == 30


def test_sites_lie_in_the_city_and_plants_in_their_boundary(city, areas):
    frame = read(city, "sites")
    outline = areas[areas.kind == "city"].geometry.iloc[0]
    assert shapely.contains_xy(outline, frame["lon"].to_numpy(), frame["lat"].to_numpy()).all()
    lots = frame.filter(pl.col("boundary").is_not_null())
    polygons = shapely.from_wkt(lots["boundary"].to_numpy())
    assert shapely.is_valid(polygons).all()
    assert shapely.contains_xy(polygons, lots["lon"].to_numpy(), lots["lat"].to_numpy()).all()
    assert shapely.area(shapely.union_all(polygons)) == pytest.approx(shapely.area(polygons).sum(), rel=1e-6)
    width = np.sqrt(shapely.area(to_local_metres(polygons)))
    assert 100 < width.min() and width.max() < 300


def test_tracks_are_dirty_like_real_ones(city):
    frame = read(city, "tracks")
    times = frame["t"].dt.epoch("s").to_numpy()
    assert (np.diff(times) < 0).any()
    assert frame.select("vehicle_id", "t").is_duplicated().sum() > 50
    ordered = frame.unique(["vehicle_id", "t"]).sort("vehicle_id", "t")
    gap = ordered.select(pl.col("t").diff().over("vehicle_id").dt.total_seconds()).to_series().drop_nulls()
    assert 30 <= gap.median() <= 60
    x, y = to_metric(ordered["lon"].to_numpy(), ordered["lat"].to_numpy())
    same = (ordered["vehicle_id"] == ordered["vehicle_id"].shift(1)).to_numpy()[1:].astype(bool)
    speed = np.hypot(np.diff(x), np.diff(y))[same] / gap.to_numpy()[: same.sum()]
    jumps = (speed > 200 / 3.6).mean()
    assert 0 < jumps < 0.003


def test_meters_cover_two_years_and_fall_after_closure(city):
    meters = read(city, "meters").filter(pl.col("kind") == "power").drop_nulls("value")
    assert meters["day"].n_unique() == 730
    planted = truth(city).filter(pl.col("kind").is_in(["plain_closed", "beside_open", "petrol"]))
    since = read(city, "sites").select("site_id", "uscc").join(read(city, "enterprises"), on="uscc")
    closed = planted.select("site_id").join(since, on="site_id")
    for site, day in closed.select("site_id", pl.col("status_since").str.to_date()).iter_rows():
        mine = meters.filter(pl.col("site_id") == site)
        before = mine.filter(pl.col("day") < day)["value"].median()
        after = mine.filter(pl.col("day") > pl.lit(day).dt.offset_by("20d"))["value"].median()
        assert after < 0.25 * before


def night_visits(city: DemoCity, site_id: str) -> int:
    """Nights on which some truck was seen within 30 m of a lot over at least 25 minutes between 20:00 and
    06:00.
    """
    tracks = read(city, "tracks").sort("vehicle_id", "t")
    wkt = read(city, "sites").filter(pl.col("site_id") == site_id)["boundary"][0]
    lot = shapely.buffer(to_local_metres(shapely.from_wkt(wkt)), 30.0)
    x, y = to_metric(tracks["lon"].to_numpy(), tracks["lat"].to_numpy())
    shapely.prepare(lot)
    near = tracks.filter(pl.Series(shapely.contains_xy(lot, x, y))).with_columns(
        local=pl.col("t").dt.convert_time_zone("Asia/Shanghai")
    )
    near = near.filter((pl.col("local").dt.hour() >= 20) | (pl.col("local").dt.hour() < 6))
    near = near.with_columns(night=pl.col("local").dt.offset_by("-12h").dt.date())
    spans = near.group_by("vehicle_id", "night").agg(span=pl.col("t").max() - pl.col("t").min())
    return spans.filter(pl.col("span") >= pl.duration(minutes=25))["night"].n_unique()


def test_planted_resumptions_are_in_the_data(city):
    planted = truth(city).filter(pl.col("label"))
    assert planted.height == 6 and planted["kind"].unique().to_list() == ["illegal_resumption"]
    meters = read(city, "meters").drop_nulls("value")
    for site in planted["site_id"]:
        assert night_visits(city, site) >= 4
        for kind in ("power", "water"):
            mine = meters.filter((pl.col("site_id") == site) & (pl.col("kind") == kind)).sort("day")["value"]
            assert mine.tail(14).median() > 3 * mine.slice(len(mine) - 140, 60).median()


def test_decoys_are_there(city):
    table = truth(city)
    counts = dict(table.group_by("kind").len().iter_rows())
    assert {k: counts[k] for k in ("guards_only", "beside_open", "dismantling", "gate_queue")} == {
        "guards_only": 3,
        "beside_open": 3,
        "dismantling": 2,
        "gate_queue": 2,
    }
    assert not table.filter(pl.col("kind") != "illegal_resumption")["label"].any()
    notices = read(city, "notices")
    for kind in ("dismantling", "shared_meter"):
        sites = set(table.filter(pl.col("kind") == kind)["site_id"])
        assert sites <= set(notices.filter(pl.col("kind") == kind)["site_id"])


def test_truth_does_not_leak(city):
    """No text of the truth stands in a file that is imported, and order says nothing."""
    for kind, name in FILES.items():
        if kind not in ("areas", "notices", "places"):
            frame = read(city, kind)
            if kind == "matters":  # names the kind of alert that opens its cases
                frame = frame.drop("alert_kind")
            texts = {
                t for c in frame.columns if frame[c].dtype == pl.Utf8 for t in frame[c].drop_nulls().unique()
            }
            assert not texts & {"illegal_resumption", "beside_open", "plain_closed", "guards_only"}, name
    plants = read(city, "sites").filter(pl.col("boundary").is_not_null())["site_id"].to_list()
    rank = [plants.index(site) for site in truth(city).filter(pl.col("label"))["site_id"]]
    assert max(rank) - min(rank) > len(plants) // 4
    assert read(city, "sites")["site_id"].is_sorted()


def test_a_seed_gives_the_same_city_and_another_seed_another(city, other, tmp_path):
    again = make_city(tmp_path / "again", seed=1, size="small")
    for kind in FILES:
        first, second = city.path(kind).read_bytes(), again.path(kind).read_bytes()
        assert first == second, kind
        if kind not in ("vehicles", "matters"):
            assert first != other.path(kind).read_bytes(), kind
    assert not set(truth(city)["uscc"]) & set(truth(other)["uscc"])


def test_duty_list_has_six_domains_and_the_main_item(city, areas):
    duties = read(city, "duties")
    assert duties["item_code"].n_unique() >= 40 and duties["domain"].n_unique() == 6
    assert set(duties["area_code"].cast(pl.Utf8)) <= set(areas.code)
    item = duties.filter((pl.col("item_code") == "ECO-RESUME-001") & (pl.col("level") == "county"))
    assert item.filter(pl.col("role") == "lead")["body"].to_list() == ["南通市如皋生态环境局"]
    joint = set(item.filter(pl.col("role") == "joint")["body"])
    assert joint == {"如皋市应急管理局", "如皋市交通运输局", "如皋市市场监督管理局"}
    assert duties.filter(pl.col("valid_to").is_not_null())["level"].unique().to_list() == ["town"]


@pytest.mark.slow
def test_the_whole_city_is_a_partition_of_seven_real_counties():
    """The real county lines do not match exactly: their slivers must end in exactly one unit grid."""
    frame = make_areas(FULL, np.random.default_rng(11)).frame
    counts = frame["kind"].value_counts()
    assert (counts["unit_grid"], counts["town"], counts["county"]) == (12_000, 98, 7)
    assert 1_900 < counts["community"] < 2_100
    for child, parent in CHILD_OF.items():
        children, parents = frame[frame.kind == child], frame[frame.kind == parent].set_index("code").geometry
        assert shapely.coverage_is_valid(children.geometry.values)
        sums = pd.Series(shapely.area(children.geometry.values)).groupby(children.parent_code.values).sum()
        assert np.allclose(sums, shapely.area(parents[sums.index].values), rtol=1e-12)
    for county in read_counties():
        made = frame[(frame.kind == "county") & (frame.code == county.code)].geometry.iloc[0]
        assert shapely.area(shapely.symmetric_difference(made, county.polygon)) < 1e-5 * shapely.area(made)
    zone = frame[frame.kind == "functional_zone"].geometry.iloc[0]
    towns = frame[(frame.kind == "town") & frame.code.str.startswith("320671")]
    assert set(towns.parent_code) == {"320613"} and zone.equals(shapely.union_all(towns.geometry.values))


def test_wrong_size_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="full or small"):
        make_city(tmp_path, size="huge")
    with pytest.raises(ValueError, match="communities"):
        make_city(tmp_path, grids=10)


def test_progress_is_told(tmp_path: Path):
    said: list[tuple[str, int, int]] = []
    make_city(tmp_path, size="small", seed=3, progress=lambda *step: said.append(step))
    assert [step[1] for step in said] == list(range(1, said[0][2] + 1))
