"""Dense rows of one vehicle: what is quadratic in a window would not come back."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
import shapely

from spatial_models.encounters.find import find_encounters
from spatial_models.fences import detect_fence_events
from spatial_models.stays import detect_stays

M_PER_DEG = 6_371_008.8 * np.pi / 180


def northward(n: int, hertz: float, metres_a_second: float) -> pl.DataFrame:
    """One vehicle along a meridian, there and back within a degree."""
    seconds = np.arange(n) / hertz
    way = seconds * metres_a_second / M_PER_DEG
    return pl.DataFrame(
        {
            "vehicle_id": np.zeros(n, np.int64),
            "t": pl.Series((seconds * 1e6).round().astype(np.int64)).cast(pl.Datetime("us", "UTC")),
            "lon": np.full(n, 120.0),
            "lat": 31.0 + np.abs((way + 1) % 2 - 1),
        }
    )


@pytest.mark.timeout(60)
def test_a_creeping_vehicle_at_twenty_hertz() -> None:
    # 0.3 m/s: 150 m take 500 s, so no fix has 600 s within 150 m; every anchor's window holds 10 000 fixes
    assert detect_stays(northward(1_500_000, 20.0, 0.3)).stays.height == 0
    # 0.2 m/s: 150 m take 750 s and 14 999.x fixes: the track falls into stays without a rest
    slow = detect_stays(northward(1_500_000, 20.0, 0.2)).stays
    length_s = (slow["ended_at"] - slow["started_at"]).dt.total_microseconds() / 1e6
    assert slow.height == 100 and length_s.head(99).is_between(749.8, 750.0).all()
    assert (
        (slow["started_at"].diff().dt.total_microseconds().drop_nulls() / 1e6).is_between(749.9, 750.1).all()
    )


@pytest.mark.timeout(60)
def test_a_million_rows_at_a_fence_and_alone() -> None:
    fixes = northward(1_000_000, 1.0, 10.0)
    fence = pl.DataFrame(
        {"fence_id": ["F"], "rule": ["forbid_enter"], "boundary": [shapely.box(119.9, 31.4, 120.1, 31.6).wkb]}
    )
    events = detect_fence_events(fixes, fence).events
    # 0.2 degrees at 10 m/s, once in each direction: 2223.9 s, 10^7 m are 89.93 degrees of way
    assert events.height == 90 and events["duration_s"].is_between(2222, 2225).sum() >= 89
    assert find_encounters(fixes).encounters.height == 0
