"""Class breaks, against numpy's histogram and by their properties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maps.classify import class_colors, class_of, quantile_breaks

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60)


@given(values, st.integers(1, 9))
def test_every_value_falls_into_a_class_that_holds_it(given_values: list[float], classes: int) -> None:
    breaks = quantile_breaks(given_values, classes)
    index = class_of(given_values, breaks)
    assert len(breaks) <= classes and (np.diff(breaks) > 0).all()
    upper = breaks[index]
    lower = np.where(index > 0, breaks[np.maximum(index - 1, 0)], -np.inf)
    array = np.asarray(given_values)
    assert ((array <= upper) | np.isclose(array, upper)).all() and (array > lower).all()


@given(st.lists(st.integers(-1000, 1000), min_size=8, max_size=60, unique=True), st.integers(2, 5))
def test_quantile_classes_are_of_nearly_equal_size(distinct: list[int], classes: int) -> None:
    counts = np.bincount(class_of(distinct, quantile_breaks(distinct, classes)), minlength=classes)
    assert counts.max() - counts.min() <= 1


def test_nothing_and_nan() -> None:
    assert quantile_breaks([], 5).size == 0 and quantile_breaks([float("nan")], 5).size == 0
    assert class_of([float("nan")], [1.0]).tolist() == [-1]
    assert len(class_colors(7)) == 7
