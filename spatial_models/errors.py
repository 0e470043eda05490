"""What can go wrong in a model.

::

    ModelError
    ├── InputFrameError         a frame without a column, or with a column of a type that cannot be read
    │   └── NaiveTimeError      times without a time zone
    ├── ParameterError          a parameter outside its range; names the parameter and its value
    ├── StateMismatch           a state that was made with other parameters or other vehicle ids
    ├── PartFailed              a part of a run on a cluster that failed again and again
    └── StudyAreaError          cells that are no H3 cells, doubled, or of mixed resolution
"""

from __future__ import annotations


class ModelError(Exception):
    """Base of this package's errors.

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
    """A frame without a column that is needed, or with a column of a type that cannot be read."""


class NaiveTimeError(InputFrameError):
    """Times without a time zone: which moment they mean is not known."""


class ParameterError(ModelError):
    """A parameter outside its range."""


class StateMismatch(ModelError):
    """A state that was made with other parameters or another type of vehicle id."""


class PartFailed(ModelError):
    """A part of a run on a cluster that failed again and again, or a cluster that cannot be reached."""


class StudyAreaError(ModelError):
    """A study area that is no set of H3 cells of one resolution."""
