"""Backtest: a model looks back from past days at what had arrived by then, and is measured by later checks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geo_api.jobs.analysis import Analysis
from geo_api.models.in_force import document_of
from layers.alerts import counties_of_sites, site_outcomes
from layers.errors import InputError
from layers.postgres import SYSTEM, engine, session, url_as_known
from spatial_models.learning import Flagged, Found, LooksBack, looks_back
from spatial_models.suspicion import Model, catalogue, read_model

LABELS = {"confirmed": True, "legal_use": False, None: None}
"""Outcomes that say something, and the opening of a case (None)."""
NOT_AS_KNOWN = (
    {
        "zh": "以下内容不能按当时已知回看，均按现在的：区划边界、停留参数、没有批次的旧数据；后来撤销的导入不再可见。",
        "en": "What cannot be seen as it was known, and is seen as it is now: borders, parameters of stays, and rows"
        " older than batches. Imports that were undone since are not seen at all.",
    },
    {
        "zh": "设备当日上传的轨迹按日成批：回看时刻当日稍后到达的补传可能被计入。",
        "en": "Fixes that devices send are one batch a day: late ones of the day of a look may be counted.",
    },
)


@dataclass
class Backtest:
    """Looks back of a model with their figures.

    Attributes
    ----------
    without_data : list of datetime
        Moments by which nothing had arrived: they were passed over.
    notes : sequence of mapping
        What the figures do not say, in Chinese and English.
    """

    model: str
    version: str
    results: LooksBack
    without_data: list[dt.datetime] = field(default_factory=list)
    notes: Sequence[dict[str, str]] = NOT_AS_KNOWN

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "model": self.model,
            "version": self.version,
            **self.results.as_json(),
            "without_data": self.without_data,
            "notes": list(self.notes),
        }


def backtest(
    url: str,
    model: str,
    moments: Sequence[dt.datetime],
    *,
    version: str | None = None,
    folder: Path | None = None,
    as_known: bool = True,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Backtest:
    """Run a model as of past moments; nothing is written, and the database refuses it on these connections.

    Parameters
    ----------
    model : str
    version : str or None
        A stored version, whether it is in force or not, or ``FILE``; None: the one in force.
    moments : sequence of datetime
        With zone, in order.
    folder : Path or None
        Folder of the installation with models of its own.
    as_known : bool
        Whether a look sees only what had arrived by its moment. False: everything of the time before the moment, also
        what arrived or was corrected later.

    Raises
    ------
    layers.errors.NotFound
        No such model or version.
    spatial_models.errors.WrongModelFile
        This program cannot read that version any more.
    """
    with session(SYSTEM, url) as db:
        judging = read_model(
            document_of(db, model, version, folder), catalogue(), source=f"{model} {version or ''}"
        )
        kind = judging.alert_kind
        found: dict[str, list[Found]] = {}
        for row in site_outcomes(db, kind):
            if row["outcome"] in LABELS:
                found.setdefault(row["site_id"], []).append(Found(row["at"], LABELS[row["outcome"]]))
    looks: list[tuple[dt.datetime, list[Flagged]]] = []
    without_data = []
    for done, at in enumerate(moments):
        progress(done, len(moments))
        # Without the time of arrival the moment is that of the end of all imports.
        seen = url_as_known(url, at if as_known else dt.datetime.max.replace(tzinfo=dt.UTC))
        try:
            looks.append((at, _flagged(seen, judging, at)))
        except InputError:
            without_data.append(at)
        finally:
            engine(seen).dispose()
    progress(len(moments), len(moments))
    sites = {one.site_id for _, flagged in looks for one in flagged}
    with session(SYSTEM, url) as db:
        areas = {row["site_id"]: row["name"] for row in counties_of_sites(db, sorted(sites))}
    return Backtest(model, judging.version, looks_back(looks, found, areas), without_data)


def _flagged(url: str, model: Model, at: dt.datetime) -> list[Flagged]:
    would = Analysis(url, at=at, models=[model]).run(write=False).would_raise or []
    return [Flagged(one.finding.subject_id, one.finding.level, one.finding.score) for one in would]
