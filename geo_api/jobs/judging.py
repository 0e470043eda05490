"""Judging: every model in force over the signals of a run, and the alerts of what it finds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import step
from geo_api.jobs.measured_signals import MeasuredSignals
from geo_api.jobs.movement import Window
from geo_api.jobs.scored_findings import findings_of, findings_of_fences
from geo_api.jobs.snapshots import SnapshotMaker, SnapshotStore
from grid.alerts import Finding, RaisedCounts, case_matter, raise_alerts
from spatial_models.suspicion import Model, fence_population, population_of, score_subjects


@dataclass(frozen=True)
class Judged:
    """Frames that one model gave.

    Attributes
    ----------
    subjects : polars.DataFrame
        Sites or fences that it looked at.
    scored : polars.DataFrame
        ``SCORE_ROWS``.
    """

    model: Model
    subjects: pl.DataFrame
    scored: pl.DataFrame
    findings: list[Finding]

    def counts(self) -> dict[str, int]:
        """Return how many sites or fences were looked at, and how many reached each level."""
        levels = dict(self.scored["level"].value_counts().iter_rows())
        blind = self.scored["blind"].list.len().gt(0).sum()
        return {"candidates": self.scored.height, "with_blind_family": int(blind)} | {
            f"level_{level}": count for level, count in sorted(levels.items())
        }


def judge(
    models: Sequence[Model], measured: MeasuredSignals, window: Window, zone: str, seconds: dict[str, float]
) -> list[Judged]:
    """Score the sites or fences of every model."""
    found = []
    with step("研判 suspicion", seconds, "suspicion"):
        for model in models:
            of_fences = model.population.subject == "fence"
            subjects = (
                fence_population(model, measured.fences)
                if of_fences
                else population_of(model, measured.registered, measured.licences, today=window.today)
            )
            scored = score_subjects(
                model,
                subjects,
                measured.signals,
                measured.notices,
                today=window.today,
                active_days=measured.active_days,
            )
            findings = (
                findings_of_fences(scored, measured.breaches, measured.fences, zone)
                if of_fences
                else findings_of(scored, measured.visits, measured.starts, zone)
            )
            found.append(Judged(model, subjects, scored, findings))
    return found


def raise_judged(
    db: Session,
    run_id: int,
    judged: Judged,
    measured: MeasuredSignals,
    *,
    at: dt.datetime,
    zone: str,
    snapshots: SnapshotStore | None,
    progress: Callable[[int, int], object],
) -> RaisedCounts:
    """Raise and lower the alerts of one model."""
    model = judged.model
    keep: Callable[[Session, str, int], object] = lambda db, subject_id, alert_id: None  # noqa: E731
    if snapshots is not None:
        question = {
            "model": model.name,
            "version": model.version,
            "document": model.document(),
            "at": at.isoformat(),
            "local_zone": zone,
            "item_code": case_matter(db, model.alert_kind).item_code,
        }
        tables = {
            "signals": measured.signals, "readings": measured.readings, "visits": measured.visits,
            "notices": measured.notices, "active_days": measured.active_days, "starts": measured.starts,
            "breaches": measured.breaches.rename({"fence_id": "site_id"}),
        }  # fmt: skip
        places = {
            one.subject_id: {"lon": one.place[0], "lat": one.place[1], "enterprise_uscc": None}
            for one in judged.findings
            if one.place is not None
        } or {
            row["site_id"]: {"lon": row["lon"], "lat": row["lat"], "enterprise_uscc": row["uscc"]}
            for row in measured.registered.select("site_id", "lon", "lat", "uscc").iter_rows(named=True)
        }
        keep = SnapshotMaker(snapshots, places, judged.subjects, tables, question).keep
    return raise_alerts(
        db, judged.findings, kind=model.alert_kind, run_id=run_id, at=at, progress=progress, keep=keep, complete=True,
    )  # fmt: skip
