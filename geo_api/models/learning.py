"""Learning of a model from the outcomes of checks: labels read, the file in force fitted, a version written."""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from geo_api.models.model_files import model_text
from layers.alerts import checked_shares, judged_scores
from layers.models import NewVersion, add_version, version_in_force, versions
from layers.tables import ModelVersion
from spatial_models.learning import FittedModel, JudgedAlert, fit_points
from spatial_models.suspicion import catalogue, read_model

NO_LABEL = "cannot_tell"
LEAST_CHECKED = 0.5
"""Share of the alerts of a level that were checked, below which the figures speak of a chosen part of them."""


@dataclass(frozen=True)
class LearntModel:
    """A fitted model and the labels that it rests on.

    Attributes
    ----------
    based_on : str or None
        Version in force that was fitted; None: the file.
    cannot_tell, without_evidence : int
        Outcomes that are no label; scores of older versions whose contributions nobody kept.
    checked : list of mapping
        ``level``, ``n`` alerts that reached it, ``checked`` of them.
    """

    model: str
    version: str
    based_on: str | None
    fitted: FittedModel
    cannot_tell: int
    without_evidence: int
    checked: list[dict[str, Any]]

    @property
    def warnings(self) -> list[dict[str, str]]:
        """Limits of the figures, in Chinese and English."""
        told = [_unseen(row) for row in self.checked if row["checked"] < LEAST_CHECKED * row["n"]]
        told.append({
            "zh": "只有预警才会被核查：从未产生预警的场所不在样本中，其漏报无法由此得知。",
            "en": "Only alerts are checked: sites that never had one are not in the sample, and what was missed there"
            " is not known from it.",
        })  # fmt: skip
        return told

    def figures(self) -> dict[str, Any]:
        """Return what is kept with the version."""
        return self.fitted.as_json() | {
            "cannot_tell": self.cannot_tell,
            "without_evidence": self.without_evidence,
            "checked": self.checked,
            "warnings": self.warnings,
        }


def learn(
    db: Session,
    model: str,
    *,
    since: dt.datetime | None = None,
    until: dt.datetime | None = None,
    folder: Path | None = None,
) -> LearntModel:
    """Fit the model in force to the outcomes of a time; nothing is written.

    Parameters
    ----------
    since, until : datetime or None
        Of the outcomes, half-open.
    folder : Path or None
        Folder of the installation with models of its own.

    Raises
    ------
    layers.errors.NotFound
        No such model.
    spatial_models.errors.TooFewLabels
    """
    current = version_in_force(db, model)
    document = model_text(model, folder) if current is None else current.document
    kind = str(tomllib.loads(document)["alert_kind"])
    rows = judged_scores(db, kind, since=since, until=until)
    told = [row for row in rows if row["outcome"] != NO_LABEL]
    alerts = [_judged(dict(row)) for row in told if row["contributions"] is not None]
    version = _next_version(db, model, document)
    fitted = fit_points(alerts, document, version=version)
    read_model(fitted.document, catalogue(), source=f"{model} {version}")
    return LearntModel(
        model, version, None if current is None else current.version, fitted, len(rows) - len(told),
        len(told) - len(alerts), [dict(row) for row in checked_shares(db, kind)],
    )  # fmt: skip


def write_learnt(db: Session, learnt: LearntModel, *, by: str, note: str, now: dt.datetime) -> ModelVersion:
    """Store a fitted model as a version; it holds once another person puts it into force."""
    new = NewVersion(
        learnt.model, learnt.version, learnt.fitted.document, by, learnt.based_on, note, learnt.figures()
    )
    return add_version(db, new, now)


def add_model_file(db: Session, text: str, *, by: str, note: str, now: dt.datetime) -> ModelVersion:
    """Store a model's file as a version, by the name and version that it says.

    Raises
    ------
    spatial_models.errors.WrongModelFile
    layers.errors.InputError
        The model has that version already.
    """
    model = read_model(text, catalogue())
    current = version_in_force(db, model.name)
    based_on = None if current is None else current.version
    return add_version(db, NewVersion(model.name, model.version, text, by, based_on, note), now)


def _judged(row: Mapping[str, Any]) -> JudgedAlert:
    given = row["contributions"]
    return JudgedAlert(
        row["site_id"], row["at"], row["outcome"] == "confirmed", given["families"], float(given["prior"])
    )


def _next_version(db: Session, model: str, document: str) -> str:
    root = str(tomllib.loads(document)["version"]).partition("+")[0]
    known = {facts.stored.version for facts in versions(db, model)}
    return next(name for n in range(1, len(known) + 2) if (name := f"{root}+{n}") not in known)


def _unseen(row: Mapping[str, Any]) -> dict[str, str]:
    return {
        "zh": f"等级 {row['level']} 的 {row['n']} 个预警中只核查了 {row['checked']} 个：样本由核查人员选取，可能有偏。",
        "en": f"Of {row['n']} alerts of the level {row['level']} only {row['checked']} were checked: whoever chose them"
        " chose the sample.",
    }
