"""What a column of an import file is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from layers.codes.written_values import narrow

Dtype = Literal["text", "float", "date", "time", "wkt"]


@dataclass(frozen=True)
class Column:
    """One column of an import file.

    Parameters
    ----------
    name : str
        Header in the file.
    dtype : {"text", "float", "date", "time", "wkt"}
        How a value is read. A time without zone is UTC.
    zh, en : str
        What it means.
    required : bool
        The header must be there.
    nullable : bool
        A value may be empty.
    choices : tuple of str
        The allowed values, when they are a list.
    minimum, maximum : float or None
        The allowed range, ends included.
    """

    name: str
    dtype: Dtype
    zh: str
    en: str
    required: bool = True
    nullable: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None

    @property
    def headings(self) -> tuple[str, str, str]:
        """What people write above it: our name, the Chinese one, and that without its unit.

        Examples
        --------
        >>> Column("road_length_m", "float", "道路长度 m", "length of roads in it").headings
        ('road_length_m', '道路长度 m', '道路长度')
        """
        chinese = narrow(self.zh).split(",")[0]
        return self.name, chinese, chinese.split(" ")[0]


@dataclass(frozen=True)
class FileKind:
    """One kind of import file: its columns, its key and two example rows."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    examples: tuple[tuple[str, ...], ...]
    has_coordinates: bool = False
    zh: str = ""
    en: str = ""
