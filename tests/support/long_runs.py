"""Tests that find more the longer they run.

A sample of each in every run, twenty times as much with ``--long``.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import pytest
from hypothesis import settings

FACTOR = 20
T = TypeVar("T")
_run = {"long": False}


def be_long(long: bool) -> None:
    """Say which run this is, before the tests are imported."""
    _run["long"] = long


def is_long() -> bool:
    """Whether this run takes as long as it likes."""
    return _run["long"]


def count(sample: int) -> int:
    """How often something is done: ``sample`` times in every run, ``FACTOR`` times that in a long one."""
    return sample * FACTOR if is_long() else sample


def examples(sample: int, **more: Any) -> Callable[[Any], Any]:
    """Settings of a test of a property, and the marker ``long``; ``more`` are settings of hypothesis."""
    how = settings(max_examples=count(sample), **more)
    return lambda test: pytest.mark.long(how(test))


def repeated(sample: int = 1) -> Callable[[Any], Any]:
    """Repeat a test whose end hangs on the moment: its argument ``attempt`` numbers the times."""
    times = pytest.mark.parametrize("attempt", range(count(sample)))
    return lambda test: pytest.mark.long(times(test))


def some(of: Iterable[T], turn: int, n: int) -> list[T]:
    """A part of a list: ``n`` in every run, others for the next ``turn``, all of it in a long one.

    Examples
    --------
    >>> some("abcde", 0, 2), some("abcde", 1, 2), some("abcde", 2, 2), some("a", 7, 2)
    (['a', 'b'], ['c', 'd'], ['e', 'a'], ['a'])
    """
    whole = list(of)
    if is_long():
        return whole
    return [whole[(turn * n + i) % len(whole)] for i in range(min(n, len(whole)))]


def crossed(rows: Sequence[Any], columns: Sequence[Any], each: int) -> list[tuple[Any, Any]]:
    """Pairs of a table: in every run ``each`` columns of a row, others of the next one; all in a long run.

    Every column comes as long as there are ``len(columns) / each`` rows. For tests that are marked ``long``.

    Examples
    --------
    >>> crossed("ab", [1, 2, 3], 2)
    [('a', 1), ('a', 2), ('b', 3), ('b', 1)]
    """
    return list(
        itertools.chain.from_iterable(
            [(row, column) for column in some(columns, turn, each)] for turn, row in enumerate(rows)
        )
    )
