"""The state of stay detection as a frame with one row per vehicle, to be stored between runs."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import polars as pl

from spatial_models.errors import StateMismatch
from spatial_models.stays.detect import StayState

_TAIL = ("t", "lon", "lat", "waits")
_COLUMNS = ("vehicle_id", "integers", "floats", *_TAIL, "parameters")


def state_to_frame(state: StayState) -> pl.DataFrame:
    """Convert a state to a frame that any file format with lists can store, exact to the last bit.

    Examples
    --------
    >>> import datetime as dt, polars as pl
    >>> from spatial_models.stays.detect import detect_stays
    >>> track = pl.DataFrame({"vehicle_id": "A", "t": [dt.datetime(2026, 1, 1, tzinfo=dt.UTC)],
    ...                       "lon": 120.8, "lat": 32.0})
    >>> state_from_frame(state_to_frame(detect_stays(track).state)).tail.height
    1
    >>> state_from_frame(state_to_frame(detect_stays(track.clear()).state)) is None
    True
    """
    n = len(state.vehicle_ids)
    tails = (
        pl.DataFrame({"vehicle": np.arange(n)})
        .join(
            state.tail.group_by("vehicle", maintain_order=True).agg(_TAIL),
            on="vehicle",
            how="left",
            maintain_order="left",
        )
        .with_columns(
            pl.col(name).fill_null(pl.lit([], dtype=pl.List(state.tail.schema[name]))) for name in _TAIL
        )
    )
    ids = state.vehicle_ids if state.vehicle_ids.dtype != pl.Null else state.vehicle_ids.cast(pl.String)
    return pl.DataFrame(
        {
            "vehicle_id": ids,
            "integers": pl.Series(state.integers.tolist(), dtype=pl.List(pl.Int64)),
            "floats": pl.Series(state.floats.tolist(), dtype=pl.List(pl.Float64)),
        }
    ).with_columns(*(tails[name] for name in _TAIL), parameters=pl.lit(json.dumps(state.parameters)))


def state_from_frame(frame: pl.DataFrame) -> StayState | None:
    """Convert a frame of `state_to_frame` back to a state; None when the frame has no vehicle.

    Raises
    ------
    StateMismatch
        The frame was not made by `state_to_frame`.
    """
    if missing := [name for name in _COLUMNS if name not in frame.columns]:
        raise StateMismatch(f"no state of stays: column {', '.join(missing)} missing")
    if frame.height == 0:
        return None
    try:
        parameters: dict[str, Any] = json.loads(frame["parameters"][0])
        tail = (
            frame.select(_TAIL)
            .with_row_index("vehicle")
            .with_columns(pl.col("vehicle").cast(pl.Int64))
            .filter(pl.col("t").list.len() > 0)
            .explode(_TAIL)
        )
        integers = np.array(frame["integers"].to_list(), np.int64).reshape(frame.height, 7)
        floats = np.array(frame["floats"].to_list(), np.float64).reshape(frame.height, 7)
    except (ValueError, TypeError, pl.exceptions.PolarsError) as error:
        raise StateMismatch(f"no state of stays: {error}") from error
    return StayState(frame["vehicle_id"], integers, floats, tail, parameters)
