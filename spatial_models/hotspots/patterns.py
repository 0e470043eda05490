"""Patterns of hot and cold steps over time: the 17 classes of emerging hot spots, with their precedence."""

from __future__ import annotations

import numpy as np

from spatial_models.frames import Array

PATTERNS = (
    "no_pattern",
    "new_hot",
    "consecutive_hot",
    "intensifying_hot",
    "persistent_hot",
    "diminishing_hot",
    "sporadic_hot",
    "oscillating_hot",
    "historical_hot",
    "new_cold",
    "consecutive_cold",
    "intensifying_cold",
    "persistent_cold",
    "diminishing_cold",
    "sporadic_cold",
    "oscillating_cold",
    "historical_cold",
)
"""Names of the classes by their code, 0 to 16."""
MOST_STEPS = 0.9
"""Share of hot steps from which a cell counts as hot all the time."""


def classify_patterns(marks: Array, trend_z: Array, trend_p: Array, *, trend_alpha: float = 0.05) -> Array:
    """Return the class of each cell: an index of ``PATTERNS``, int8.

    A cell is looked at as hot when it is hot in the last step, as cold when it is cold then, and otherwise by
    whichever it was in 90 % of the steps. The first rule that holds decides:

    1. *new*: hot in the last step and never before.
    2. *intensifying*, *diminishing*, *persistent*: hot in the last step and in at least 90 % of the steps; the
       trend of Gi* rises, falls, or does neither.
    3. *consecutive*: the hot steps are one unbroken run of two or more that ends with the last step.
    4. *oscillating*: hot in the last step, and cold in some step before.
    5. *sporadic*: hot in the last step, and on and off before.
    6. *historical*: neither hot nor cold in the last step, hot in at least 90 % of the steps.
    7. *no pattern*: nothing of these.

    Cold classes mirror them. A rising trend of a cold spot is one towards 0: it diminishes.

    Parameters
    ----------
    marks : ndarray of int8, shape (n_cells, n_steps)
        1 hot, -1 cold, 0 neither, in the order of time.
    trend_z, trend_p : ndarray of float, shape (n_cells,)
        Mann-Kendall of the z series of each cell.
    trend_alpha : float
        Greatest p of a trend.

    Examples
    --------
    >>> marks = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1], [0, 0, 0, 0]], np.int8)
    >>> [PATTERNS[code] for code in classify_patterns(marks, np.zeros(4), np.ones(4))]
    ['new_hot', 'consecutive_hot', 'persistent_hot', 'no_pattern']
    """
    n, steps = marks.shape
    found = np.zeros(n, np.int8)
    if n == 0 or steps == 0:
        return found
    for sign, first in ((1, 1), (-1, 9)):
        now = marks == sign
        other = (marks == -sign).any(axis=1)
        last, hot = now[:, -1], now.sum(axis=1)
        mostly = hot >= MOST_STEPS * steps
        run = np.logical_and.accumulate(now[:, ::-1], axis=1).sum(axis=1)
        moved = trend_p <= trend_alpha
        rules = [
            last & (hot == 1),
            last & mostly & moved & (trend_z * sign > 0),
            last & mostly & moved & (trend_z * sign < 0),
            last & mostly,
            last & (run == hot),
            last & other,
            last,
            (marks[:, -1] == 0) & mostly,
        ]
        codes = [first + k for k in (0, 2, 4, 3, 1, 6, 5, 7)]
        this = np.select(rules, codes, 0)
        found = np.where(found == 0, this, found).astype(np.int8)
    return found
