"""Planted kinds: every one really is as its description, in the files as they are imported; the truth agrees with the files."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
import pytest

from geo_api.demo_city import DemoCity, make_city
from geo_api.demo_city.kinds import KINDS, chosen_kinds
from geo_api.demo_city.kinds.readings import HOURLY_DAYS, VALLEY_HOURS, Supplied, as_imported, readings_of
from geo_api.demo_city.kinds.stories import Meter, Works
from geo_api.demo_city.kinds.use import use_of
from geo_api.demo_city.kinds.weather import COLD, MILD, make_days

ROOT = Path(__file__).parents[2]
END = dt.date(2026, 12, 13)
"""In the heating season."""
GUILTY = [name for name, kind in KINDS.items() if kind.guilty]
DECOYS = [name for name, kind in KINDS.items() if not kind.guilty]
M = 111_200.0


@pytest.fixture(scope="module")
def city(tmp_path_factory) -> DemoCity:
    return make_city(
        tmp_path_factory.mktemp("kinds"), seed=5, size="evaluation", end_day=END, kinds="extended"
    )


@pytest.fixture(scope="module")
def truth(city) -> pl.DataFrame:
    rows = json.loads((city.folder / "truth" / "kinds.json").read_text(encoding="utf-8"))
    return pl.DataFrame(rows, infer_schema_length=None).with_columns(pl.col("start", "closed").str.to_date())


@pytest.fixture(scope="module")
def sites(city) -> pl.DataFrame:
    return pl.read_csv(city.path("sites"))


@pytest.fixture(scope="module")
def meters(city) -> pl.DataFrame:
    return as_days(pl.read_parquet(city.path("meters")))


def as_days(rows: pl.DataFrame) -> pl.DataFrame:
    """Days of the file: hours summed, a bill spread over its days, registers as differences."""
    days = rows.filter(pl.col("day").is_not_null()).select("site_id", "kind", "day", "value", "quality")
    begin, end = (pl.col(name).str.slice(0, 10).str.to_date() for name in ("from", "to"))
    spans = rows.filter(pl.col("from").is_not_null()).with_columns(begin=begin, end=end)
    hours = (
        spans.filter(pl.col("from").str.len_chars() > 10)
        .group_by("site_id", "kind", day="begin")
        .agg(pl.col("value").sum(), pl.col("quality").max())
    )
    bills = spans.filter(pl.col("from").str.len_chars() == 10).with_columns(
        day=pl.date_ranges("begin", "end", closed="left"),
        value=pl.col("value") / (pl.col("end") - pl.col("begin")).dt.total_days(),
        quality=pl.lit("bill"),
    )
    registers = rows.filter(pl.col("at").is_not_null()).with_columns(
        day=pl.col("at").str.slice(0, 10).str.to_date(),
        value=pl.col("register").shift(-1).over("site_id", "kind") - pl.col("register"),
    )
    columns = ["site_id", "kind", "day", "value", "quality"]
    parts = [days, hours, bills.explode("day"), registers]
    return pl.concat([part.select(columns) for part in parts]).sort("site_id", "kind", "day")


@pytest.fixture(scope="module")
def fixes(city) -> pl.DataFrame:
    local = pl.col("t").dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    return pl.read_parquet(city.path("tracks")).with_columns(local=local)


def of(truth: pl.DataFrame, kind: str) -> list[dict]:
    rows = truth.filter(pl.col("kind") == kind).to_dicts()
    assert len(rows) >= 2
    return rows


def use(meters: pl.DataFrame, site: str, kind: str = "power") -> pl.DataFrame:
    return meters.filter((pl.col("site_id") == site) & (pl.col("kind") == kind)).sort("day")


def around(fixes: pl.DataFrame, sites: pl.DataFrame, site: str, reach_m: float) -> pl.DataFrame:
    """Standing fixes within a reach of a site."""
    lon, lat = sites.filter(pl.col("site_id") == site).select("lon", "lat").row(0)
    east = (pl.col("lon") - lon) * M * np.cos(np.radians(lat))
    north = (pl.col("lat") - lat) * M
    gap = (east**2 + north**2).sqrt()
    return fixes.filter((gap < reach_m) & (pl.col("speed_kmh") == 0)).with_columns(gap_m=gap)


def ratio(meters: pl.DataFrame, row: dict, kind: str = "power") -> float:
    """Mean of the fourth week after the start (or of the last days) by the median at rest."""
    values = use(meters, row["site_id"], kind).filter(pl.col("quality") == "measured")
    rest = values.filter(
        pl.col("day").is_between(row["closed"] + dt.timedelta(8), row["start"] - dt.timedelta(1))
    )
    after = values.filter(
        pl.col("day").is_between(row["start"] + dt.timedelta(5), row["start"] + dt.timedelta(12))
    )
    return float(after["value"].mean() / rest["value"].median())


def test_there_are_kinds_enough_and_each_is_told() -> None:
    assert len(GUILTY) >= 15 and len(DECOYS) >= 18
    assert {kind.shows != "" for kind in KINDS.values()} == {True}
    for kind in KINDS.values():
        assert not set(kind.families) & set(kind.blind)
    assert {kind.expected for kind in KINDS.values() if kind.blind and kind.guilty} == {"attention"}


def test_every_kind_stands_in_the_page_with_its_source_and_blind_family() -> None:
    page = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")
    for kind in KINDS.values():
        families = ", ".join(kind.families) or "–"
        blind = ", ".join(kind.blind) or "–"
        row = f"| `{kind.name}` | {kind.zh} · {kind.en} | {kind.shows} | {families} | {blind} | {kind.hard or '–'} |"
        assert row in page, row


def test_the_truth_agrees_with_the_files(city, truth, sites) -> None:
    enterprises = pl.read_csv(city.path("enterprises")).select("uscc", "status", "status_since", "hazard")
    resumed = truth.filter(pl.col("alert_kind").is_null())
    joined = resumed.join(sites, on="site_id").join(enterprises, on="uscc")
    assert joined.height == resumed.height == len(chosen_kinds("extended"))
    assert (joined["uscc"] == joined["uscc_right"]).all()
    assert set(joined["status"]) == {"closed"}
    undated = {name for name, kind in KINDS.items() if not kind.dated}
    assert set(joined.filter(pl.col("status_since").is_null())["kind"]) == undated
    late = joined["status_since"].str.to_date() - joined["closed"]
    assert late.drop_nulls().dt.total_days().is_between(0, 7).all()
    unentered = {name for name, kind in KINDS.items() if kind.hazard == "none"}
    assert set(joined.filter(pl.col("hazard") == "none")["kind"]) == unentered
    planted = json.loads(city.truth.read_text(encoding="utf-8"))
    assert {(row["site_id"], row["label"]) for row in planted} == set(
        resumed.select("site_id", "label").iter_rows()
    )


def test_no_truth_is_in_what_is_imported(city) -> None:
    for path in sorted(city.folder.glob("*.csv")):
        text = path.read_text(encoding="utf-8")
        assert not any(word in text for word in ("restart", "decoy", "planted", "guilty", "drivers_home")), (
            path
        )
    ids = pl.read_csv(city.path("sites")).filter(pl.col("site_id").str.starts_with("T"))["site_id"]
    assert ids.n_unique() == len(ids)


@pytest.mark.parametrize(
    "kind",
    [
        *(
            "full_restart",
            "nights_only",
            "neighbours_yard",
            "dark_terminals",
            "unlisted_suppliers",
            "own_cars",
        ),
        *("no_hazard_entered", "closing_undated", "sparse_terminals", "expired_notice", "one_own_lorry"),
        *("closed_recently", "heating_restart", "fortnights", "stopped_again"),
    ],
)
def test_power_rises_at_work(meters, truth, kind) -> None:
    for row in of(truth, kind):
        assert ratio(meters, row) > 2.5, row


@pytest.mark.parametrize("kind", ["water_only", "own_generator"])
def test_water_rises_without_power(meters, truth, kind) -> None:
    for row in of(truth, kind):
        assert ratio(meters, row, "water") > 5
        assert ratio(meters, row, "power") < 1.5


def test_weekends_and_third_days_and_fortnights(meters, truth) -> None:
    for row in of(truth, "weekends_only"):
        since = use(meters, row["site_id"]).filter(pl.col("day") >= row["start"])
        weekend = since.filter(pl.col("day").dt.weekday() >= 6)["value"].median()
        assert weekend > 3 * since.filter(pl.col("day").dt.weekday() < 6)["value"].median()
    for row in of(truth, "third_days"):
        since = use(meters, row["site_id"]).filter(pl.col("day") >= row["start"]).drop_nulls("value")
        high = since.filter(pl.col("value") > since["value"].max() / 3)
        assert 0.2 < high.height / since.height < 0.45
        assert {days % 3 for days in (high["day"] - row["start"]).dt.total_days().to_list()} <= {
            0,
            1,
        }  # 1: estimates
    for row in of(truth, "fortnights"):
        days = use(meters, row["site_id"]).with_columns(since=(pl.col("day") - row["start"]).dt.total_days())
        on = days.filter(pl.col("since").is_between(2, 13))["value"].median()
        assert on > 3 * days.filter(pl.col("since").is_between(15, 27))["value"].median()


def test_stopped_ones_are_idle_in_the_end_and_slow_ones_grow(meters, truth) -> None:
    for row in of(truth, "stopped_again"):
        days = use(meters, row["site_id"])
        worked = days.filter(
            pl.col("day").is_between(row["start"] + dt.timedelta(5), row["start"] + dt.timedelta(12))
        )
        assert worked["value"].median() > 3 * days.tail(6)["value"].median()
    for row in of(truth, "slow_ramp"):
        by_fortnight = (
            use(meters, row["site_id"])
            .filter(pl.col("day") >= row["start"])
            .group_by_dynamic("day", every="14d")
            .agg(pl.col("value").median())
        )["value"].to_list()[:4]
        assert by_fortnight == sorted(by_fortnight)


def test_bills_are_spread_and_estimates_are_flat(meters, truth) -> None:
    for kind in ("bills_only", "quiet_bills"):
        for row in of(truth, kind):
            days = use(meters, row["site_id"])
            assert set(days["quality"]) == {"bill"}
            assert days["value"].n_unique() <= 19
    for row in of(truth, "estimates_real_trucks"):
        late = use(meters, row["site_id"]).filter(pl.col("day") >= row["start"])
        assert set(late["quality"]) == {"estimated"} and late["value"].n_unique() == 1
    for row in of(truth, "estimated_months"):
        late = use(meters, row["site_id"]).filter(pl.col("day") >= row["start"])
        before = use(meters, row["site_id"]).filter(pl.col("day") < row["closed"])
        assert set(late["quality"]) == {"estimated"}
        assert late["value"].median() > 0.6 * before["value"].median()
    for kind in ("no_meters", "no_data"):
        for row in of(truth, kind):
            assert use(meters, row["site_id"])["day"].max() <= row["closed"] + dt.timedelta(5)


def test_faults_of_meters(meters, truth) -> None:
    for kind, of_meter in (("meter_swap", "power"), ("rollover", "water")):
        for row in of(truth, kind):
            falls = use(meters, row["site_id"], of_meter).filter(pl.col("value") < 0)
            assert falls.height == 1 and row["start"] <= falls["day"][0] + dt.timedelta(5)
            other = {"power": "water", "water": "power"}[of_meter]
            assert use(meters, row["site_id"], other)["value"].drop_nulls().min() >= 0
    for kind, of_meter in (("mistyped", "power"),):
        for row in of(truth, kind):
            since = (
                use(meters, row["site_id"], of_meter)
                .filter(pl.col("day") >= row["start"])
                .drop_nulls("value")
            )
            high = since.filter(pl.col("value") > 20 * since["value"].median())
            assert 1 <= high.height <= 3 and high["quality"][0] == "measured"
    for row in of(truth, "unit_jump"):
        days = use(meters, row["site_id"])
        rest = days.filter(pl.col("day").is_between(row["closed"] + dt.timedelta(9), row["start"]))
        assert 7 < days.tail(8)["value"].median() / rest["value"].median() < 13


def test_decoys_of_the_season(city, meters, truth) -> None:
    """Heating works in December and not in October; a guard's room stays below a quarter of normal work."""
    for row in of(truth, "heating_season"):
        days = use(meters, row["site_id"])
        warm = days.filter(
            (pl.col("day") > row["closed"] + dt.timedelta(9)) & (pl.col("day").dt.month() == 10)
        )
        cold = days.filter(pl.col("day") > END - dt.timedelta(10))
        assert cold["value"].median() > 1.4 * warm["value"].median()
        before = days.filter(pl.col("day") < row["closed"])["value"].median()
        assert cold["value"].median() < 0.3 * before
    for row in of(truth, "fire_drill"):
        water = use(meters, row["site_id"], "water").filter(pl.col("day") > row["closed"] + dt.timedelta(9))
        drills = water.filter(pl.col("day").dt.weekday() == 3)["value"].median()
        assert drills > 5 * water.filter(pl.col("day").dt.weekday() != 3)["value"].median()


@pytest.mark.parametrize("kind", [name for name, one in KINDS.items() if not one.visits])
def test_nobody_comes_where_no_visits_are_told(truth, kind) -> None:
    assert truth.filter(pl.col("kind") == kind)["visits"].sum() == 0


@pytest.mark.parametrize(
    "kind",
    [
        n
        for n, one in KINDS.items()
        if one.guilty and one.visits and n not in ("dark_terminals", "sparse_terminals")
    ],
)
def test_vehicles_of_planted_kinds_are_in_the_fixes(fixes, sites, truth, kind) -> None:
    for row in of(truth, kind):
        assert row["visits"] >= 4, row
        where = row["beside_site_id"] if kind == "neighbours_yard" else row["site_id"]
        stood = around(fixes, sites, where, 150).group_by("vehicle_id").len().filter(pl.col("len") >= 3)
        assert stood.height >= min(row["vehicles"], 2) >= 1, row


def test_night_trucks_come_at_night_and_the_neighbour_gets_them_by_name_only(fixes, sites, truth) -> None:
    for row in of(truth, "nights_only"):
        hours = around(fixes, sites, row["site_id"], 110)["local"].dt.hour()
        assert ((hours >= 21) | (hours <= 6)).mean() > 0.9
    for row in of(truth, "neighbours_yard"):
        assert (
            around(fixes, sites, row["site_id"], 55).height
            < 0.1 * around(fixes, sites, row["beside_site_id"], 55).height
        )


def test_dark_terminals_fall_silent_near_the_plant(fixes, sites, truth) -> None:
    for row in of(truth, "dark_terminals"):
        lon, lat = sites.filter(pl.col("site_id") == row["site_id"]).select("lon", "lat").row(0)
        gap = ((pl.col("lon") - lon) * M * np.cos(np.radians(lat))) ** 2 + ((pl.col("lat") - lat) * M) ** 2
        holes = (
            fixes.sort("vehicle_id", "t")
            .with_columns(
                near=gap.sqrt() < 4_000, wait=(pl.col("t").shift(-1).over("vehicle_id") - pl.col("t"))
            )
            .filter(
                pl.col("near")
                & (pl.col("wait") > dt.timedelta(minutes=50))
                & (pl.col("wait") < dt.timedelta(hours=4))
            )
        )
        assert holes.height >= 0.6 * row["visits"] >= 5
        assert around(fixes, sites, row["site_id"], 110).height < 12 * row["visits"]


def test_a_driver_sleeps_beside_the_plant(fixes, sites, truth) -> None:
    for row in of(truth, "drivers_home"):
        night = pl.col("local").dt.hour()
        near = around(fixes, sites, row["site_id"], 400).filter((night >= 21) | (night <= 4))
        one = near.group_by("vehicle_id").agg(nights=pl.col("local").dt.date().n_unique())
        assert one["nights"].max() >= 40
        assert one.filter(pl.col("nights") > 10).height == 1


def test_an_operator_falls_silent_for_two_days(city, fixes, truth) -> None:
    listed = pl.read_csv(city.path("vehicles"))["vehicle_id"]
    silent = (
        fixes.filter(pl.col("vehicle_id").str.starts_with("W") & pl.col("vehicle_id").is_in(listed.implode()))
        .sort("t")
        .with_columns(wait=(pl.col("t").shift(-1).over("vehicle_id") - pl.col("t")).dt.total_hours())
        .filter(pl.col("wait").is_between(43, 60))
    )
    assert silent["vehicle_id"].n_unique() > 40
    start = silent["t"].dt.truncate("1h")
    assert start.value_counts().sort("count")["count"][-1] > 0.6 * silent.height
    assert sum(row["visits"] for row in of(truth, "operator_outage")) >= 8


def test_sampling_is_mixed(fixes) -> None:
    moving = (
        fixes.filter(pl.col("vehicle_id").str.starts_with("W"))
        .sort("vehicle_id", "t")
        .with_columns(wait=pl.col("t").diff().dt.total_seconds().over("vehicle_id"))
        .filter(pl.col("speed_kmh") > 5)
        .group_by("vehicle_id")
        .agg(pl.col("wait").median())
    )
    assert moving["wait"].min() == 30 and 900 < moving["wait"].max() < 1100
    assert moving["wait"].n_unique() >= 5


def test_papers_hold_when_they_must(city, truth) -> None:
    notices = pl.read_csv(city.path("notices"), try_parse_dates=True)
    valid = notices.filter(pl.col("valid_to").is_null() | (pl.col("valid_to") > END))
    for kind in ("dismantling", "remediation", "permit", "sublet", "shared_meter", "part_let", "fire_drill"):
        rows = of(truth, kind)
        assert {row["site_id"] for row in rows} <= set(valid["site_id"]), kind
    for kind in ("expired_notice", "dismantling_unregistered", "full_restart"):
        assert not {row["site_id"] for row in of(truth, kind)} & set(valid["site_id"]), kind
    for row in of(truth, "expired_notice"):
        own = notices.filter(pl.col("site_id") == row["site_id"])
        assert own["valid_to"].max() < row["start"]


def test_hours_of_a_valley_meter() -> None:
    """Nearly all of the use falls in the valley, while the daily sum hardly rises."""
    rng = np.random.default_rng(3)
    days = make_days(END, 300, 60, ZoneInfo("Asia/Shanghai"), MILD, rng)
    meter = Meter(idle=(0.03, 0.04), works=(Works((0.18, 0.2), hours="night"),))
    closed, start = 100, 250
    use_ = use_of(meter, closed, start, days, rng)
    supplied = Supplied("X", "power", 1000.0, use_, meter, "hourly", closed, start, 0)
    table = readings_of(supplied, days, [np.zeros(300, dtype=bool)], rng)
    hourly = table.filter(pl.col("last") - pl.col("first") == dt.timedelta(hours=1))
    assert hourly.height == 24 * HOURLY_DAYS
    late = hourly.filter(pl.col("first") >= dt.datetime.combine(days.dates[start + 6], dt.time()))
    valley = late.filter(pl.col("first").dt.hour().is_in(VALLEY_HOURS))["value"].sum() / late["value"].sum()
    assert valley > 0.75
    written = as_imported(table)
    assert written.height == table.height and written["day"].null_count() == hourly.height
    assert written["from"].drop_nulls()[-1] == "2026-12-13T23:00"
    assert written["to"].drop_nulls()[-1] == "2026-12-14T00:00"
    assert 150 < as_days(written).tail(40)["value"].median() < 320


def test_a_bill_and_a_register_in_columns_of_the_import() -> None:
    rows = {"site_id": ["X", "Y"], "kind": ["power"] * 2, "meter_id": ["m", "n"],
            "first": [dt.datetime(2026, 3, 5), dt.datetime(2026, 3, 6)],
            "last": [dt.datetime(2026, 4, 5), dt.datetime(2026, 3, 7)], "value": [310.0, None],
            "register": [None, 12.5], "quality": ["measured"] * 2}  # fmt: skip
    bill, register = as_imported(pl.DataFrame(rows)).to_dicts()
    assert (bill["from"], bill["to"], bill["day"], bill["at"]) == ("2026-03-05", "2026-04-05", None, None)
    assert (register["at"], register["register"], register["from"]) == ("2026-03-06T00:00", 12.5, None)
    assert as_imported(pl.DataFrame(rows).clear()).is_empty()


def test_the_cold_city_has_a_heating_season_and_the_warm_one_a_short_one() -> None:
    rng = np.random.default_rng(1)
    zone = ZoneInfo("Asia/Shanghai")
    cold, mild = (make_days(dt.date(2026, 12, 31), 365, 60, zone, one, rng) for one in (COLD, MILD))
    assert mild.heating.sum() < cold.heating.sum() < 200
    assert cold.temperature_c.min() < -9


@pytest.mark.parametrize("selection", ["decoys", "quiet"])
def test_null_cities_plant_nothing(selection) -> None:
    chosen = chosen_kinds(selection)
    assert len(chosen) >= 190 and not any(kind.guilty for kind in chosen)
    if selection == "quiet":
        assert not any(kind.visits for kind in chosen)


DIGESTS = """
import hashlib, pathlib, sys
from geo_api.demo_city import make_city
folder = pathlib.Path(sys.argv[1])
make_city(folder, seed=9, size="evaluation", kinds="valley_hours,road_closed,heating_season,dark_terminals")
for path in sorted(folder.rglob("*")):
    if path.is_file():
        print(path.relative_to(folder), hashlib.sha256(path.read_bytes()).hexdigest())
"""


def test_the_same_seed_gives_the_same_bytes_on_another_processor(tmp_path) -> None:
    """Once with all instructions of this processor, once without the vector ones that differ between them."""
    runs = []
    for number, disabled in enumerate(("", "AVX2 FMA3 AVX512F AVX512_SKX")):
        env = os.environ | {"PYTHONPATH": str(ROOT), "NPY_DISABLE_CPU_FEATURES": disabled}
        command = [sys.executable, "-W", "ignore", "-c", DIGESTS, str(tmp_path / str(number))]
        runs.append(subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout)
    assert runs[0] == runs[1] and "tracks" in runs[0]


def test_another_seed_is_another_city_and_unknown_kinds_are_refused(tmp_path, city) -> None:
    with pytest.raises(ValueError, match="restart_full"):
        make_city(tmp_path, size="evaluation", kinds="full_restart,restart_full")
    other = make_city(tmp_path, seed=6, size="evaluation", end_day=END, kinds="quiet_recent")
    digest = {hashlib.sha256(one.path("sites").read_bytes()).hexdigest() for one in (other, city)}
    assert len(digest) == 2
