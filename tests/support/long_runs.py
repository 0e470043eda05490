"""Tests that find more the longer they run.

A sample of each in every run, twenty times as much with ``--long``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

FACTOR = 20
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
