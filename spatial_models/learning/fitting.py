"""Fitting of a model's points to outcomes: a factor for each signal and one step of the prior, caps and signs kept."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from spatial_models.errors import TooFewLabels
from spatial_models.learning.folds import forward_folds
from spatial_models.learning.judged import Judged, ModelShape, Numbers

LEAST_LABELS = 30
LEAST_OF_EACH = 10
"""Judged alerts, and confirmed ones and ones of legal use among them, without which nothing is fitted."""
PULLS = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Weights of the pull of every factor to 1, the value of the file, in units of one outcome; folds choose."""
MOST_FACTOR = 3.0
FOLDS = 4


@dataclass(frozen=True)
class Factors:
    """Factor of each signal, and the step of the prior in log-odds. Factors are not negative: no sign changes."""

    signals: Numbers
    prior_step: float

    @classmethod
    def of_file(cls, n_signals: int) -> Factors:
        """Return the factors that leave a file as it is.

        Examples
        --------
        >>> Factors.of_file(2)
        Factors(signals=array([1., 1.]), prior_step=0.0)
        """
        return cls(np.ones(n_signals), 0.0)


@dataclass(frozen=True)
class Fit:
    """Factors with what held-out sites say of them.

    Attributes
    ----------
    pull : float
        Of ``PULLS``, chosen by the folds.
    held_out : array of bool
        Rows that a fold held out: sites that come later than the ones that it was fitted to.
    old, new : array
        Chances of the held-out rows by the file and by the factors of their fold, rows of no fold NaN.
    """

    factors: Factors
    pull: float
    held_out: npt.NDArray[np.bool_]
    old: Numbers
    new: Numbers


def chances(judged: Judged, shape: ModelShape, factors: Factors) -> Numbers:
    """Return the chance that each row is confirmed: prior, and families between their caps less what is explained.

    Examples
    --------
    >>> shape = ModelShape(("power",), ("meters",), np.array([0]), np.array([-2.5]), np.array([3.6]))
    >>> one = Judged(np.array([[9.0]]), np.array([[0.5]]), np.array([-1.8]), *(np.zeros(1),) * 3)
    >>> chances(one, shape, Factors.of_file(1)).tolist()
    [0.5]
    """
    return _sigmoid(_log_odds(judged, shape, factors.signals, factors.prior_step)[0])


def fit_factors(judged: Judged, shape: ModelShape) -> Fit:
    """Fit the factors; folds hold out later sites, choose the pull, and measure old against new.

    Raises
    ------
    TooFewLabels
        Fewer judged alerts than ``LEAST_LABELS``, or fewer of one kind than ``LEAST_OF_EACH``.
    """
    check_enough(judged)
    folds = forward_folds(judged.groups, judged.times, FOLDS)
    losses, predicted = [], []
    for pull in PULLS:
        new = np.full(len(judged), np.nan)
        for train, test in folds:
            new[test] = chances(judged.of(test), shape, _minimise(judged.of(train), shape, pull))
        predicted.append(new)
        told = ~np.isnan(new)
        losses.append(_log_loss(judged.labels[told], new[told]) if told.any() else np.inf)
    best = int(np.argmin(losses))
    held_out = ~np.isnan(predicted[best])
    old = np.where(held_out, chances(judged, shape, Factors.of_file(len(shape.signals))), np.nan)
    return Fit(_minimise(judged, shape, PULLS[best]), PULLS[best], held_out, old, predicted[best])


def check_enough(judged: Judged) -> None:
    """Refuse too few labels, with how many are missing.

    Raises
    ------
    TooFewLabels
    """
    confirmed = int(judged.labels.sum())
    legal = len(judged) - confirmed
    missing = {
        "labels": max(LEAST_LABELS - len(judged), 0),
        "confirmed": max(LEAST_OF_EACH - confirmed, 0),
        "legal_use": max(LEAST_OF_EACH - legal, 0),
    }
    if any(missing.values()):
        raise TooFewLabels(
            f"too few outcomes to fit: {len(judged)} ({confirmed} confirmed, {legal} legal use); needed are"
            f" {LEAST_LABELS} with {LEAST_OF_EACH} of each; missing: {missing['labels']} in all,"
            f" {missing['confirmed']} confirmed, {missing['legal_use']} legal use"
            f" 核查结果太少，无法拟合：共 {len(judged)} 条（属实 {confirmed}、合法使用 {legal}），"
            f"至少需要 {LEAST_LABELS} 条且各 {LEAST_OF_EACH} 条；"
            f"尚缺 {missing['labels']} 条，其中属实 {missing['confirmed']}、合法使用 {missing['legal_use']}",
            missing,
        )


def _minimise(judged: Judged, shape: ModelShape, pull: float) -> Factors:
    n = len(shape.signals)
    seen = np.abs(judged.log_odds).sum(axis=0) > 0

    def loss(given: Numbers) -> tuple[float, Numbers]:
        odds, open_part = _log_odds(judged, shape, given[:n], given[n])
        miss = _sigmoid(odds) - judged.labels
        value = np.logaddexp(0.0, odds) - judged.labels * odds
        weights = judged.log_odds * open_part[:, shape.family_of]
        from_file = np.append(given[:n] - 1.0, 0.0)
        gradient = np.append(weights.T @ miss, miss.sum()) + pull * from_file
        return float(value.sum() + 0.5 * pull * from_file @ from_file), gradient

    bounds = [(0.0, MOST_FACTOR) if is_seen else (1.0, 1.0) for is_seen in seen] + [(-4.0, 4.0)]
    found = minimize(loss, np.append(np.ones(n), 0.0), jac=True, bounds=bounds, method="L-BFGS-B")
    return Factors(found.x[:n], float(found.x[n]))


def _log_odds(
    judged: Judged, shape: ModelShape, signals: Numbers, prior_step: float
) -> tuple[Numbers, Numbers]:
    """Return the log-odds of each row, and for each family how much of a further unit of evidence would count."""
    sums = np.zeros((len(judged), len(shape.families)))
    np.add.at(sums.T, shape.family_of, (judged.log_odds * signals).T)
    left = 1.0 - judged.explained
    inside = (sums > shape.lower) & (sums < shape.upper)
    # A notice explains what speaks for the matter; what speaks against it stays.
    share = np.where(sums > 0, left, 1.0)
    odds = judged.prior + prior_step + (np.clip(sums, shape.lower, shape.upper) * share).sum(axis=1)
    return odds, share * inside


def _sigmoid(odds: Numbers) -> Numbers:
    return np.asarray(1.0 / (1.0 + np.exp(-odds)))


def _log_loss(labels: Numbers, given: Numbers) -> float:
    clipped = np.clip(given, 1e-9, 1 - 1e-9)
    return float(-(labels * np.log(clipped) + (1 - labels) * np.log(1 - clipped)).mean())
