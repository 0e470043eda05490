"""Runs of sources: fetched, registered, checked, then imported or held.

Each step is one transaction, and a run begins with what an earlier one left: so a process may be killed at any moment,
and nothing is imported twice. A delivery is imported in one batch that names it.
"""

from __future__ import annotations

import datetime as dt
import http.client
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from geo_api.city_file import FromTable, FromUrl, Source
from geo_api.imports.city_sources import check_file, import_source_file, unreadable
from geo_api.sources.configured import SourcesSetup
from geo_api.sources.folder_drop import look
from geo_api.sources.found import Fetched, Found
from geo_api.sources.http_fetch import fetch
from geo_api.sources.secrets import database_url, http_headers
from grid.errors import GridError
from layers import deliveries
from layers.contracts import Contract, Findings
from layers.errors import InputError, LayerError
from layers.postgres import SYSTEM, advisory_lock, session
from layers.tables import Delivery

log = structlog.get_logger("geo_api.sources")
FIRST_WAIT = dt.timedelta(minutes=1)


@dataclass
class RunReport:
    """Result of a look at a source: states of its deliveries, and notes for people."""

    source: str
    outcome: str = "nothing"
    states: dict[int, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run_due(setup: SourcesSetup) -> list[RunReport]:
    """Look at every source whose time has come, and finish what earlier runs and decisions of people left."""
    reports = []
    for source in setup.sources():
        now = setup.clock()
        with session(SYSTEM, setup.url) as db:
            state = deliveries.state_of(db, source.name)
            waiting = bool(deliveries.unsettled(db, source.name))
        due = source.every is not None and (state is None or state.next_at <= now)
        if due or waiting:
            reports.append(run_source(setup, source, "worker", look_for_more=due))
            log.info("source", source=source.name, outcome=reports[-1].outcome, states=reports[-1].states)
    return reports


def run_source(setup: SourcesSetup, source: Source, actor: str, *, look_for_more: bool = True) -> RunReport:
    """Finish what is left of a source, then look for more; a failure is in the report, not raised.

    Parameters
    ----------
    actor : str
        Who asked for it: ``worker`` or an account.
    """
    report = RunReport(source.name)
    with session(SYSTEM, setup.url) as lock, advisory_lock(lock, deliveries.lock_of(source.name)):
        with session(SYSTEM, setup.url) as db:
            run_id = deliveries.begin_run(db, source.name, actor, setup.clock())
        try:
            contract = setup.contract(source)
            _settle(setup, source, contract, report)
            if look_for_more:
                _look(setup, source, run_id, report)
                _settle(setup, source, contract, report)
        except (LayerError, GridError, OSError, http.client.HTTPException) as error:
            report.outcome = "failed"
            report.notes.append(_told(error))
        _end(setup, source, run_id, report, looked=look_for_more)
    return report


def _told(error: Exception) -> str:
    if isinstance(error, GridError):
        return f"{error.message_zh} {error.message_en}".strip()
    return f"{type(error).__name__}: {error}" if isinstance(error, OSError) else str(error)


def _end(setup: SourcesSetup, source: Source, run_id: int, report: RunReport, *, looked: bool) -> None:
    """Store what came of a run, and when the next one is due: after a failure soon, then less and less often."""
    now = setup.clock()
    with session(SYSTEM, setup.url) as db:
        if looked or report.outcome == "failed":
            state = deliveries.state_of(db, source.name)
            failures = (state.failures if state else 0) + 1 if report.outcome == "failed" else 0
            every = source.interval or dt.timedelta(days=1)
            wait = every if not failures else min(every, FIRST_WAIT * 3 ** min(failures - 1, 8))
            deliveries.store_state(db, source.name, next_at=now + wait, failures=failures)
        n_new = len(report.states)
        deliveries.end_run(db, run_id, now, report.outcome, n_new, "\n".join(report.notes))


def _look(setup: SourcesSetup, source: Source, run_id: int, report: RunReport) -> None:
    """Fetch what is new, and register each content with how far the source is read then."""
    with session(SYSTEM, setup.url) as db:
        state = deliveries.state_of(db, source.name)
        position = dict(state.position) if state else {}
    setup.folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="incoming-", dir=setup.folder) as incoming:
        fetched = _fetched(setup, source, position, Path(incoming))
        report.notes += fetched.notes
        for found in fetched.found:
            report.states[_register(setup, source, run_id, found)] = "received"
            report.outcome = "delivered"
        if fetched.position is not None:
            with session(SYSTEM, setup.url) as db:
                _store_position(db, setup, source, fetched.position)


def _fetched(setup: SourcesSetup, source: Source, position: dict[str, Any], incoming: Path) -> Fetched:
    limit = setup.limit_bytes
    if isinstance(source.from_, FromUrl):
        secret = source.from_.secret
        headers = http_headers(setup.secrets, secret) if secret else None
        url, name = source.from_.url, source.from_.file_name
        return fetch(
            url, source.kind, position, incoming, limit, setup.allowed, headers=headers, file_name=name
        )
    if isinstance(source.from_, FromTable):
        of = source.from_
        database = database_url(setup.secrets, of.database)
        columns = tuple(of.columns)
        pages = deliveries.fetch_rows(database, of.table, of.by, of.key, columns, position, incoming, limit)
        return Fetched([Found(page.content, page.path, page.position) for page in pages])
    with session(SYSTEM, setup.url) as db:

        def is_known(origin: str, mark: str) -> bool:
            return deliveries.is_known(db, source.name, origin, mark)

        now_s = setup.clock().timestamp()
        return look(source.files, source.kind, setup.city_folder, incoming, limit, is_known, now_s)


def _register(setup: SourcesSetup, source: Source, run_id: int, found: Found) -> int:
    """Register content and move it to where it is kept; one transaction."""
    with session(SYSTEM, setup.url) as db:
        values = (run_id, source.name, source.kind, source.department, found.content, setup.clock())
        delivery_id = deliveries.add_delivery(db, *values)
        kept = setup.kept_file(delivery_id, found.content.file_name)
        kept.parent.mkdir()
        shutil.move(found.path, kept)
        if found.position is not None:
            _store_position(db, setup, source, found.position)
    return delivery_id


def _store_position(db: Any, setup: SourcesSetup, source: Source, position: dict[str, Any]) -> None:
    state = deliveries.state_of(db, source.name)
    next_at, failures = (state.next_at, state.failures) if state else (setup.clock(), 0)
    deliveries.store_state(db, source.name, next_at=next_at, failures=failures, position=position)


def _settle(setup: SourcesSetup, source: Source, contract: Contract, report: RunReport) -> None:
    """Check and import the deliveries that wait for it, oldest first."""
    with session(SYSTEM, setup.url) as db:
        waiting = deliveries.unsettled(db, source.name)
    for delivery in waiting:
        report.states[delivery.id] = settle_delivery(setup, source, contract, delivery)
        report.outcome = "delivered"


def settle_delivery(setup: SourcesSetup, source: Source, contract: Contract, delivery: Delivery) -> str:
    """Bring a delivery that was received or released to its end; return its new state."""
    now = setup.clock()
    with session(SYSTEM, setup.url) as db:
        batch = deliveries.batch_of_delivery(db, delivery.id)
        same = deliveries.same_content(db, delivery) if delivery.state == "received" else None
        before = deliveries.accepted_rows(db, source.name)
    if batch is not None:  # imported by a process that ended before it could say so
        return _store(setup, delivery.id, state="imported", batch_id=batch, settled_at=now)
    if same is not None:
        return _store(setup, delivery.id, state="same", same_as=same, settled_at=now)
    path = setup.kept_file(delivery.id, delivery.file_name)
    findings = Findings()
    if not path.is_file():
        findings.add([0], 1, "", "shape", "hold", "内容已不在", "its content is gone")
    elif delivery.state == "received":
        findings = check_file(path, source, contract, setup.city_folder, before, now)
    if findings.holds:
        return _hold(setup, delivery, contract, findings)
    return _import(setup, source, contract, delivery, path, findings)


def _import(
    setup: SourcesSetup,
    source: Source,
    contract: Contract,
    delivery: Delivery,
    path: Path,
    findings: Findings,
) -> str:
    released = delivery.state == "released"
    try:
        imported = import_source_file(
            source,
            path,
            setup.city_folder,
            skip_bad=source.skip_bad or delivery.skip_bad,
            origin={"delivery": delivery.id},
            url=setup.url,
            grid_profile=setup.grid_profile,
            actor=f"source {source.name}"[:80],
            now=setup.clock(),
        )
    except InputError as error:
        if released:
            findings.notes.append("放行后导入失败 released, but the import refuses it")
        return _hold(setup, delivery, contract, unreadable(findings, error))
    findings.notes += imported.notes
    report = delivery.report if released else findings.document()
    if released:
        report = report | {"notes": [*report.get("notes", []), *imported.notes]}
    values = {"rows": imported.rows, "contract_sha256": contract.sha256, "report": report}
    return _store(
        setup, delivery.id, state="imported", batch_id=imported.batch_id, settled_at=setup.clock(), **values
    )


def _hold(setup: SourcesSetup, delivery: Delivery, contract: Contract, findings: Findings) -> str:
    """Hold a delivery until a person decides."""
    values = {"rows": findings.rows or delivery.rows, "contract_sha256": contract.sha256}
    return _store(setup, delivery.id, state="quarantined", report=findings.document(), **values)


def _store(setup: SourcesSetup, delivery_id: int, **values: Any) -> str:
    with session(SYSTEM, setup.url) as db:
        deliveries.set_delivery(db, delivery_id, **values)
    return str(values["state"])
