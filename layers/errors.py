"""Errors of stored data.

::

    LayerError
    ├── ClusterError            the private PostGIS cannot be made, started or used
    │   └── ClusterInUse        another process owns it
    ├── DatabaseUnavailable     no answer from the server
    ├── SchemaTooNew            a newer program has migrated the database
    ├── InputError              a file or value is not what it should be (row, field, reason)
    │   ├── UnknownCrs          a coordinate reference system nobody named
    │   ├── InvalidIdentifier   a code that fails its own check
    │   ├── WeakPassphrase      a passphrase that is short, common, or made of known names
    │   ├── MissingColumns      a file without a column that it needs
    │   └── RejectedRows        some rows of a file are wrong; nothing was written
    ├── CodeOverflow            no number is left under a parent code
    ├── NotFound                no such row, or not one the caller may see
    ├── OutOfScope              a write outside the caller's areas
    ├── VersionConflict         a row that is not the version that the caller knows
    ├── StillReferred           a row that others refer to, or a key that is taken
    ├── BatchNotInForce         a batch that was undone before, or that wrote nothing
    ├── BatchInUse              a batch on which something later rests
    ├── DeliverySettled         a delivery that is not held, so that nobody decides on it
    ├── ChangesGone             a position before the changes that are kept, or of another database
    └── InvalidFilter           a filter or cursor that cannot be read
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


class LayerError(Exception):
    """Base of this package's errors.

    The text is English, ``message_zh`` Chinese; without it the text says it in both languages.
    """

    def __init__(self, message_en: str = "", message_zh: str = "") -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class ClusterError(LayerError):
    """The private PostGIS cannot be made, started or used."""


class ClusterInUse(ClusterError):
    """Another process owns the data folder."""


class SchemaTooNew(LayerError):
    """A newer program has migrated the database."""


class DatabaseUnavailable(LayerError):
    """The database does not answer."""


class InputError(LayerError):
    """A file or value is not what it should be."""


class UnknownCrs(InputError):
    """A coordinate reference system that is not known here."""


class InvalidIdentifier(InputError):
    """A code that fails its own check; the message says which one."""


class WeakPassphrase(InputError):
    """A passphrase that is short, common, or made of known names.

    Attributes
    ----------
    message_en, message_zh : str
        The reason for people.
    """

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(f"password: {message_en} {message_zh}")
        self.message_en = message_en
        self.message_zh = message_zh


class MissingColumns(InputError):
    """A file without a column that it needs."""

    @classmethod
    def of(cls, file: object, missing: Sequence[str], given: Sequence[str]) -> Self:
        """Says which columns are missing, which the file has, and how to say that one of those is meant."""
        names = ", ".join(given)[:500] or "none"
        called = file.name if isinstance(file, Path) else file
        return cls(
            f"{called}: column(s) missing 缺少列: {', '.join(missing)}; the file has 文件有: {names}\n"
            f"  if one of these is meant, say which 若其中一列即是，请指明: --map {missing[0]}=HEADING;"
            f' in city.toml under [sources.columns]: {missing[0]} = "HEADING"; the same in every row 每行相同:'
            f' --map {missing[0]}:=VALUE, {missing[0]} = {{ value = "VALUE" }}'
        )


MOST_WORDS = 20
"""Most words of a column that a refusal names."""
NOT_A_CHOICE = "不在可选值中"
"""Begin of the reason of a value that is none of its column's choices."""


@dataclass(frozen=True)
class Fault:
    """One wrong value: row counts from 1 without the header."""

    row: int
    field: str
    reason: str
    value: str = ""

    def __str__(self) -> str:
        return f"row {self.row} 行, {self.field}: {self.reason}" + (
            f" ({self.value!r})" if self.value else ""
        )


class RejectedRows(InputError):
    """Some rows of a file are wrong; nothing was written.

    Attributes
    ----------
    faults : list of Fault
        Every fault found, in row order.
    """

    def __init__(self, source: str, faults: list[Fault]) -> None:
        self.source = source
        self.faults = faults
        shown = "\n".join(f"  {fault}" for fault in faults[:10])
        more = f"\n  … and {len(faults) - 10} more" if len(faults) > 10 else ""
        more += _own_word(faults)
        super().__init__(
            f"{source}: {len(faults)} fault(s), nothing was written 有错误，未写入任何数据\n{shown}{more}"
        )


def _own_word(faults: list[Fault]) -> str:
    """Name every word that no choice of its column knows, with its rows, and how it is translated."""
    words: dict[str, Counter[str]] = {}
    for fault in faults:
        if fault.value and fault.reason.startswith(NOT_A_CHOICE):
            words.setdefault(fault.field, Counter())[fault.value] += 1
    told = ""
    for field, counted in words.items():
        named = ", ".join(f"{word} × {rows}" for word, rows in counted.most_common(MOST_WORDS))
        more = f" … +{len(counted) - MOST_WORDS}" if len(counted) > MOST_WORDS else ""
        word = next(iter(counted))
        told += (
            f"\n  words of the office 部门用词, {field}: {named}{more}"
            f"\n    each 每个: --map {field}[{word}]=OURS; in city.toml under [sources.values.{field}]:"
            f' "{word}" = "OURS"'
        )
    return told


class CodeOverflow(LayerError):
    """No number is left under a parent code."""


class NotFound(LayerError):
    """No such row, or not one that the caller may see."""


def no_case(number: str) -> NotFound:
    """Return the error of a case that is not there, or not for the caller."""
    return NotFound(f"no case {number!r}", f"没有案件 {number}，或无权查看")


class OutOfScope(LayerError):
    """A write outside the caller's areas."""


class VersionConflict(LayerError):
    """A row is not the version that the caller knows: somebody else changed it."""


class StillReferred(LayerError):
    """A row that others refer to, or a key that is taken."""


class NotOpen(LayerError):
    """A batch or a delivery of which nothing can be taken back or decided; the text says so in both languages.

    Attributes
    ----------
    message_en, message_zh : str
    """

    def __init__(self, message_en: str, message_zh: str) -> None:
        super().__init__(f"{message_zh} · {message_en}")
        self.message_en = message_en
        self.message_zh = message_zh


class BatchNotInForce(NotOpen):
    """A batch that was undone before, or that wrote nothing."""


class DeliverySettled(NotOpen):
    """A delivery that is not held: there is nothing to decide."""


class BatchInUse(LayerError):
    """A batch cannot be undone: something later rests on it.

    Attributes
    ----------
    rests_on : list of dict
        ``kind``, ``count`` and the first ``ids`` of each kind of rows.
    message_en, message_zh : str
    """

    def __init__(self, batch_id: int, rests_on: Sequence[dict[str, Any]], told_en: str, told_zh: str) -> None:
        en = f"batch {batch_id} cannot be undone, nothing was changed; on it rest {told_en}"
        zh = f"批次 {batch_id} 不能撤销，未作任何更改；以下内容依赖于它：{told_zh}"
        super().__init__(f"{zh}\n{en}")
        self.rests_on = list(rests_on)
        self.message_en, self.message_zh = en, zh


class ChangesGone(LayerError):
    """A position before the changes that are kept, or of another database: the collection is read anew."""


class InvalidFilter(LayerError):
    """A filter, bounding box or cursor that cannot be read.

    Attributes
    ----------
    position : mapping or None
        ``line`` and ``column`` from 1, where the text has places.
    """

    def __init__(self, message: str, *, position: dict[str, int] | None = None) -> None:
        super().__init__(message)
        self.position = position
