"""Fixes of vehicles around given stands: what encounters are looked for in."""

from __future__ import annotations

from typing import Any

import polars as pl

from spatial_models.fixes import FIX_COLUMNS
from spatial_models.frames import select_columns
from spatial_models.parameter_checks import check_between


def fixes_at_stands(fixes: Any, stands: pl.DataFrame, *, margin_s: float = 900.0) -> pl.DataFrame:
    """Return the fixes that a vehicle sent during its stands, and shortly before and after.

    Parameters
    ----------
    fixes : polars.DataFrame, polars.LazyFrame, pandas.DataFrame or pyarrow.Table
        ``vehicle_id``, ``t``, ``lon``, ``lat``.
    stands : polars.DataFrame
        ``vehicle_id``, ``entered_at``, ``left_at``; the stands of a vehicle do not overlap.
    margin_s : float
        Time before and after a stand, seconds.

    Raises
    ------
    InputFrameError, ParameterError

    Examples
    --------
    >>> import datetime as dt
    >>> t0 = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    >>> hours = [t0 + dt.timedelta(hours=h) for h in range(4)]
    >>> fixes = pl.DataFrame({"vehicle_id": "A", "t": hours, "lon": 120.8, "lat": 32.0})
    >>> stand = pl.DataFrame({"vehicle_id": ["A"], "entered_at": [hours[1]], "left_at": [hours[2]]})
    >>> fixes_at_stands(fixes, stand).height, fixes_at_stands(fixes, stand.clear()).height
    (2, 0)
    """
    check_between("margin_s", margin_s, 0, 1e6)
    known = select_columns(fixes, "fixes", FIX_COLUMNS)
    margin = pl.duration(seconds=margin_s)
    spans = select_columns(stands, "stands", ("vehicle_id", "entered_at", "left_at")).select(
        pl.col("vehicle_id").cast(known.schema["vehicle_id"]),
        since=(pl.col("entered_at") - margin).cast(known.schema["t"]),
        until=(pl.col("left_at") + margin).cast(known.schema["t"]),
    )
    own = known.join(spans.select("vehicle_id").unique(), on="vehicle_id", how="semi").sort("t")
    joined = own.join_asof(
        spans.sort("since"), left_on="t", right_on="since", by="vehicle_id", check_sortedness=False
    )
    before = own.join_asof(
        spans.sort("until"), left_on="t", right_on="until", by="vehicle_id", strategy="forward",
        check_sortedness=False,
    )  # fmt: skip
    inside = (joined["until"] >= joined["t"]).fill_null(False) | (before["since"] <= before["t"]).fill_null(
        False
    )
    return own.filter(inside)
