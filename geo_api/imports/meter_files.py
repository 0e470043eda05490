"""Meter files: rows gathered from the file, settled beside what is stored, written site by site, and told."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import polars as pl
from sqlalchemy.orm import Session

from layers.errors import Fault
from layers.imports import METER_TOLD, as_given, days_between
from layers.local_time import local_zone
from layers.postgres import WriteCounts
from layers.readings import FLAGS, GIVEN, PLAN_TOLD, UNIT_OF, Plan, plan_readings
from layers.records import meters

ROWS_AT_ONCE = 300_000
"""Given rows that are settled together, with everything that is stored of their sites."""
MOST_SITES = 20
"""Sites that are told one by one for each flag; the count is whole."""


class MeterFile:
    """Rows of one file, and what became of them."""

    def __init__(self) -> None:
        self._parts: list[pl.DataFrame] = []
        self._told: Counter[str] = Counter()
        self._flagged: dict[str, Counter[str]] = {flag: Counter() for flag in FLAGS}
        self._estimated: Counter[str] = Counter()
        self._rows: Counter[str] = Counter()
        self.span: tuple[dt.datetime, dt.datetime] | None = None

    def gather(self, frame: pl.DataFrame, told: Counter[str]) -> None:
        """Take the good rows of a part of the file, with the counts of their checks."""
        self._told.update(told)
        self._parts.append(as_given(frame))

    def write(self, db: Session) -> tuple[WriteCounts, list[Fault]]:
        """Settle and write all rows; the faults are those of rows that contradict others or what is stored."""
        counts, faults = WriteCounts(), []
        zone = local_zone().key
        given = pl.concat(self._parts) if self._parts else pl.DataFrame(schema=GIVEN)
        self.span = _span_of(given)
        self._told["days_between"] += days_between(given, zone)
        for part in _by_sites(given):
            sites = part["site_id"].unique().to_list()
            plan = plan_readings(part, meters.stored_readings(db, sites), zone)
            counts += meters.write_plan(db, plan)
            faults += [Fault(row, field, reason, "") for row, field, reason in plan.refused]
            self._told.update(plan.told)
            self._count_quality(plan)
        return counts, sorted(faults, key=lambda fault: fault.row)

    def _count_quality(self, plan: Plan) -> None:
        series = pl.concat([plan.written.select("site_id", "flags"), plan.flagged.select("site_id", "flags")])
        for site, flag, n in (
            series.explode("flags").drop_nulls().group_by("site_id", "flags").len().iter_rows()
        ):
            self._flagged[flag][site] += n
        of_site = plan.written.group_by("site_id").agg(
            n=pl.len(), guessed=(pl.col("quality") == "estimated").sum()
        )
        for site, n, guessed in of_site.iter_rows():
            self._rows[site] += n
            self._estimated[site] += guessed

    def notes(self) -> list[str]:
        """Return what a person should know, each in Chinese and English."""
        found = []
        for name, n in sorted(self._told.items()):
            if name.startswith("unit "):
                _, kind, unit, factor = name.split(" ")
                stored = UNIT_OF[kind]
                found.append(
                    f"{n:,} 行 {unit} 按 ×{factor} 换算为 {stored} rows in {unit}, times {factor} to {stored}"
                )
            elif n and name in {**METER_TOLD, **PLAN_TOLD}:
                zh, en = {**METER_TOLD, **PLAN_TOLD}[name]
                found.append(f"{zh.format(n=n)} {en.format(n=n)}")
        for flag, sites in self._flagged.items():
            if sites:
                named = ", ".join(f"{site} ({n:,})" for site, n in sites.most_common(MOST_SITES))
                more = ", …" if len(sites) > MOST_SITES else ""
                total = sum(sites.values())
                found.append(
                    f"{flag}: {total:,} 条读数存疑，已标记 readings flagged, sites 场所 {named}{more}"
                )
        guessed = {site: n / self._rows[site] for site, n in self._estimated.items() if n}
        if guessed:
            share = sum(self._estimated.values()) / sum(self._rows.values())
            most = sorted(guessed, key=lambda site: -guessed[site])[:5]
            named = ", ".join(f"{site} {guessed[site]:.0%}" for site in most)
            found.append(
                f"写入的读数中估算占 {share:.0%} of what was written is estimated; most 最多: {named}"
            )
        return found


def _span_of(given: pl.DataFrame) -> tuple[dt.datetime, dt.datetime] | None:
    """Return the begin of the first and the end of the last interval."""
    ends = [given["from_at"].min(), given["to_at"].max(), given["at"].min(), given["at"].max()]
    known = [one for one in ends if isinstance(one, dt.datetime)]
    return (min(known), max(known)) if known else None


def _by_sites(given: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows in parts of whole sites."""
    if given.is_empty():
        return
    sizes = given.group_by("site_id").len().sort("site_id")
    part = ((sizes["len"].cum_sum() - 1) // ROWS_AT_ONCE).alias("part")
    given = given.join(sizes.select("site_id", part), on="site_id", how="left", maintain_order="left")
    for _, rows in given.group_by("part", maintain_order=True):
        yield rows.drop("part")
