"""Fusion of evidence: planted resumptions against decoys, the rule of two families, explanations that add
up.
"""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.alert_levels import ALERT_LEVELS
from spatial_models.errors import InputFrameError, NaiveTimeError
from spatial_models.suspicion import DEFAULT_CONFIG, score_sites, use_after_closure
from spatial_models.suspicion.score import LEVELS_ZH, SITE_SCHEMA, SuspicionConfig
from spatial_models.visits import find_visits
from spatial_models.visits.find import VISIT_SCHEMA
from tests.support.long_runs import examples

AT = dt.datetime(2026, 3, 1, 15, 59, tzinfo=dt.UTC)
TODAY = AT.date()
LON, LAT = 120.9, 32.0
M_PER_DEG = 6_371_008.8 * math.pi / 180
UTC = pl.Datetime("us", "UTC")


class City:
    """Sites in a row, 5 km apart unless said; each made by its story."""

    def __init__(self) -> None:
        self.sites: list[dict[str, Any]] = []
        self.readings: list[pl.DataFrame] = []
        self.stays: list[dict[str, Any]] = []
        self.notices: list[dict[str, Any]] = []
        self.places: list[dict[str, Any]] = []
        self.rng = np.random.default_rng(12)

    def site(self, site_id: str, *, beside: str | None = None, status: str = "closed") -> str:
        at = 5000.0 * len(self.sites) if beside is None else self.east(beside) + 150.0
        since = TODAY - dt.timedelta(days=300)
        self.sites.append(
            {"site_id": site_id, "east_m": at, "status": status, "status_since": since, "hazard": "chemical"}
        )
        return site_id

    def east(self, site_id: str) -> float:
        return next(float(s["east_m"]) for s in self.sites if s["site_id"] == site_id)

    def meter(
        self, site_id: str, kind: str, *, idle: float, again: float | None = None, days: int = 30
    ) -> None:
        """Share of the former use at rest, and since ``days`` days."""
        ago = np.arange(699, -1, -1)
        share = np.where(ago > 300, 1.0, idle)
        if again is not None:
            share = np.where(ago < days, again, share)
        n = len(ago)
        self.readings.append(
            pl.DataFrame(
                {
                    "site_id": site_id,
                    "kind": kind,
                    "day": [TODAY - dt.timedelta(days=int(d)) for d in ago],
                    "value": share * self.rng.normal(1.0, 0.06, n) * 1000.0,
                    "quality": "measured",
                }
            )
        )

    def trucks(self, site_id: str, n: int, *, hour: int, off_m: float = 0.0, minutes: int = 90) -> None:
        """One stay a day on the last ``n`` days, starting at this local hour."""
        for day in range(1, n + 1):
            start = dt.datetime.combine(TODAY - dt.timedelta(days=day), dt.time(), dt.UTC) + dt.timedelta(
                hours=hour - 8
            )
            self.stays.append(
                {
                    "vehicle_id": f"V{len(self.stays)}", "started_at": start, "ended_at": start + dt.timedelta(minutes=minutes),
                    "left_by": start + dt.timedelta(minutes=minutes + 1), "ended_by": "left", "open": False,
                    "lon": LON + (self.east(site_id) + off_m) / (M_PER_DEG * math.cos(math.radians(LAT))), "lat": LAT,
                }
            )  # fmt: skip

    def score(self, **more: Any) -> pl.DataFrame:
        frame = pl.DataFrame(self.sites).with_columns(
            lon=LON + pl.col("east_m") / (M_PER_DEG * math.cos(math.radians(LAT))), lat=pl.lit(LAT)
        )
        stays = pl.DataFrame(self.stays, schema={
            "vehicle_id": pl.String, "started_at": UTC, "ended_at": UTC, "left_by": UTC, "ended_by": pl.String,
            "open": pl.Boolean, "lon": pl.Float64, "lat": pl.Float64,
        })  # fmt: skip
        notices = pl.DataFrame(
            self.notices,
            schema={"site_id": pl.String, "kind": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
        )
        places = pl.DataFrame(
            self.places,
            schema={"kind": pl.String, "lon": pl.Float64, "lat": pl.Float64, "radius_m": pl.Float64},
        )
        none = {
            "site_id": pl.String,
            "kind": pl.String,
            "day": pl.Date,
            "value": pl.Float64,
            "quality": pl.String,
        }
        readings = pl.concat([pl.DataFrame(schema=none), *self.readings])
        closed = frame.filter(pl.col("status") != "operating")
        signals = use_after_closure(readings, closed, notices, at=TODAY)
        return score_sites(frame, signals, find_visits(stays, frame, places), notices, at=AT, **more).sites

    def level(self, **more: Any) -> str:
        return self.row(**more)["level"]

    def row(self, site_id: str = "S", **more: Any) -> dict[str, Any]:
        return self.score(**more).filter(pl.col("site_id") == site_id).row(0, named=True)


def works_again(city: City, site_id: str = "S") -> None:
    city.meter(site_id, "power", idle=0.05, again=0.5)
    city.meter(site_id, "water", idle=0.03, again=0.4)


def at_rest(city: City, site_id: str = "S", idle: float = 0.05) -> None:
    city.meter(site_id, "power", idle=idle)
    city.meter(site_id, "water", idle=0.03)


def test_power_water_and_night_trucks_are_high() -> None:
    city = City()
    works_again(city, city.site("S"))
    city.trucks("S", 10, hour=23)
    row = city.row()
    assert row["level"] == "high" and set(row["families"]) == {"meters", "vehicles"}
    signals = [item["signal"] for item in row["evidence"]]
    assert {"power_rise", "water_rise", "power_water_agree", "hazmat_dwell", "night_share"} <= set(signals)
    assert row["would_lower"]


def test_weak_use_and_few_trucks_are_a_warning() -> None:
    city = City()
    city.site("S")
    city.meter("S", "power", idle=0.05, again=0.2)
    city.meter("S", "water", idle=0.03, again=0.2)
    city.trucks("S", 4, hour=14)
    assert city.level() == "warning"


@pytest.mark.parametrize("story", ["meters", "vehicles"])
def test_one_family_alone_never_exceeds_attention(story: str) -> None:
    city = City()
    city.site("S")
    if story == "meters":
        works_again(city)
    else:
        at_rest(city)
        city.trucks("S", 28, hour=23)
    row = city.row(config=SuspicionConfig(prior={"closed": 0.9, "suspended": 0.9, "dismantled": 0.9}))
    assert row["score"] > 0.9 and row["level"] == "attention" and len(row["families"]) == 1


def test_decoy_guards_power_only() -> None:
    city = City()
    for share in (0.10, 0.15, 0.20):
        at_rest(city, city.site(f"S{share}"), idle=share)
    assert city.score()["level"].to_list() == ["none"] * 3


def test_decoy_next_to_an_open_plant_that_the_trucks_serve() -> None:
    city = City()
    works_again(city, city.site("S"))
    city.site("open", beside="S", status="operating")
    city.trucks("open", 28, hour=10)
    city.trucks("open", 28, hour=23)
    row = city.row()
    assert row["level"] == "attention" and row["families"] == ["meters"]
    served = next(item for item in row["evidence"] if item["signal"] == "served_neighbours")
    assert served["value"] == 56.0


@pytest.mark.parametrize("kind", ["dismantling", "remediation", "permit"])
def test_decoy_registered_reason(kind: str) -> None:
    city = City()
    works_again(city, city.site("S"))
    city.trucks("S", 10, hour=14)
    city.notices.append(
        {"site_id": "S", "kind": kind, "valid_from": TODAY - dt.timedelta(days=40), "valid_to": None}
    )
    row = city.row()
    assert row["level"] == "none"
    assert {"notice_" + kind} <= {item["signal"] for item in row["evidence"]}
    city.notices[0]["valid_to"] = TODAY - dt.timedelta(days=10)  # it ran out, the use did not
    assert city.level() == "high"


def test_decoy_missing_meters() -> None:
    city = City()
    city.site("S")
    city.trucks("S", 5, hour=14)
    row = city.row()
    assert row["level"] in ("none", "attention")
    missing = [item for item in row["evidence"] if item["signal"].endswith("_no_data")]
    assert len(missing) == 2 and all(item["contribution"] == 0.0 for item in missing)
    assert any("missing readings" in text["en"] for text in row["would_lower"])


def test_decoy_shared_meter() -> None:
    city = City()
    works_again(city, city.site("S"))
    city.trucks("S", 3, hour=14)
    city.notices.append(
        {
            "site_id": "S",
            "kind": "shared_meter",
            "valid_from": TODAY - dt.timedelta(days=200),
            "valid_to": None,
        }
    )
    assert city.row()["families"] == ["vehicles"]
    assert city.level() == "attention"


@pytest.mark.parametrize("kind", ["petrol", "licensed_parking", "gate_queue", "service_area"])
def test_decoy_excluded_place(kind: str) -> None:
    city = City()
    at_rest(city, city.site("S"))
    city.trucks("S", 28, hour=23, off_m=80.0)
    assert city.row()["families"] == ["vehicles"]
    lon = LON + 80.0 / (M_PER_DEG * math.cos(math.radians(LAT)))
    city.places.append({"kind": kind, "lon": lon, "lat": LAT, "radius_m": 60.0})
    row = city.row()
    assert (row["level"], row["families"]) == ("none", [])
    assert next(item for item in row["evidence"] if item["signal"] == "excluded_places")["value"] == 28.0


def test_only_closed_sites_and_known_status_count() -> None:
    city = City()
    for status in ("operating", "closed", "suspended", "dismantled"):
        city.site(status, status=status)
    city.site("later")
    city.sites[-1]["status_since"] = TODAY + dt.timedelta(days=9)
    assert sorted(city.score()["site_id"]) == ["closed", "dismantled", "suspended"]


def test_visits_before_the_closure_are_not_looked_at() -> None:
    city = City()
    at_rest(city, city.site("S"))
    city.trucks("S", 20, hour=10)
    city.sites[0]["status_since"] = TODAY - dt.timedelta(days=2)
    dwell = [i for i in city.row()["evidence"] if i["signal"] == "hazmat_dwell"]
    assert len(dwell) == 1 and dwell[0]["value"] == pytest.approx(2.0)


def test_more_evidence_never_lowers_the_score() -> None:
    scores = []
    for n in range(0, 12, 2):
        city = City()
        works_again(city, city.site("S"))
        city.trucks("S", n, hour=23)
        scores.append(city.row()["score"])
    assert scores == sorted(scores) and scores[0] < 0.5 < scores[-1]


def test_contributions_add_up_and_json_holds_them() -> None:
    city = City()
    for site_id in ("S", "T", "U"):
        city.site(site_id)
    works_again(city, "S")
    works_again(city, "T")
    city.trucks("S", 9, hour=23)
    city.trucks("T", 3, hour=12)
    city.notices.append(
        {"site_id": "T", "kind": "maintenance", "valid_from": TODAY - dt.timedelta(days=9), "valid_to": None}
    )
    scored = city.score()
    assert scored.schema == pl.Schema(SITE_SCHEMA)
    assert scored["score"].to_list() == sorted(scored["score"], reverse=True)
    for row in scored.iter_rows(named=True):
        contributions = [item["contribution"] for item in row["evidence"]]
        assert contributions == sorted(contributions, reverse=True)
        assert row["prior_log_odds"] + sum(contributions) == pytest.approx(row["log_odds"], abs=1e-12)
        assert row["score"] == pytest.approx(1 / (1 + math.exp(-row["log_odds"])))
        json.loads(json.dumps(row, allow_nan=False))
        for item in row["evidence"]:
            assert (item["sentence_zh"] and item["sentence_en"].isascii()) or "m³" in item["sentence_en"]
            assert 0.0 <= item["quality"] <= 1.0 and item["period"][0] <= item["period"][1]


def test_meters_cap_holds() -> None:
    city = City()
    works_again(city, city.site("S"))
    city.meter("S", "gas", idle=0.02, again=0.6)
    total = sum(item["contribution"] for item in city.row()["evidence"] if item["family"] == "meters")
    assert total == pytest.approx(DEFAULT_CONFIG.family_caps["meters"])


def test_levels_have_chinese_names_in_order() -> None:
    assert ALERT_LEVELS == ("none", "attention", "warning", "high")
    assert [LEVELS_ZH[level] for level in ALERT_LEVELS[1:]] == ["关注", "预警", "高"]


def test_wrong_input_is_refused_by_name() -> None:
    signals = use_after_closure(
        pl.DataFrame(
            schema={
                "site_id": pl.String,
                "kind": pl.String,
                "day": pl.Date,
                "value": pl.Float64,
                "quality": pl.String,
            }
        ),
        pl.DataFrame(schema={"site_id": pl.String, "status_since": pl.Date}),
        at=TODAY,
    )
    visits = pl.DataFrame(schema=VISIT_SCHEMA)
    with pytest.raises(InputFrameError, match="sites: column status is missing"):
        score_sites(pl.DataFrame({"site_id": ["S"]}), signals, visits, at=AT)
    with pytest.raises(NaiveTimeError):
        score_sites(
            pl.DataFrame({"site_id": ["S"], "status": ["closed"]}),
            signals,
            visits,
            at=AT.replace(tzinfo=None),
        )
    alone = score_sites(pl.DataFrame({"site_id": ["S"], "status": ["closed"]}), signals, visits, at=AT)
    assert alone.sites.row(0, named=True)["level"] == "none" and alone.version == DEFAULT_CONFIG.version
    assert score_sites(pl.DataFrame({"site_id": [], "status": []}), signals, visits, at=AT).sites.height == 0


@examples(40)
@given(st.floats(0.01, 0.6), st.floats(0.0, 1.0), st.integers(0, 20), st.sampled_from([3, 10, 23]))
def test_no_single_family_story_warns(idle: float, again: float, n: int, hour: int) -> None:
    """Whatever the figures: trucks without a rise, or a rise without trucks, stay at attention at most."""
    quiet, silent = City(), City()
    at_rest(quiet, quiet.site("S"), idle=min(idle, 0.2))
    quiet.trucks("S", n, hour=hour)
    silent.site("S")
    silent.meter("S", "power", idle=idle, again=again)
    silent.meter("S", "water", idle=idle, again=again)
    assert quiet.level() in ("none", "attention") and silent.level() in ("none", "attention")
