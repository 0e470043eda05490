"""Keys of a searched text: the same as ``name_keys`` of ``layers/schema/gazetteer.sql`` makes of names."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

_HAN = "\u3400-\u9fff"
_OTHER = re.compile(f"[^0-9a-z\u00df-\u024f{_HAN}]+")
_CODE = re.compile(f"[^0-9A-Z{_HAN}]")


@dataclass(frozen=True)
class Match:
    """A way in which names may match a text.

    Attributes
    ----------
    how : str
        ``name``, ``pinyin`` or ``initials``.
    words : tuple of str
        Parts that the name, its pinyin or its initials must have.
    begins : tuple of str
        Keys of names that begin so.
    holds : tuple of str
        Keys of names that have it anywhere; empty: it is too short for that.
    """

    how: str
    words: tuple[str, ...]
    begins: tuple[str, ...]
    holds: tuple[str, ...]


def name_matches(written: str) -> list[Match]:
    """Return the ways in which names may match a text, the surest first.

    Examples
    --------
    >>> [(each.how, each.begins) for each in name_matches("通州")]
    [('name', ('^通州', '通州'))]
    >>> [(each.how, each.holds) for each in name_matches("Tong zhou")][1]
    ('pinyin', ('ptong', 'pongz', 'pngzh', 'pgzho', 'pzhou'))
    >>> name_matches("—")
    []
    """
    words = plain_words(written)
    if not words:
        return []
    found = [_by_name(words)]
    letters = "".join(words)
    if re.fullmatch("[a-z]{2,40}", letters):
        found.extend(_by_pinyin(letters))
    return [each for each in found if each.begins or each.holds]


def plain_words(written: str) -> tuple[str, ...]:
    """Return the words of a text as ``place_text`` writes them.

    Examples
    --------
    >>> plain_words("启东（海星） Ｎo.3")
    ('启东海星', 'no', '3')
    """
    said = []
    for part in unicodedata.normalize("NFKC", written).lower().split():
        plain = _OTHER.sub(" ", part).strip()
        said.extend(re.sub(f"(?<=[{_HAN}]) | (?=[{_HAN}])", "", plain).split())
    return tuple(dict.fromkeys(said))


def plain_code(written: str) -> str:
    """Return a number or plate as ``plain_code`` of the database writes it.

    Examples
    --------
    >>> plain_code("苏f·a12-34")
    '苏FA1234'
    """
    return _CODE.sub("", unicodedata.normalize("NFKC", written).upper())


def grams(text: str, size: int, mark: str = "") -> tuple[str, ...]:
    """Return every part of a size of a text, each once, after a mark.

    Examples
    --------
    >>> grams("abcab", 3), grams("ab", 3)
    (('abc', 'bca', 'cab'), ())
    """
    return tuple(dict.fromkeys(mark + text[i : i + size] for i in range(len(text) - size + 1)))


def _by_name(words: tuple[str, ...]) -> Match:
    holds = [gram for word in words for gram in _word_grams(word)]
    first = words[0]
    begins = (f"^{first[:2]}", *holds) if re.search(f"[{_HAN}]", first) or len(first) > 1 else ()
    return Match("name", words, begins, tuple(holds))


def _word_grams(word: str) -> tuple[str, ...]:
    """Return the grams of a word that may go on; a single Chinese character has none."""
    return grams(word, 2) if re.search(f"[{_HAN}]", word) else grams(f"  {word}", 3)


def _by_pinyin(letters: str) -> list[Match]:
    found = [Match("initials", (letters,), grams(f"^{letters}", 3, "i"), grams(letters, 3, "i"))]
    if len(letters) > 2:
        found.insert(0, Match("pinyin", (letters,), grams(f"^{letters}", 4, "p"), grams(letters, 4, "p")))
    return found
