"""Texts of a Shapefile: its encoding, chosen by what its values are, and values that are damaged.

The ``.dbf`` keeps so many bytes of a value; programs cut a name in the middle of a character. Such a value loses its
damaged end and is told, and the others stay whole.
"""

from __future__ import annotations

import codecs
import glob
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from layers.codes import CHINESE_ENCODING

AS_BYTES = "ISO-8859-1"
"""Encoding under which GDAL hands on the bytes as they are."""
_NO_CODE_PAGE = (0x00, 0x57)
"""Language driver ids of a .dbf that name no code page."""
_GBK = 0x4D
_CHINESE = ("gbk", "gb2312", "gb18030", "936", "cp936", "ansi 936")
_TOLD_AT_MOST = 20


@dataclass
class TextDecoding:
    """Encoding of the texts of one Shapefile.

    Attributes
    ----------
    encoding : str
    note : str
        What a person should know of its choice; empty when the file states it.
    """

    encoding: str
    note: str = ""

    def decode(self, text: str | None) -> tuple[str | None, bool]:
        """Return a text that GDAL read as bytes, and whether it was damaged.

        Examples
        --------
        >>> TextDecoding("utf-8").decode("甲镇".encode()[:-1].decode("latin-1"))
        ('甲', True)
        >>> TextDecoding("utf-8").decode(None)
        (None, False)
        """
        if text is None or text.isascii():
            return text, False
        try:
            raw = text.encode("latin-1")
        except UnicodeEncodeError:
            return text, False  # it was decoded already
        try:
            return raw.decode(self.encoding), False
        except UnicodeDecodeError:
            return raw.decode(self.encoding, "ignore"), True

    def values(self, texts: list[str | None], field: str, start: int, damaged: list[str]) -> list[str | None]:
        """Return the texts of a column, and add what a person should know of the damaged ones."""
        found: list[str | None] = []
        for row, text in enumerate(texts, start=start):
            whole, is_damaged = self.decode(text)
            found.append(whole)
            if is_damaged:
                damaged.append(
                    f"row {row} 行, {field}: 文字残缺，去掉残缺部分 cut text, read without its damaged end ({whole!r})"
                )
        return found


def damage_notes(damaged: list[str]) -> list[str]:
    """Return the first notes of damaged values, and how many more there are."""
    more = len(damaged) - _TOLD_AT_MOST
    return damaged[:_TOLD_AT_MOST] + ([f"… {more:,} more 处"] if more > 0 else [])


def text_decoding(path: Path) -> TextDecoding | None:
    """Return how to decode the texts of a Shapefile; None for another file and for one in another code page."""
    if path.suffix.lower() != ".shp":
        return None
    table, page = _attributes(path)
    if len(table) < 32:
        return None
    stated = page.decode("ascii", "ignore").strip().lower()
    if stated.replace("-", "") in ("utf8", "65001"):
        named: str | None = "utf-8"
    elif stated in _CHINESE or (not stated and table[29] == _GBK):
        named = CHINESE_ENCODING
    elif stated or table[29] not in _NO_CODE_PAGE:
        return None
    else:
        named = None
    votes = _votes(table)
    if votes is None:
        return TextDecoding(named or "utf-8")
    utf8, chinese, n = votes
    if named == CHINESE_ENCODING:
        best = "utf-8" if utf8 == n and chinese < n else CHINESE_ENCODING
    else:
        best = "utf-8" if 2 * utf8 >= n else CHINESE_ENCODING
    if named == best:
        return TextDecoding(best)
    said = f"says 声明为 {named.upper()}" if named else "names no encoding 未声明编码"
    return TextDecoding(
        best, f"{path.name}: {said}; read as 按此读取 {'GB 18030' if best == CHINESE_ENCODING else 'UTF-8'}"
    )


def _votes(table: bytes) -> tuple[int, int, int] | None:
    """Return how many values are UTF-8 (cut ones too), how many GB 18030, and how many there are; None: all are ASCII.

    Half of all pairs of UTF-8 characters are GB 18030 as well, hardly any Chinese text is UTF-8 by chance.
    """
    values = list(_texts(table))
    counts = [sum(_reads(raw, encoding) for raw in values) for encoding in ("utf-8", CHINESE_ENCODING)]
    return (counts[0], counts[1], len(values)) if values else None


def _reads(raw: bytes, encoding: str) -> bool:
    """Return whether bytes are text of an encoding, the end of which may be missing."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(raw)
    except UnicodeDecodeError:
        return False
    return True


def _texts(table: bytes) -> Iterator[bytes]:
    """Yield the names and values of the text columns of a ``.dbf`` that are not ASCII."""
    begin, width = (int.from_bytes(table[at : at + 2], "little") for at in (8, 10))
    at, offset = 32, 1
    fields: list[tuple[int, int]] = []
    while at + 32 <= begin and table[at] != 0x0D:
        name, size = table[at : at + 11].split(b"\0")[0], table[at + 16]
        if not name.isascii():
            yield name
        if table[at + 11 : at + 12] == b"C":
            fields.append((offset, size))
        offset += size
        at += 32
    if width == 0 or not fields:
        return
    n = (len(table) - begin) // width
    rows = np.frombuffer(table, np.uint8, n * width, begin).reshape(n, width)
    for start, size in fields:
        part = rows[:, start : start + size]
        for row in part[(part >= 0x80).any(axis=1)]:
            yield row.tobytes().rstrip(b" \0")


def _attributes(path: Path) -> tuple[bytes, bytes]:
    """Return the contents of ``.dbf`` and ``.cpg`` beside a ``.shp``; empty if missing."""
    found = {".dbf": b"", ".cpg": b""}
    for file in path.parent.glob(f"{glob.escape(path.stem)}.*"):
        if file.stem == path.stem and file.suffix.lower() in found:
            found[file.suffix.lower()] = file.read_bytes()
    return found[".dbf"], found[".cpg"]
