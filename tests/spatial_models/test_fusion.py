"""Fusion of signals by a model file: figures by hand, and what must hold whatever the figures are."""

from __future__ import annotations

import datetime as dt
import json
import math
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.alert_levels import ALERT_LEVELS
from spatial_models.errors import InputFrameError, NaiveTimeError
from spatial_models.signal_rows import SIGNAL_ROWS, SignalKind
from spatial_models.suspicion import SCORE_ROWS, Catalogue, population_of, read_model, score_sites
from tests.support.long_runs import examples

AT = dt.datetime(2026, 3, 1, 15, 59, tzinfo=dt.UTC)
TODAY = dt.date(2026, 3, 1)
DAY = dt.timedelta(days=1)
KNOWN = Catalogue(
    {
        name: SignalKind(name, family, "x", 0.0, 100.0, (), name, name)
        for name, family in {"power": "meters", "water": "meters", "trucks": "vehicles"}.items()
    }
)
FILE = """\
format = 1
name = "small"
version = "1"
alert_kind = "small"
title = { zh = "小", en = "Small" }
[population]
statuses = ["closed", "suspended"]
[prior]
share = 0.02
by_status = { suspended = 2.0 }
by_hazard = { none = 0.5 }
by_industry = { "化工" = 3.0 }
[levels]
attention = 0.10
warning = 0.50
high = 0.80
[families.meters]
title = { zh = "水电", en = "Meters" }
upper = 3.0
lower = -2.0
would_settle = { zh = "看表。", en = "Read the meters." }
[families.vehicles]
title = { zh = "车辆", en = "Vehicles" }
upper = 4.0
lower = -0.5
would_settle = { zh = "看车。", en = "Look for vehicles." }
[[signals]]
signal = "power"
family = "meters"
points = [[0.0, -1.5], [1.0, 2.5]]
least_quality = 0.2
[[signals]]
signal = "water"
family = "meters"
points = [[0.0, -1.0], [1.0, 2.0]]
[[signals]]
signal = "trucks"
family = "vehicles"
points = [[0.0, -0.5], [1.0, 0.5], [4.0, 3.5]]
[notices]
permit = { meters = 1.0, vehicles = 1.0 }
maintenance = { meters = 0.8, vehicles = 0.5 }
shared_meter = { meters = 0.9 }
"""
MODEL = read_model(FILE, KNOWN)
PRIOR = math.log(0.02 / 0.98)


def sites(**more: Any) -> pl.DataFrame:
    return pl.DataFrame({"site_id": ["S"], "status": ["closed"], "hazard": ["chemical"], **more})


def rows(site_id: str = "S", quality: float = 1.0, **values: float | None) -> pl.DataFrame:
    made = [
        (site_id, name, value, 1.0, quality, TODAY - 9 * DAY, TODAY, f"{name}。", f"{name}.")
        for name, value in values.items()
    ]
    return pl.DataFrame(made, schema=SIGNAL_ROWS, orient="row")


def notice(kind: str, since: int = -20, until: int | None = None) -> pl.DataFrame:
    last = None if until is None else TODAY + until * DAY
    return pl.DataFrame(
        [("S", kind, TODAY + since * DAY, last)],
        schema={"site_id": pl.String, "kind": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
        orient="row",
    )


def judged(signals: pl.DataFrame, notices: pl.DataFrame | None = None, **site: Any) -> dict[str, Any]:
    return score_sites(MODEL, sites(**site), signals, notices, at=AT).row(0, named=True)


def items(row: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["signal"]: item for item in row["evidence"]}


def test_the_sum_by_hand() -> None:
    row = judged(rows(power=0.75, water=0.5, trucks=2.0))
    # power: -1.5 + 4 * 0.75 = 1.5; water: -1 + 3 * 0.5 = 0.5; trucks: 0.5 + 1 = 1.5.
    assert [round(i["contribution"], 9) for i in row["evidence"]] == [1.5, 1.5, 0.5]
    assert row["log_odds"] == pytest.approx(PRIOR + 3.5)
    assert row["score"] == pytest.approx(1 / (1 + math.exp(-(PRIOR + 3.5)))) and row["level"] == "attention"
    assert (row["families"], row["blind"], row["would_settle"]) == (["meters", "vehicles"], [], [])


def test_quiet_speaks_against_and_missing_says_nothing() -> None:
    quiet, missing, absent = judged(rows(power=0.0)), judged(rows(power=None)), judged(rows())
    assert quiet["log_odds"] == pytest.approx(PRIOR - 1.5)
    assert missing["log_odds"] == absent["log_odds"] == pytest.approx(PRIOR)
    assert (quiet["blind"], missing["blind"]) == (["vehicles"], ["meters", "vehicles"])
    said = items(missing)
    assert said["meters_blind"]["contribution"] == 0.0 and "看表" in said["meters_blind"]["sentence_zh"]
    assert [one["family"] for one in missing["would_settle"]] == ["meters", "vehicles"]


def test_a_value_of_little_quality_says_little_or_nothing() -> None:
    assert judged(rows(power=1.0, quality=0.5))["log_odds"] == pytest.approx(PRIOR + 1.25)
    estimated = judged(rows(power=1.0, quality=0.1))
    assert estimated["log_odds"] == pytest.approx(PRIOR) and "meters" in estimated["blind"]


def test_the_bounds_of_a_family_hold_in_both_directions() -> None:
    much, nothing = judged(rows(power=1.0, water=1.0)), judged(rows(power=0.0, water=0.0))
    assert much["log_odds"] == pytest.approx(PRIOR + 3.0) and nothing["log_odds"] == pytest.approx(
        PRIOR - 2.0
    )
    assert items(much)["meters_cap"]["contribution"] == pytest.approx(-1.5)
    assert items(nothing)["meters_cap"]["contribution"] == pytest.approx(0.5)


def test_the_prior_by_status_hazard_and_industry() -> None:
    def share(**site: Any) -> float:
        return float(judged(rows(), **site)["score"])

    assert share() == pytest.approx(0.02)
    assert share(status=["suspended"]) == pytest.approx(0.04)
    assert share(hazard=[None]) == share(hazard=["none"]) == pytest.approx(0.01)
    assert share(industry=["精细化工"]) == pytest.approx(0.06)


@pytest.mark.parametrize(("kind", "left"), [("permit", 0.0), ("maintenance", 0.2 * 2.0 + 0.5 * 3.5), ("shared_meter", 0.2 + 3.5)])  # fmt: skip
def test_a_valid_notice_takes_its_part_of_what_speaks_for_the_matter(kind: str, left: float) -> None:
    found = rows(power=0.625, water=2 / 3, trucks=4.0)  # 1 + 1 and 3.5
    row = judged(found, notice(kind))
    assert row["log_odds"] == pytest.approx(PRIOR + left)
    assert judged(found, notice(kind, until=0))["log_odds"] == pytest.approx(PRIOR + 5.5), "it has run out"
    assert judged(found, notice(kind, since=1))["log_odds"] == pytest.approx(PRIOR + 5.5), (
        "it begins tomorrow"
    )
    against = judged(rows(power=0.0), notice(kind))
    assert against["log_odds"] == pytest.approx(PRIOR - 1.5), "what speaks against needs no explanation"


def test_one_family_alone_stays_attention_ranks_within_and_says_what_would_settle_it() -> None:
    likely = FILE.replace("share = 0.02", "share = 0.2")
    model = read_model(likely, KNOWN)
    both = pl.concat([rows("S", power=1.0, water=1.0), rows("T", power=0.8, water=0.5)])
    two = pl.DataFrame({"site_id": ["S", "T"], "status": "closed", "hazard": "gas"})
    scored = score_sites(model, two, both, at=AT)
    assert scored["level"].to_list() == ["attention", "attention"] and scored["score"][0] > scored["score"][1]
    assert scored["score"][0] > 0.8
    assert [one["family"] for one in scored["would_settle"][0]] == ["vehicles"]
    seen = judged(rows(power=1.0, water=1.0, trucks=0.0))
    assert (seen["blind"], [one["family"] for one in seen["would_settle"]]) == ([], ["vehicles"])


def test_a_model_that_cannot_do_without_a_family_gives_no_level() -> None:
    text = FILE.replace("[families.vehicles]", '[families.vehicles]\nwhen_missing = "say_blind"').replace(
        "share = 0.02", "share = 0.4"
    )
    model = read_model(text, KNOWN)
    blind = score_sites(model, sites(), rows(power=1.0), at=AT).row(0, named=True)
    seeing = score_sites(model, sites(), rows(power=1.0, trucks=1.0), at=AT).row(0, named=True)
    assert (blind["level"], seeing["level"]) == ("none", "attention") and "vehicles_blind" in items(blind)


def test_who_is_looked_at() -> None:
    frame = pl.DataFrame(
        {
            "site_id": ["closed", "open", "later", "office", "entered_nowhere"],
            "status": ["closed", "operating", "closed", "closed", "suspended"],
            "status_since": [TODAY, None, TODAY + DAY, None, None],
            "kind": ["production", "production", "storage", "sales", "storage"],
            "hazard": ["gas", "gas", "gas", "gas", None],
        }
    )
    assert population_of(MODEL, frame, today=TODAY)["site_id"].to_list() == ["closed", "entered_nowhere"]
    assert population_of(MODEL, frame.clear(), today=TODAY).height == 0


def test_licences_and_counties_choose_sites() -> None:
    frame = pl.DataFrame(
        {
            "site_id": ["a", "b", "c", "d"],
            "status": "closed",
            "uscc": ["A", "B", "C", "C"],
            "county": ["1", "1", "1", "2"],
        }
    )
    licences = pl.DataFrame(
        [("a", "A", TODAY - DAY, None), (None, "B", TODAY - DAY, TODAY + DAY), ("c", "C", None, TODAY)],
        schema={"site_id": pl.String, "uscc": pl.String, "valid_from": pl.Date, "valid_to": pl.Date},
        orient="row",
    ).with_columns(licence_kind=pl.lit("hazardous_storage"))

    def chosen(line: str, known: pl.DataFrame | None = licences) -> list[str]:
        model = read_model(FILE.replace("[population]", f"[population]\n{line}"), KNOWN)
        return population_of(model, frame, known, today=TODAY)["site_id"].to_list()

    assert chosen('lacks_licence = "hazardous_storage"') == ["c", "d"]
    assert chosen('holds_licence = "hazardous_storage"') == ["a", "b"]
    assert chosen('lacks_licence = "fishing"') == [] and chosen('holds_licence = "fishing"') == [], (
        "of a kind of which none is known nobody can be said to lack one"
    )
    assert chosen('lacks_licence = "hazardous_storage"', None) == []
    assert chosen("counties_apart = true") == ["c", "d"]


@examples(200)
@given(
    st.lists(st.one_of(st.none(), st.floats(0.0, 100.0)), min_size=3, max_size=3),
    st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3),
    st.sampled_from([None, "permit", "maintenance", "shared_meter", "outage"]),
)
def test_items_add_up_and_json_holds_them(
    values: list[float | None], qualities: list[float], kind: str | None
) -> None:
    names = ("power", "water", "trucks")
    given_rows = pl.concat(
        [rows(quality=q, **{n: v}) for n, v, q in zip(names, values, qualities, strict=True)]
    )
    scored = score_sites(MODEL, sites(), given_rows, None if kind is None else notice(kind), at=AT)
    assert scored.schema == pl.Schema(SCORE_ROWS)
    row = scored.row(0, named=True)
    weights = [item["contribution"] for item in row["evidence"]]
    assert weights == sorted(weights, reverse=True)
    assert row["prior_log_odds"] + sum(weights) == pytest.approx(row["log_odds"], abs=1e-9)
    by_family = {
        f: sum(i["contribution"] for i in row["evidence"] if i["family"] == f) for f in MODEL.families
    }
    for family, limits in MODEL.families.items():
        assert limits.lower - 1e-9 <= by_family[family] <= limits.upper + 1e-9
    if len(row["families"]) < 2:
        assert ALERT_LEVELS.index(row["level"]) <= 1
    json.loads(json.dumps(row, allow_nan=False))
    for item in row["evidence"]:
        assert item["sentence_zh"] and item["sentence_en"] and item["period"][0] <= item["period"][1]


@examples(100)
@given(st.floats(0.0, 99.0), st.floats(0.0, 1.0))
def test_more_of_a_signal_never_lowers_the_score(value: float, more: float) -> None:
    assert judged(rows(trucks=value + more))["score"] >= judged(rows(trucks=value))["score"]


def test_signals_that_the_model_does_not_name_are_not_read() -> None:
    other = rows(power=0.5).with_columns(signal=pl.lit("unknown"))
    assert judged(pl.concat([rows(water=0.5), other]))["log_odds"] == judged(rows(water=0.5))["log_odds"]


def test_wrong_input_is_refused_by_name() -> None:
    with pytest.raises(InputFrameError, match="sites: column status is missing"):
        score_sites(MODEL, pl.DataFrame({"site_id": ["S"]}), rows(), at=AT)
    with pytest.raises(InputFrameError, match=r"signals: columns? .*quality"):
        score_sites(MODEL, sites(), rows().drop("quality"), at=AT)
    with pytest.raises(NaiveTimeError):
        score_sites(MODEL, sites(), rows(), at=AT.replace(tzinfo=None))
