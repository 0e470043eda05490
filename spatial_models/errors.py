"""Errors of the models.

::

    ModelError
    ├── InputFrameError         a column is missing or has a type that cannot be read
    │   └── NaiveTimeError      times have no time zone
    ├── ParameterError          a parameter is outside its range
    ├── StateMismatch           a state was made with other parameters or another type of vehicle id
    ├── PartFailed              a part of a cluster run failed too often
    └── StudyAreaError          cells are no H3 cells, not unique, or of mixed resolution
"""

from __future__ import annotations


class ModelError(Exception):
    """Base class of all errors of this package.

    Examples
    --------
    >>> from spatial_models.stays.detect import detect_stays
    >>> import polars as pl
    >>> try:
    ...     detect_stays(pl.DataFrame({"t": []}))
    ... except ModelError as error:
    ...     print(error)
    fixes: columns vehicle_id, lon, lat are missing
    """


class InputFrameError(ModelError):
    """A frame lacks a column, or a column has a type that cannot be read."""


class NaiveTimeError(InputFrameError):
    """Times have no time zone, so the moment that they mean is unknown."""


class ParameterError(ModelError):
    """A parameter is outside its range; the message names the parameter and its value."""


class StateMismatch(ModelError):
    """A state was made with other parameters or with another type of vehicle id."""


class PartFailed(ModelError):
    """A part of a cluster run failed too often, or the cluster cannot be reached."""


class StudyAreaError(ModelError):
    """A study area is not a set of distinct H3 cells of one resolution."""
