"""Sources, deliveries and lineage as the API and the command line show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from geo_api.imports.documents import batch_document
from geo_api.sources.health import SourceHealth
from layers.batches import read_batch
from layers.deliveries import Origin, read_delivery
from layers.errors import NotFound
from layers.tables import Delivery, SourceRun

DELIVERY_FIELDS = (
    "id", "run_id", "source", "kind", "department", "origin", "file_name", "sha256", "bytes", "received_at", "state",
    "rows", "same_as", "batch_id", "settled_at", "decided_at", "decided_by", "decision_reason", "skip_bad",
)  # fmt: skip
RUN_FIELDS = ("id", "source", "actor", "started_at", "ended_at", "outcome", "deliveries", "reason")


def delivery_document(delivery: Delivery, *, whole: bool = False) -> dict[str, Any]:
    """Return a delivery with the rules that it breaks; ``whole``: with each finding."""
    document = {name: getattr(delivery, name) for name in DELIVERY_FIELDS}
    report = delivery.report
    document |= {"rules": report.get("rules", []), "notes": report.get("notes", [])}
    return document | {"findings": report.get("findings", [])} if whole else document


def run_document(run: SourceRun) -> dict[str, Any]:
    """Return a run of a source."""
    return {name: getattr(run, name) for name in RUN_FIELDS}


def health_document(health: SourceHealth) -> dict[str, Any]:
    """Return a source with its health."""
    source, state = health.source, health.state
    return {
        "name": source.name,
        "kind": source.kind,
        "department": source.department or None,
        "way": health.way,
        "every": source.every,
        "contract": source.contract,
        "problems": [asdict(problem) for problem in health.problems],
        "last_delivery": None if health.last is None else delivery_document(health.last),
        "last_accepted_at": health.accepted_at,
        "due_at": health.due_at,
        "late_s": health.late_s,
        "held": health.held,
        "next_look_at": state.next_at if state is not None and source.every is not None else None,
        "last_run": None if health.run is None else run_document(health.run),
        "volumes": [
            {"id": one.id, "received_at": one.received_at, "rows": one.rows, "state": one.state}
            for one in health.curve
        ],
    }


def lineage_document(db: Session, origins: Iterable[Origin]) -> list[dict[str, Any]]:
    """Return origins with the batch, the delivery and the run of each, as far as the caller may see them."""
    found = []
    for origin in origins:
        document: dict[str, Any] = {
            "table": origin.table,
            "rows": origin.rows,
            "import": None,
            "delivery": None,
            "run": None,
        }
        if origin.batch_id is not None:
            document["import"] = batch_document(read_batch(db, origin.batch_id))
        if origin.delivery_id is not None:
            try:
                delivery = read_delivery(db, origin.delivery_id)
            except NotFound:
                continue
            run = db.get(SourceRun, delivery.run_id)
            document["delivery"] = delivery_document(delivery)
            document["run"] = None if run is None else run_document(run)
        found.append(document | {"file_rows": []})
    return found
