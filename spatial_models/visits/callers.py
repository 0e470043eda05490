"""Counting of callers at closed sites: effective vehicles, what is expected, and one signal row a site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl
from polars import selectors

from spatial_models.frames import Array
from spatial_models.signal_rows import SIGNAL_ROWS
from spatial_models.visits.effective import effective_vehicles, expected_vehicles, vehicles_beyond_chance
from spatial_models.visits.scene import Scene
from spatial_models.visits.signal_sentences import blind_sentence, callers_sentence, night_sentence

Sentence = Callable[[str, dict[str, Any]], tuple[str, str]]
ROADSIDE_INSIDE = 0.3
"""Who stops along a road is inside of a fence by an error of position only: three of ten as often as on open ground."""
LEFT_OUT = ("place", "home", "depot", "neighbour", "seen", "outage", "dead_zone", "drove_on")


def count_callers(
    scene: Scene, name: str, rows: pl.DataFrame, kinds: tuple[str, ...], free: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return one signal row for each closed site: effective vehicles beyond chance.

    Parameters
    ----------
    rows : polars.DataFrame
        ``ROW_COLUMNS``.
    kinds : tuple of str
        Kinds of vehicles that count.
    free : polars.DataFrame or None
        ``kind``, ``lon``, ``lat`` of what happened in reach of no site, and its ``weight`` (1 without the column);
        None: the stands of the scene.
    """
    judged = scene.judged_share(kinds)
    if judged is None or judged == 0.0:
        return blind_rows(scene, name, "slow" if judged == 0.0 else "nobody")
    rows = rows.filter(pl.col("kind").is_in(kinds))
    own = rows.filter((pl.col("when") == "window") & (pl.col("weight") > 0))
    counted = scene.closed.select("site_id", "from_at", "closed_at", "first_day").join(
        _totals(own, rows, scene), on="site_id", how="left", maintain_order="left"
    )
    counted = counted.with_columns(selectors.numeric().fill_null(0))
    stands = (scene.free_stands if free is None else free).filter(pl.col("kind").is_in(kinds))
    anyhow = _beyond_chance(scene, kinds, rows, stands, scene.catchment)
    value, expected = anyhow["value"], anyhow["expected"]
    counted = counted.with_columns(
        anyhow["effective", "vehicles", "days"], expected_anyhow=anyhow["expected"]
    )
    if "on_site" in rows.columns:
        inside = _beyond_chance(
            scene, kinds, rows.filter("on_site"), stands, ROADSIDE_INSIDE * scene.ground_km2
        )
        decides = inside["value"] > value
        value, expected = (
            inside["value"].zip_with(decides, value),
            inside["expected"].zip_with(decides, expected),
        )
        counted = counted.with_columns(
            inside_effective=pl.when(decides).then(inside["effective"]), inside_expected=inside["expected"]
        )
    quality = judged * np.where(scene.seen_around(kinds) > 0, 1.0, scene.config.unseen_factor)
    counted = counted.with_columns(
        value=value, baseline=expected, quality=pl.Series(quality, dtype=pl.Float64)
    )
    return _signal_rows(scene, name, counted, callers_sentence)


def _beyond_chance(
    scene: Scene, kinds: tuple[str, ...], rows: pl.DataFrame, stands: pl.DataFrame, area_km2: Array
) -> pl.DataFrame:
    """Return for each site the counts of :func:`effective_vehicles`, ``expected`` ones and ``value`` beyond chance."""
    own = rows.filter((pl.col("when") == "window") & (pl.col("weight") > 0))
    counted = scene.closed.select("site_id").join(
        effective_vehicles(own, scene.config.repeat_factor), on="site_id", how="left", maintain_order="left"
    )
    counted = counted.with_columns(selectors.numeric().fill_null(0))
    effective = counted["effective"].to_numpy().astype(float)
    callers = scene.callers_around(
        kinds, own.select("site_id", pl.col("vehicle_id").cast(pl.String)).unique()
    )
    weight = stands["weight"].to_numpy() if "weight" in stands.columns else np.ones(stands.height)
    points = stands["lon"].to_numpy(), stands["lat"].to_numpy(), weight
    expected = expected_vehicles(
        scene.closed, area_km2, scene.free_km2, points, effective, callers, scene.config
    )
    expected = np.maximum(expected, _rate_of_the_past(scene, rows))
    return counted.with_columns(
        effective=pl.Series(effective, dtype=pl.Float64),
        expected=pl.Series(expected, dtype=pl.Float64),
        value=pl.Series(vehicles_beyond_chance(effective, expected), dtype=pl.Float64),
    )


def _totals(own: pl.DataFrame, rows: pl.DataFrame, scene: Scene) -> pl.DataFrame:
    """Return the sums of each site: time and share of what counts, what is left out by reason, and the time before."""
    sums = own.group_by("site_id").agg(
        hours=(pl.col("time_s") * pl.col("share")).sum() / 3600.0,
        share=pl.col("share").mean(),
    )
    in_window = rows.filter((pl.col("when") == "window") & (pl.col("weight") == 0))
    reasons = [
        pl.col("vehicle_id").filter(pl.col("left_out") == reason).n_unique().alias(f"out_{reason}")
        for reason in LEFT_OUT
    ]
    seldom = own.filter(pl.col("vehicle_id").cast(pl.String).is_in(scene.seldom.implode()))
    sparse = seldom.group_by("site_id").agg(sparse=pl.col("vehicle_id").n_unique())
    before = pl.col("vehicle_id").filter(pl.col("when") == "before").n_unique().alias("before")
    left = in_window.group_by("site_id").agg(reasons)
    past = rows.group_by("site_id").agg(before)
    ids = scene.closed.select("site_id")
    for part in (sums, sparse, left, past):
        ids = ids.join(part, on="site_id", how="left")
    return ids


def _rate_of_the_past(scene: Scene, rows: pl.DataFrame) -> Array:
    """Return the effective vehicles that each site got, since its closure, in as long a time before the window."""
    config = scene.config
    past = rows.filter((pl.col("when") == "past") & (pl.col("weight") > 0))
    none = np.zeros(scene.closed.height)
    begins = past["entered_at"].min()
    if begins is None:
        return none
    known_from = pl.max_horizontal(pl.col("closed_at"), pl.lit(begins).cast(pl.Datetime("us", "UTC")))
    known_days = (pl.col("from_at") - known_from).dt.total_microseconds() / 86_400e6
    window_days = (pl.lit(scene.at) - pl.col("from_at")).dt.total_microseconds() / 86_400e6
    rates = (
        scene.closed.select("site_id", known=known_days, window=window_days)
        .join(effective_vehicles(past, config.repeat_factor), on="site_id", how="left", maintain_order="left")
        .select(
            rate=pl.when(pl.col("known") >= config.past_days)
            .then(
                pl.col("effective").fill_null(0.0)
                * pl.min_horizontal(pl.col("window") / pl.col("known"), 1.0)
            )
            .otherwise(0.0)
        )
    )
    rate: Array = rates["rate"].to_numpy()
    return rate


def night_rows(
    scene: Scene, rows: pl.DataFrame, visits: pl.DataFrame, kinds: tuple[str, ...]
) -> pl.DataFrame:
    """Return one signal row for each closed site: the share of the counted time that lies at night.

    The baseline is the same share over the visits at sites that operate.
    """
    judged = scene.judged_share(kinds)
    if judged is None or judged == 0.0:
        return blind_rows(scene, "night_visits", "slow" if judged == 0.0 else "nobody")
    time_s = pl.col("time_s") * pl.col("weight")
    own = rows.filter((pl.col("when") == "window") & (pl.col("weight") > 0) & pl.col("kind").is_in(kinds))
    sums = own.group_by("site_id").agg(
        value=(pl.col("night") * time_s).sum() / time_s.sum(),
        hours=(pl.col("time_s") * pl.col("share")).sum() / 3600.0,
        vehicles=pl.col("vehicle_id").n_unique(),
    )
    operating = scene.sites.filter(pl.col("status") == "operating").select("site_id")
    at_open = visits.join(operating, on="site_id").filter(pl.col("excluded_by").is_null())
    open_s = (pl.col("seen_s") + pl.col("unseen_s")) * pl.col("share")
    usual = at_open.select((pl.col("night") * open_s).sum() / open_s.sum()).item() if at_open.height else None
    counted = scene.closed.select("site_id", "first_day").join(
        sums, on="site_id", how="left", maintain_order="left"
    )
    counted = counted.with_columns(
        value=pl.col("value").fill_nan(None),
        baseline=pl.lit(usual, dtype=pl.Float64).fill_nan(None),
        quality=pl.when(pl.col("value").is_null()).then(0.0).otherwise(judged),
    )
    return _signal_rows(scene, "night_visits", counted, night_sentence)


def blind_rows(scene: Scene, name: str, why: str) -> pl.DataFrame:
    """Return a row without value for each closed site; the sentence says what is missing.

    Parameters
    ----------
    why : str
        ``nobody``, ``slow`` or ``not_looked_for``.
    """
    said = blind_sentence(name, why)
    counted = scene.closed.select("site_id", "first_day").with_columns(
        value=pl.lit(None, dtype=pl.Float64), baseline=pl.lit(None, dtype=pl.Float64), quality=pl.lit(0.0)
    )
    return _signal_rows(scene, name, counted, lambda _name, _row: said)


def _signal_rows(scene: Scene, name: str, counted: pl.DataFrame, sentence: Sentence) -> pl.DataFrame:
    """Return the rows in the columns of ``SIGNAL_ROWS``, with a sentence each."""
    said = [sentence(name, row) for row in counted.iter_rows(named=True)]
    today = scene.at.astimezone(ZoneInfo(scene.local_zone)).date()
    return counted.select(
        "site_id", pl.lit(name).alias("signal"), "value", "baseline", "quality", "first_day",
        pl.lit(today).alias("last_day"),
        pl.Series("sentence_zh", [zh for zh, _ in said], dtype=pl.String),
        pl.Series("sentence_en", [en for _, en in said], dtype=pl.String),
    ).cast(pl.Schema(SIGNAL_ROWS))  # fmt: skip
