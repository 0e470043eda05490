"""The file of a model with fitted factors: points scaled, prior moved, everything else as it was written."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tomlkit

from spatial_models.learning.figures import Figures, figures, isotonic
from spatial_models.learning.fitting import Factors, fit_factors
from spatial_models.learning.judged import JudgedAlert, ModelShape, judged_frame

MOST_LOG_ODDS = 6.0
"""Greatest log-odds of a point in a model file (``spatial_models.suspicion``)."""


@dataclass(frozen=True)
class FittedModel:
    """A new file of a model, with old against new on sites that were held out.

    Attributes
    ----------
    document : str
        Text of the new file.
    factors : dict of str to float
        By signal: its points are the old ones times this.
    left_out : int
        Judged alerts scored by signals that the file does not name.
    calibration : list of (float, float)
        Isotonic steps from the new score to the share confirmed, of the held-out alerts.
    """

    document: str
    factors: dict[str, float]
    prior_step: float
    pull: float
    labels: int
    confirmed: int
    left_out: int
    old: Figures
    new: Figures
    calibration: list[tuple[float, float]]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as plain values, as they are kept with a version."""
        return {
            "factors": self.factors,
            "prior_step": self.prior_step,
            "pull": self.pull,
            "labels": self.labels,
            "confirmed": self.confirmed,
            "left_out": self.left_out,
            "old": self.old.as_json(),
            "new": self.new.as_json(),
            "calibration": [list(point) for point in self.calibration],
        }


def fit_points(alerts: Sequence[JudgedAlert], document: str, *, version: str) -> FittedModel:
    """Fit the points and the prior of a model's file to judged alerts.

    Parameters
    ----------
    alerts : sequence of JudgedAlert
        With the outcome; those of which nobody could tell are no labels.
    document : str
        Text of the file (TOML).
    version : str
        Of the new file.

    Raises
    ------
    spatial_models.errors.TooFewLabels

    Notes
    -----
    Minimised is the log loss of the labels with a pull of every factor to 1 (the reasoning of the file), factors
    between 0 and 3: no sign changes, and caps stay. The pull is chosen on folds that hold out later sites; the figures
    are of those held-out sites. Only alerts are checked: where checks were chosen by the score alone this leaves the
    factors right, since the score is a function of what is fitted; nothing is learnt of sites without an alert.
    """
    shape = ModelShape.of(document)
    judged = judged_frame(alerts, shape)
    fit = fit_factors(judged, shape)
    told = fit.held_out
    labels = judged.labels[told]
    return FittedModel(
        scaled_document(document, shape, fit.factors, version),
        dict(zip(shape.signals, (round(float(factor), 4) for factor in fit.factors.signals), strict=True)),
        round(fit.factors.prior_step, 4),
        fit.pull,
        len(judged),
        int(judged.labels.sum()),
        judged.other,
        figures(fit.old[told], labels),
        figures(fit.new[told], labels),
        isotonic(fit.new[told], labels),
    )


def scaled_document(document: str, shape: ModelShape, factors: Factors, version: str) -> str:
    r"""Return the text of a file with its points scaled and its prior moved; comments and order stay.

    Examples
    --------
    >>> import numpy as np
    >>> text = 'version = "1"\n[prior]\nshare = 0.5 # a\n[[signals]]\nsignal = "power"\npoints = [[0, -1.0], [1, 2.0]]'
    >>> shape = ModelShape(("power",), (), *(np.zeros(0),) * 3)
    >>> print(scaled_document(text, shape, Factors(np.array([0.5]), 0.0), "2"))
    version = "2"
    [prior]
    share = 0.5 # a
    [[signals]]
    signal = "power"
    points = [[0, -0.5], [1, 1.0]]
    """
    written: Any = tomlkit.parse(document)
    written["version"] = version
    by_signal = dict(zip(shape.signals, factors.signals, strict=True))
    for signal in written["signals"]:
        factor = float(by_signal[str(signal["signal"])])
        for point in signal["points"]:
            point[1] = _rounded(min(max(float(point[1]) * factor, -MOST_LOG_ODDS), MOST_LOG_ODDS))
    share = float(written["prior"]["share"])
    if factors.prior_step:
        odds = math.log(share / (1 - share)) + factors.prior_step
        written["prior"]["share"] = round(min(1 / (1 + math.exp(-odds)), 0.49), 5)
    return tomlkit.dumps(written)


def _rounded(value: float) -> float:
    return round(value, 3) + 0.0
