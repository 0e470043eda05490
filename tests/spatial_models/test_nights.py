"""A run every night over partitioned fixes.

Yesterday's state is continued, and the rows are those of one run.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spatial_models.errors import ParameterError, StateMismatch
from spatial_models.out_of_core import partition_fixes, run_partitioned
from spatial_models.out_of_core.partitioned import join_runs
from spatial_models.stays import detect_stays, state_from_frame, state_to_frame
from tests.support.long_runs import examples

T0 = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
DAYS = ("2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05")


def fleet(vehicles: int = 9, hours: int = 90) -> pl.DataFrame:
    """Vehicles that stand for hours, also over midnight, and drive on.

    Number 0 is silent from the second day on.
    """
    rng = np.random.default_rng(4)
    frames = []
    for v in range(vehicles):
        minutes = np.arange(0, (20 if v == 0 else hours) * 60, 5)
        place = np.repeat(rng.integers(0, 8, len(minutes)), rng.integers(1, 200, len(minutes)))[
            : len(minutes)
        ]
        frames.append(
            pl.DataFrame(
                {"vehicle_id": f"V{v}", "t": [T0 + dt.timedelta(minutes=int(m)) for m in minutes],
                 "lon": 120.8 + place * 0.01, "lat": 32.0}
            )
        )  # fmt: skip
    return pl.concat(frames)


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nights")
    fleet().sort("t").write_parquet(folder / "raw.parquet")
    partition_fixes(str(folder / "raw.parquet"), str(folder / "parts"), buckets=3)
    return folder / "parts"


def night(parts: Path, target: Path, day: str, states: Path, **more: Any) -> pl.DataFrame:
    run_partitioned(
        str(parts), str(target / day), workers=1, first_day=day, last_day=day, states=str(states), **more
    )
    return pl.read_parquet(target / day / "stays" / "*.parquet")


def test_nights_give_the_stays_of_one_run(parts: Path, tmp_path: Path) -> None:
    whole = detect_stays(fleet()).stays
    nights = [night(parts, tmp_path / "out", day, tmp_path / "states") for day in DAYS]
    over_midnight = whole.filter(pl.col("started_at").dt.date() < pl.col("ended_at").dt.date())
    assert over_midnight.height > 5 and join_runs(nights).equals(whole)
    assert nights[-1].filter(vehicle_id="V0")["open"].to_list() == [True]  # silent, but not forgotten
    # again, as after a failure: the state of the day before is still there
    again = night(parts, tmp_path / "out", DAYS[2], tmp_path / "states")
    assert again.equals(nights[2])
    assert join_runs(
        [*nights[:2], again, night(parts, tmp_path / "out", DAYS[3], tmp_path / "states")]
    ).equals(whole)


def test_states_of_something_else_are_refused(parts: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="first_day and last_day"):
        run_partitioned(str(parts), str(tmp_path / "out"), states=str(tmp_path / "states"))
    night(parts, tmp_path / "out", DAYS[0], tmp_path / "states")
    with pytest.raises(StateMismatch, match="radius_m"):
        night(parts, tmp_path / "out", DAYS[1], tmp_path / "states", radius_m=80.0)
    fleet(2, 30).write_parquet(tmp_path / "raw.parquet")
    partition_fixes(str(tmp_path / "raw.parquet"), str(tmp_path / "other"), buckets=4)
    with pytest.raises(StateMismatch, match="3 buckets"):
        night(tmp_path / "other", tmp_path / "out", DAYS[1], tmp_path / "states")


def test_a_second_source_is_added_and_the_same_one_replaced(tmp_path: Path) -> None:
    """A file of the next day that also holds late rows of this one must not take the place of this day's
    file.
    """
    rows = fleet(3, 24)
    rows[::2].write_parquet(tmp_path / "monday.parquet")
    rows[1::2].write_parquet(tmp_path / "tuesday.parquet")
    for name in ("monday", "tuesday", "monday"):
        partition_fixes(str(tmp_path / f"{name}.parquet"), str(tmp_path / "parts"), buckets=2)
    files = list((tmp_path / "parts").rglob("*.parquet"))
    assert sum(pq.read_metadata(file).num_rows for file in files) == rows.height
    with pytest.raises(ParameterError, match="into 2 buckets, not 3"):
        partition_fixes(str(tmp_path / "monday.parquet"), str(tmp_path / "parts"), buckets=3)


@examples(40)
@given(st.integers(0, 400), st.sampled_from(["first", "centroid"]), st.integers(0, 2))
def test_a_state_survives_as_a_frame(cut: int, anchor: Any, outliers: int) -> None:
    fixes = fleet(3, 12).sort("t", maintain_order=True)
    mode: dict[str, Any] = {"anchor": anchor, "outliers": outliers, "max_speed_kmh": 200.0}
    first = detect_stays(fixes[:cut], **mode, final=False)
    state = state_from_frame(state_to_frame(first.state))
    assert (state is None) == (cut == 0)
    expected = detect_stays(fixes[cut:], **mode, state=first.state)
    got = detect_stays(fixes[cut:], **mode, state=state)
    assert got.stays.equals(expected.stays) and got.quality == expected.quality
    with pytest.raises(StateMismatch, match="floats"):
        state_from_frame(state_to_frame(first.state).drop("floats"))
