"""Columns of a frame: what is read, what is refused and why."""

from __future__ import annotations

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layers.imports import FILE_KINDS, ROW
from layers.imports.checks import CheckedFrame, check_frame, to_storage

NOW = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


def check(kind: str, /, **columns: list[object]) -> CheckedFrame:
    frame = pl.DataFrame(columns).with_row_index(ROW, offset=1)
    return check_frame(frame, FILE_KINDS[kind], now=NOW)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-10-01T08:00:00+08:00", dt.datetime(2026, 10, 1, tzinfo=dt.UTC)),
        ("2026-10-01T08:00:00+0800", dt.datetime(2026, 10, 1, tzinfo=dt.UTC)),
        ("2026-10-01T08:00:00Z", dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)),
        ("2026-10-01 08:00:00", dt.datetime(2026, 10, 1, 8, tzinfo=dt.UTC)),
        ("2026-10-01T08:00:00.250Z", dt.datetime(2026, 10, 1, 8, 0, 0, 250_000, tzinfo=dt.UTC)),
    ],
)
def test_a_time_has_a_zone_or_is_utc(text: str, utc: dt.datetime) -> None:
    checked = check("tracks", vehicle_id=["V"], t=[text], lon=["120"], lat=["32"])
    assert checked.faults == []
    assert checked.good["t"][0] == utc


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["V", "", " "]),
            st.text(max_size=12),
            st.text(max_size=8),
            st.floats() | st.none(),
        ),
        min_size=1,
        max_size=8,
    )
)
def test_any_text_is_read_or_named_and_no_row_is_lost(rows: list[tuple[str, str, str, float | None]]) -> None:
    vehicle, t, lon, lat = map(list, zip(*rows, strict=True))
    checked = check(
        "tracks", vehicle_id=vehicle, t=t, lon=lon, lat=[None if v is None else str(v) for v in lat]
    )
    to_storage(checked, "wgs84")
    assert checked.good.height + checked.bad.height == len(rows)
    assert {fault.row for fault in checked.faults} == set(checked.bad[ROW].to_list())
    for row in checked.good.iter_rows(named=True):
        assert (
            -180 <= row["lon"] <= 180
            and -90 <= row["lat"] <= 90
            and row["t"] <= NOW + dt.timedelta(minutes=5)
        )


def test_a_key_twice_in_a_file_is_a_fault_of_the_later_row() -> None:
    checked = check(
        "places", kind=["petrol", "petrol"], lon=["120", "120"], lat=["32", "32"], radius_m=["50", "60"]
    )
    assert [(fault.row, fault.field) for fault in checked.faults] == [(2, "kind")]
