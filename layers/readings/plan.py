"""Plan of an import: what is written of the given rows, beside what is stored of the same meters."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass

import polars as pl

from layers.readings.flags import flag_series
from layers.readings.intervals import INTERVALS, METER
from layers.readings.overlaps import Interval, settle_overlaps
from layers.readings.registers import intervals_of_registers

KEY = (*METER, "from_at", "to_at")
STORED: dict[str, pl.DataType] = {**INTERVALS, "register": pl.Float64()}
"""Columns of stored readings, opening registers (intervals without length) among them."""
GIVEN: dict[str, pl.DataType] = {
    **INTERVALS,
    "at": pl.Datetime("us", "UTC"),
    "register": pl.Float64(),
    "row": pl.Int64(),
}
"""Columns of given rows: either an interval with its value, or ``at`` with a register. ``row`` counts from 1."""
TOLD = {
    "corrected_in_file": (
        "{n:,} 个时段在文件中重复且数值不同，以后出现的为准",
        "{n:,} intervals stand in the file twice with other values: the later row counts",
    ),
    "replaced_coarser": (
        "{n:,} 个较粗时段（如账单）已由更细的读数取代",
        "{n:,} stored coarser intervals (bills) were replaced by finer readings of the same time",
    ),
    "sum_known": (
        "{n:,} 行为已有更细读数之和（相差不超过 1%），未再写入",
        "{n:,} rows are the sum of finer readings within 1 %: left out",
    ),
    "without_value": (
        "{n:,} 行没有数值，而该时段已有读数，未写入",
        "{n:,} rows without a value in a time that has one: left out",
    ),
    "registers_left_out": (
        "{n:,} 个示数未采用：缺失、两次实抄之间的估抄，或与前后不符",
        "{n:,} registers were left out: missing, estimated between two that were read, or misread",
    ),
}
"""Sentence of each count of a plan, in Chinese and English."""
Refusal = tuple[int, str, str]


@dataclass(frozen=True)
class Plan:
    """Changes that an import makes to the readings of some meters.

    Attributes
    ----------
    written : polars.DataFrame
        ``STORED``: new and corrected intervals, with their flags.
    unchanged : int
        Given intervals that are stored just so.
    removed : polars.DataFrame
        ``KEY`` of stored intervals that others replace.
    flagged : polars.DataFrame
        ``KEY`` and ``flags`` of stored intervals that are not written and whose flags are other ones now.
    refused : list of (row, field, reason)
    told : Counter
        Counts of what happened (``TOLD``).
    """

    written: pl.DataFrame
    unchanged: int
    removed: pl.DataFrame
    flagged: pl.DataFrame
    refused: list[Refusal]
    told: Counter[str]


def plan_readings(given: pl.DataFrame, stored: pl.DataFrame, zone: str) -> Plan:
    """Plan an import.

    Parameters
    ----------
    given : polars.DataFrame
        ``GIVEN``.
    stored : polars.DataFrame
        ``STORED``: everything that is stored of the sites of the given rows.
    zone : str
        Time zone of the city.

    Examples
    --------
    >>> plan_readings(pl.DataFrame(schema=GIVEN), pl.DataFrame(schema=STORED), "UTC").written.height
    0
    """
    told: Counter[str] = Counter()
    derived, superseded = _of_registers(given, stored, told)
    use = given.filter(pl.col("at").is_null()).select(*STORED, "row")
    new = pl.concat([use, derived.select(*STORED, "row")])
    twice = (
        new.filter(pl.struct(*KEY, "value", "quality").is_first_distinct()).height
        - new.select(KEY).n_unique()
    )
    told["corrected_in_file"] += twice
    new = new.sort("row", maintain_order=True).unique(KEY, keep="last", maintain_order=True)
    beside = stored.join(superseded, on=KEY, how="anti", nulls_equal=True)
    removed, dropped, refused = _settle(new, beside, told, zone)
    written = new.join(dropped, on="row", how="anti").drop("row")
    same = written.join(stored, on=KEY, how="inner").filter(
        pl.all_horizontal(
            pl.col(name).eq_missing(pl.col(f"{name}_right")) for name in ("value", "quality", "register")
        )
    )
    written = written.join(same, on=KEY, how="anti")
    superseded = superseded.join(same, on=KEY, how="anti")
    gone = pl.concat([superseded.join(written.select(KEY), on=KEY, how="anti"), removed])
    written, flagged = _flagged(written, stored, gone, zone)
    return Plan(written, same.height, gone, flagged, refused, told)


def _of_registers(
    given: pl.DataFrame, stored: pl.DataFrame, told: Counter[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Intervals with a given register at an end, and keys of the stored ones in whose place they come."""
    points = given.filter(pl.col("at").is_not_null()).select(*METER, "at", "register", "quality", "row")
    known = stored.filter(pl.col("register").is_not_null()).join(
        points.select(METER).unique(), on=METER, how="semi"
    )
    before = known.select(
        *METER,
        at="to_at",
        register="register",
        # the interval after an estimated register is an estimate too, its end was read when a later one says so
        quality=pl.when(pl.col("quality") == "estimated")
        .then(pl.lit("estimated"))
        .otherwise(pl.lit("measured")),
        row=pl.lit(-1, dtype=pl.Int64),
    )
    derived = intervals_of_registers(pl.concat([before, points]))
    ends = pl.concat([derived.select(*METER, at="from_at"), derived.select(*METER, at="to_at")]).unique()
    told["registers_left_out"] += points.join(ends, on=(*METER, "at"), how="anti").height
    as_before = derived.filter(pl.col("row") < 0).select(KEY)
    derived = derived.filter(pl.col("row") >= 0)
    return derived, known.select(KEY).join(as_before, on=KEY, how="anti")


def _settle(
    new: pl.DataFrame, beside: pl.DataFrame, told: Counter[str], zone: str
) -> tuple[pl.DataFrame, pl.DataFrame, list[Refusal]]:
    """Settle what overlaps; returns keys of stored ones that go, rows that are not written, and refusals."""
    same = beside.join(new.select(KEY), on=KEY, how="anti")
    every = pl.concat(
        [new.select(*KEY, "value", "row"), same.select(*KEY, "value", row=pl.lit(-1, dtype=pl.Int64))]
    )
    every = every.filter(pl.col("to_at") > pl.col("from_at")).sort(*METER, "from_at", "to_at")
    reach = pl.col("to_at").cum_max().shift(1).over(METER)
    begins = (pl.col("from_at") >= reach).fill_null(True)
    every = every.with_columns(group=begins.cum_sum())
    touching = every.filter((pl.len() > 1).over("group"))
    removed: list[tuple[object, ...]] = []
    dropped: list[int] = []
    refused: list[Refusal] = []
    for _, part in touching.group_by("group", maintain_order=True):
        meter = part.select(METER).row(0)
        times = part["from_at"].dt.epoch("us"), part["to_at"].dt.epoch("us"), part["value"], part["row"]
        settled = settle_overlaps([Interval(*v) for v in zip(*(t.to_list() for t in times), strict=True)])
        removed += [(*meter, each.begin, each.end) for each in settled.replaced]
        told["replaced_coarser"] += len([e for e in settled.replaced if e.value is not None])
        valueless = set(part.filter(pl.col("value").is_null())["row"].to_list())
        told["without_value"] += len(valueless & set(settled.left_out))
        told["sum_known"] += len(set(settled.left_out) - valueless)
        dropped += [*settled.left_out, *settled.refused]
        refused += [
            (row, "value" if total is not None else "from", _reason(other, total, zone))
            for row, (other, total) in settled.refused.items()
        ]
    schema = {name: pl.Int64() if name.endswith("_at") else pl.String() for name in KEY}
    keys = pl.DataFrame(removed, schema=schema, orient="row").with_columns(
        pl.from_epoch(pl.col("from_at", "to_at"), time_unit="us").dt.replace_time_zone("UTC")
    )
    return keys, pl.DataFrame({"row": dropped}, schema={"row": pl.Int64}), refused


def _reason(other: Interval, total: float | None, zone: str) -> str:
    if total is not None:
        return f"contradicts the finer readings of that time, their sum is {total:g} 与同期更细读数之和 {total:g} 不符"
    begin, end = (_written(at, zone) for at in (other.begin, other.end))
    whose = "stored" if other.is_stored else f"row {other.row}"
    chinese = "已存读数" if other.is_stored else f"第 {other.row} 行"
    return f"overlaps {begin} – {end} ({whose}) without covering it 与{chinese}的时段部分重叠"


def _written(at: int, zone: str) -> str:
    from zoneinfo import ZoneInfo

    local = dt.datetime.fromtimestamp(at / 1e6, ZoneInfo(zone))
    return f"{local:%Y-%m-%d}" if local.time() == dt.time() else f"{local:%Y-%m-%d %H:%M}"


def _flagged(
    written: pl.DataFrame, stored: pl.DataFrame, gone: pl.DataFrame, zone: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Flag the whole series as it will stand; returns what is written, and what else has other flags than before."""
    rest = stored.join(pl.concat([gone, written.select(KEY)]), on=KEY, how="anti")
    fresh = pl.lit(None, dtype=pl.String)
    before = pl.col("flags").list.join(" ")
    series = pl.concat([written.with_columns(was=fresh), rest.with_columns(was=before)]).sort(KEY)
    series = flag_series(series, zone)
    changed = pl.col("was").is_not_null() & (pl.col("was") != before)
    return (
        series.filter(pl.col("was").is_null()).select(list(STORED)),
        series.filter(changed).select(*KEY, "flags"),
    )
