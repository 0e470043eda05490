"""Signals of fences: counts of vehicles that broke rules, by hand."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
import shapely

from spatial_models.errors import InputFrameError, NaiveTimeError
from spatial_models.fences import FENCE_SIGNALS, breaches_by_fence, fence_breaches
from spatial_models.signal_rows import SIGNAL_ROWS

AT = dt.datetime(2026, 7, 1, 4, tzinfo=dt.UTC)
UTC = pl.Datetime("us", "UTC")
LIST = pl.List(pl.String)
FLEET = pl.DataFrame({"vehicle_id": ["boat", "truck"], "kind": ["vessel", "hazmat"]})


def event(fence: str, vehicle: str, days_ago: float, hours: float = 1.0) -> dict[str, Any]:
    return {"fence_id": fence, "vehicle_id": vehicle, "started_at": AT - dt.timedelta(days=days_ago),
            "duration_s": hours * 3600.0}  # fmt: skip


def events(*rows: dict[str, Any]) -> pl.DataFrame:
    schema = {"fence_id": pl.String, "vehicle_id": pl.String, "started_at": UTC, "duration_s": pl.Float64}
    return pl.DataFrame(list(rows), schema=schema)


def fence(fence_id: str, west: float = 120.0, **more: Any) -> pl.DataFrame:
    row = {"medium": None, "vehicle_kinds": None, "vehicle_ids": None} | more
    return pl.DataFrame(
        {"fence_id": [fence_id], "boundary": [shapely.box(west, 32.0, west + 0.1, 32.1).wkb]}
        | {name: [value] for name, value in row.items()},
        schema_overrides={"medium": pl.String, "vehicle_kinds": LIST, "vehicle_ids": LIST},
    )


def sites(**places: tuple[float, float]) -> pl.DataFrame:
    return pl.DataFrame({"site_id": list(places), "lon": [p[0] for p in places.values()],
                         "lat": [p[1] for p in places.values()]})  # fmt: skip


def test_different_vehicles_count_and_the_window_before_is_the_baseline() -> None:
    given = events(
        event("F", "truck", 1), event("F", "truck", 2, 3), event("F", "boat", 5), event("F", "truck", 40),
        event("F", "truck", 61), event("F", "truck", -1),
    )  # fmt: skip
    found = fence_breaches(given, fence("F"), sites(S=(120.05, 32.05)), FLEET, at=AT)
    assert found.schema == pl.Schema(SIGNAL_ROWS)
    (row,) = found.rows(named=True)
    assert (row["signal"], row["value"], row["baseline"]) == (FENCE_SIGNALS[0].name, 2.0, 1.0)
    assert (row["first_day"], row["last_day"]) == (dt.date(2026, 6, 1), dt.date(2026, 7, 1))
    assert (
        "2 different vehicles or vessels broke the rules of fences on 3 days for 5.0 h, 1 in as long"
        in (row["sentence_en"])
    )
    assert "truck" not in row["sentence_zh"] + row["sentence_en"]


def test_a_site_without_a_fence_is_blind_and_one_with_a_quiet_fence_is_zero() -> None:
    """0.1 degrees of longitude end at 120.1: 40 m further touch, 60 m do not."""
    metre = 1 / (111_195.08 * 0.8476)
    places = sites(away=(120.1 + 60 * metre, 32.05), near=(120.1 + 40 * metre, 32.05))
    found = fence_breaches(events(), fence("F"), places, FLEET, at=AT)
    assert found.select("site_id", "value", "quality").rows() == [("away", None, 0.0), ("near", 0.0, 1.0)]
    assert "no fence is there" in found["sentence_en"][0]


def test_a_boundary_touches_where_the_point_does_not() -> None:
    far = sites(S=(120.2, 32.05))
    reaching = far.with_columns(boundary=pl.Series([shapely.box(120.09, 32.0, 120.21, 32.1).wkb]))
    assert fence_breaches(events(), fence("F"), far, FLEET, at=AT)["value"].to_list() == [None]
    assert fence_breaches(events(), fence("F"), reaching, FLEET, at=AT)["value"].to_list() == [0.0]


def test_vessels_at_ban_waters_have_the_fence_as_subject() -> None:
    waters = pl.concat([fence("W", medium="water"), fence("L", 121.0, medium="land"), fence("X", 122.0)])
    found = breaches_by_fence(events(event("W", "boat", 2), event("W", "boat", 9)), waters, FLEET, at=AT)
    assert found.select("site_id", "value").rows() == [("L", 0.0), ("W", 1.0), ("X", 0.0)]
    boats = FLEET.filter(kind="vessel")
    assert breaches_by_fence(events(), waters, boats, at=AT)["value"].to_list() == [None, 0.0, 0.0]


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        ({"vehicle_kinds": ["hazmat"]}, 0.0),
        ({"vehicle_kinds": ["coach"]}, None),
        ({"vehicle_ids": ["boat"]}, 0.0),
        ({"vehicle_ids": ["other boat"]}, None),
    ],
)
def test_a_fence_that_applies_to_nobody_who_reports_is_blind(
    rule: dict[str, Any], value: float | None
) -> None:
    assert breaches_by_fence(events(), fence("F", **rule), FLEET, at=AT)["value"].to_list() == [value]


def test_nothing_given_and_wrong_input() -> None:
    assert fence_breaches(events(), fence("F").clear(), sites(S=(120.05, 32.05)), FLEET, at=AT)[
        "value"
    ].to_list() == [None]
    assert fence_breaches(events(), fence("F"), sites(S=(120.05, 32.05)).clear(), FLEET, at=AT).height == 0
    with pytest.raises(NaiveTimeError):
        breaches_by_fence(events(), fence("F"), FLEET, at=dt.datetime(2026, 1, 1))
    with pytest.raises(InputFrameError, match="boundary"):
        breaches_by_fence(events(), fence("F").drop("boundary"), FLEET, at=AT)
