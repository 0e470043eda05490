"""Range checks of numeric model parameters."""

from __future__ import annotations

import math

import numpy as np

from spatial_models.errors import ParameterError


def is_number(value: object) -> bool:
    """Return whether a value is a finite number and not a boolean.

    Examples
    --------
    >>> is_number(900), is_number(np.int64(3)), is_number(True), is_number(float("nan")), is_number("900")
    (True, True, False, False, False)
    """
    plain = isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
    return plain and bool(-math.inf < value < math.inf)  # type: ignore[operator]


def check_between(name: str, value: object, least: float, most: float) -> None:
    """Raise an error unless a value is a number from ``least`` to ``most``, both included.

    Raises
    ------
    ParameterError
        Names the parameter, its limits and its value.

    Examples
    --------
    >>> check_between("radius_m", 150, 0, 1e6)
    >>> check_between("radius_m", -1, 0, 1e6)
    Traceback (most recent call last):
    spatial_models.errors.ParameterError: radius_m must be between 0 and 1e+06, got -1
    """
    if not is_number(value) or not least <= value <= most:  # type: ignore[operator]
        raise ParameterError(f"{name} must be between {least:g} and {most:g}, got {value!r}")
