"""Coordinates and times that no vehicle should send."""

from __future__ import annotations

import datetime as dt
import math

from hypothesis import strategies as st

T0 = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)  # a Monday, 08:00 in China
any_number = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 180.0, -180.0, 90.0, -90.0, 0.0, 120.9, 32.0]),
    st.floats(-200, 200),
    st.none(),
)
any_time = st.one_of(
    st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31), timezones=st.just(dt.UTC)),
    st.integers(0, 5).map(lambda n: T0 + dt.timedelta(minutes=n)),
    st.none(),
)
