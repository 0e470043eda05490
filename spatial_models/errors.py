"""Errors of the models.

::

    ModelError
    ├── InputFrameError         a column is missing or has a type that cannot be read
    │   └── NaiveTimeError      times have no time zone
    ├── ParameterError          a parameter is outside its range
    ├── StateMismatch           a state was made with other parameters or another type of vehicle id
    ├── WrongModelFile          a model file is refused, with line, field and reason
    ├── TooFewLabels            too few outcomes of checks to fit a model to
    ├── PartFailed              a part of a cluster run failed too often
    └── StudyAreaError          cells are no H3 cells, not unique, or of mixed resolution
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True)
class ModelFault:
    """A fault of a model file.

    Attributes
    ----------
    line : int
        From 1.
    where : str
        The field, as ``families.meters.upper`` or ``signals[2].points``; empty: the text is no TOML.
    """

    line: int
    where: str
    reason_zh: str
    reason_en: str

    def __str__(self) -> str:
        where = f" {self.where}:" if self.where else ""
        return f"第 {self.line} 行 line {self.line}:{where} {self.reason_zh}；{self.reason_en}"


class WrongModelFile(ModelError):
    """A model file that is refused; the message names each line, field and reason.

    Attributes
    ----------
    faults : list of ModelFault
    """

    def __init__(self, source: str, faults: Sequence[ModelFault]) -> None:
        super().__init__(f"{source}: " + "; ".join(map(str, faults)))
        self.source = source
        self.faults = list(faults)


class TooFewLabels(ModelError):
    """Too few outcomes of site checks to fit a model to; ``missing`` has how many of which kind."""

    def __init__(self, message: str, missing: Mapping[str, int]) -> None:
        super().__init__(message)
        self.missing = dict(missing)


class PartFailed(ModelError):
    """A part of a cluster run failed too often, or the cluster cannot be reached."""


class StudyAreaError(ModelError):
    """A study area is not a set of distinct H3 cells of one resolution."""
