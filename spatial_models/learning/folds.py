"""Folds that look forward: fitted to sites that were judged before, held out are sites that come later."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.int64]


def forward_folds(groups: npt.NDArray[Any], times: npt.NDArray[Any], n_folds: int) -> list[tuple[Rows, Rows]]:
    """Return pairs of rows to fit to and rows held out.

    Groups stand in the order of their first time, in ``n_folds`` + 1 blocks. Fold k holds out block k + 1 and is fitted
    to rows of the blocks before it that are older than everything held out: no group is on both sides, and nothing of
    a later time is known.

    Examples
    --------
    >>> folds = forward_folds(np.array([0, 1, 2, 0]), np.array([1.0, 2.0, 3.0, 4.0]), 2)
    >>> [(train.tolist(), test.tolist()) for train, test in folds]
    [([0], [1]), ([0, 1], [2])]
    >>> forward_folds(np.array([]), np.array([]), 2)
    []
    """
    names, first = np.unique(groups, return_inverse=True)
    if not len(names):
        return []
    begin = np.full(len(names), np.inf)
    np.minimum.at(begin, first, times)
    ordered = np.argsort(begin, kind="stable")
    block_of = np.empty(len(names), dtype=np.int64)
    for number, block in enumerate(np.array_split(ordered, n_folds + 1)):
        block_of[block] = number
    blocks = block_of[first]
    folds = []
    for number in range(1, n_folds + 1):
        test = np.flatnonzero(blocks == number)
        if not len(test):
            continue
        train = np.flatnonzero((blocks < number) & (times < times[test].min()))
        if len(train):
            folds.append((train, test))
    return folds
