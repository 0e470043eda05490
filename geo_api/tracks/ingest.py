"""Batches of fixes into the database: read, check, place, write.

Good rows are kept, bad ones told with reasons.

Unlike a file import a batch of telemetry is not all or nothing: one bad fix must not hold back the fleet. All
good rows of a batch are committed together, before the answer.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from sqlalchemy.orm import Session

from grid.areas import CommunityPointIndex, load_community_index
from layers.batches import BatchOrigin, batch_of_day, next_batch_id, record_post, write_as_batch
from layers.errors import Fault, InputError
from layers.imports import FILE_KINDS, ROW, FixPart, checks
from layers.postgres import SYSTEM, Scope, session
from layers.records import add_calls, add_fixes, fix_batch, tracks, write_again_after_deadlock

TOLD = 100
"""Reasons and vehicle ids that an answer lists; the counts are whole."""
KIND = FILE_KINDS["tracks"]


@dataclass(frozen=True)
class Terms:
    """On which terms fixes are taken.

    Attributes
    ----------
    url : str
        The database.
    crs : str
        Normal name of the CRS of the coordinates.
    scope : Scope
        The caller's: fixes outside its areas are rejected.
    max_age_days : int
        Older fixes are rejected: they would make a partition for each wrong clock.
    timeout_s : int
        Of each statement.
    origin : BatchOrigin
        Who sends: of a device (source ``device``) all fixes of a day are one batch, else each call is one.
    call : dict or None
        Row of the access log for a call of which fixes are taken, written with them.
    """

    url: str
    crs: str
    scope: Scope
    max_age_days: int
    timeout_s: int
    origin: BatchOrigin = field(default_factory=lambda: BatchOrigin("tracks", "api", "system"))
    call: dict[str, Any] | None = None


@dataclass
class IngestReport:
    """Report of a batch: rows accepted, duplicate and rejected."""

    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: list[Fault] = field(default_factory=list)
    unregistered: list[str] = field(default_factory=list)
    n_unregistered: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the answer."""
        return {
            "accepted": self.accepted,
            "duplicate": self.duplicate,
            "rejected": self.rejected,
            "reasons": [{"row": f.row, "field": f.field, "reason": f.reason} for f in self.reasons],
            "unregistered_vehicles": {"count": self.n_unregistered, "vehicle_ids": self.unregistered},
        }

    def counts(self) -> dict[str, int]:
        """Return the counts that the batch stores."""
        rows = self.accepted + self.duplicate + self.rejected
        return {
            "rows": rows,
            "inserted": self.accepted,
            "updated": 0,
            "unchanged": self.duplicate,
            "skipped": self.rejected,
        }

    def tell(self, faults: list[Fault]) -> None:
        """Add the reasons of one part, in row order, as far as the answer lists them."""
        self.rejected += len({fault.row for fault in faults})
        room = TOLD - len(self.reasons)
        if room > 0:
            self.reasons += sorted(faults, key=lambda fault: fault.row)[:room]

    def register(self, vehicle_ids: list[str]) -> None:
        """Add vehicles that reported before they were registered."""
        self.n_unregistered += len(vehicle_ids)
        self.unregistered += vehicle_ids[: TOLD - len(self.unregistered)]


def ingest(
    parts: Callable[[], Iterator[FixPart]], terms: Terms, now: dt.datetime | None = None
) -> IngestReport:
    """Take one batch in one transaction; returns after the commit.

    Parameters
    ----------
    parts : callable
        Gives the parts of the batch from its start; called again when the database chose this batch to break
        a deadlock between two.

    Raises
    ------
    layers.errors.InputError
        The body as a whole cannot be read; nothing was written.
    """
    now = now or dt.datetime.now(dt.UTC)
    return write_again_after_deadlock(lambda alone: _ingest(parts(), terms, now, alone=alone))


def _ingest(parts: Iterator[FixPart], terms: Terms, now: dt.datetime, *, alone: bool) -> IngestReport:
    """One try."""
    report = IngestReport()
    times: list[dt.datetime] = []
    with fix_batch(terms.url, timeout_s=terms.timeout_s, alone=alone) as db:
        batch_id = _batch_id(db, terms, now)
        cover = load_community_index(db)
        for good, faults in _ahead(lambda: _next_part(parts, terms, now, cover)):
            report.tell(faults)
            if good.is_empty():
                continue
            report.register(_prepare(good, terms, batch_id))
            numbered = tracks.with_vehicle_numbers(db, good)
            added = add_fixes(db, numbered, batch_id)
            times += good.select(pl.min("t").alias("first"), pl.max("t").alias("last")).row(0)
            report.accepted += added
            report.duplicate += good.height - added
        if terms.origin.source == "api" and (report.accepted or report.n_unregistered):
            record_post(db, batch_id, terms.origin, now, report.counts(), (min(times), max(times)))
        if terms.call is not None and (report.accepted or report.duplicate):
            add_calls(db, [terms.call | {"detail": report.counts()}])
    return report


def _batch_id(db: Session, terms: Terms, now: dt.datetime) -> int:
    """Return the batch that the fixes belong to: of a device that of its key and day."""
    if terms.origin.source == "device":
        return batch_of_day(db, terms.url, terms.origin, now, dt.timedelta(days=terms.max_age_days))
    return next_batch_id(db)


def _ahead(step: Callable[[], FixPart | None]) -> Iterator[FixPart]:
    """Results of ``step`` until None; the next one is made while the database works on this one."""
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(step)
        while (part := pending.result()) is not None:
            pending = pool.submit(step)
            yield part


def _next_part(
    parts: Iterator[FixPart], terms: Terms, now: dt.datetime, cover: CommunityPointIndex
) -> FixPart | None:
    """Return the good rows of the next part, placed, and the faults of the others; None after the last."""
    part = next(parts, None)
    if part is None:
        return None
    frame, faults = part
    checked = check_part(frame, terms, now)
    good = cover.locate_rows(checked.good)
    faults = faults + checked.faults
    if not terms.scope.city_wide:
        inside = good["area_id"].is_in(list(terms.scope.area_ids)).fill_null(False)
        outside = good.filter(~inside)[ROW]
        faults += [Fault(int(row), "lon", "outside the area of this account") for row in outside]
        good = good.filter(inside)
    return good, faults


def check_part(frame: pl.DataFrame, terms: Terms, now: dt.datetime) -> checks.CheckedFrame:
    """Type and check one part and bring it to the storage CRS."""
    try:
        checked = checks.check_frame(frame, KIND, now=now)
    except pl.exceptions.PolarsError as error:
        raise InputError(f"a column has a type that cannot be read: {error}") from error
    oldest = now - dt.timedelta(days=terms.max_age_days)
    checked.reject(
        (checked.frame["t"] < oldest).fill_null(False),
        "t",
        f"older than {terms.max_age_days} days: use wangge import tracks",
    )
    checks.to_storage(checked, terms.crs)
    return checked


def _prepare(good: pl.DataFrame, terms: Terms, batch_id: int) -> list[str]:
    """Partitions and vehicles that are missing, in a transaction of their own.

    No batch waits for another's end.
    """
    days = good["t"].dt.date().unique().to_list()
    given = good["vehicle_id"].unique().to_list()
    with session(SYSTEM, terms.url) as db:
        tracks.ensure_partitions(db, days)
        write_as_batch(db, batch_id)
        return tracks.register_missing_vehicles(db, given)


def one_fix(values: dict[str, Any]) -> Callable[[], Iterator[FixPart]]:
    """Return a batch of one fix."""
    schema: dict[str, Any] = {
        "vehicle_id": pl.Utf8,
        "t": pl.Datetime("us", "UTC"),
    } | {name: pl.Float64 for name in ("lon", "lat", "speed_kmh", "heading_deg")}
    frame = pl.DataFrame([values], schema=schema).with_row_index(ROW, offset=1)
    return lambda: iter([(frame, [])])
