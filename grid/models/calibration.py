"""Calibration of scores: the share confirmed among judged alerts with such a score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from layers.models import version_in_force
from layers.records import findings

RUNS_LOOKED_AT = 20
"""Newest runs among which the one that gave the present scores is looked for; runs of stays alone give none."""


@dataclass(frozen=True)
class Calibration:
    """Isotonic steps of a version in force.

    Attributes
    ----------
    points : sequence of (float, float)
        Score and share confirmed, both rising.
    judged : int
        Judged alerts of held-out sites that the steps rest on.
    """

    version: str
    points: Sequence[tuple[float, float]]
    judged: int

    def share(self, score: float) -> float:
        """Return the share confirmed at a score: on the steps, outside of them that of the nearest.

        Examples
        --------
        >>> steps = Calibration("2", [(0.2, 0.1), (0.6, 0.5)], 40)
        >>> [steps.share(score) for score in (0.0, 0.4, 0.9)]
        [0.1, 0.3, 0.5]
        """
        scores, shares = zip(*self.points, strict=True)
        return round(float(np.interp(score, scores, shares)), 6)


def calibrations(db: Session) -> dict[str, Calibration]:
    """Return the calibrations of the scores that alerts have now, by kind of alert.

    A kind is left out where the file is in force, where the version in force was not fitted to outcomes, and where no
    run used it yet, so that the scores are of the version before.
    """
    used: dict[str, dict[str, Any]] = {}
    for run in findings.newest_runs(db, RUNS_LOOKED_AT):
        used = run.parameters.get("models", {}) | used  # the newest run of each model counts
    found: dict[str, Calibration] = {}
    for name, document in used.items():
        version = version_in_force(db, name)
        if (
            version is None
            or version.version != document["version"]
            or not version.figures.get("calibration")
        ):
            continue
        points = [(float(score), float(share)) for score, share in version.figures["calibration"]]
        judged = int(version.figures["new"]["n"])
        found[document["alert_kind"]] = Calibration(version.version, points, judged)
    return found
