"""Passphrases: refused when they are common, or made of the names of the person, the city or the service."""

from __future__ import annotations

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources

from zxcvbn import zxcvbn

from layers.city import city_in_force
from layers.errors import WeakPassphrase

MIN_LENGTH = 8
MIN_GUESSES = 10**8
"""As many guesses as zxcvbn must expect: at the slowest rate that the throttle allows, thousands of years."""
_MOST_LOOKED_AT = 72
"""Characters that zxcvbn looks at."""
_ONE_AT_A_TIME = threading.Lock()
"""zxcvbn keeps the names that it is given in a dictionary of its module."""
_NAMES_OF_THE_SERVICE = ("wangge", "网格")


def check_passphrase(passphrase: str, names: Iterable[str | None] = ()) -> None:
    """Refuse a passphrase that is short, common, or easy to guess for who knows the names.

    The lists are part of the installation (zxcvbn, and ``common_words.txt`` with words in pinyin): no host is
    asked. Repeats, runs, keyboard patterns, dates and exchanged letters (``p@ssw0rd``) count as what they
    are.

    Parameters
    ----------
    names : iterable of str or None
        Names of the person, beside those of the city and of the service.

    Raises
    ------
    layers.errors.WeakPassphrase

    Examples
    --------
    >>> check_passphrase("three grey herons wade", ["zhang"])
    >>> check_passphrase("P@ssw0rd123")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    layers.errors.WeakPassphrase: password: Too common or too easy to guess. Use several words that have nothing to do ...
    """
    plain = unicodedata.normalize("NFKC", passphrase)
    if len(plain) < MIN_LENGTH:
        raise WeakPassphrase(
            f"At least {MIN_LENGTH} characters are needed.", f"密码至少 {MIN_LENGTH} 个字符。"
        )
    city = city_in_force()
    known = _words([*names, city.name_zh, city.name_en, city.code, city.case_prefix, *_NAMES_OF_THE_SERVICE])
    with _ONE_AT_A_TIME:
        found = zxcvbn(plain[:_MOST_LOOKED_AT], user_inputs=[*known, *_common_words()])
    if found["guesses"] < MIN_GUESSES:
        raise WeakPassphrase(
            "Too common or too easy to guess. Use several words that have nothing to do with your name, the"
            " city or each other.",
            "密码过于常见或容易猜到，请使用与姓名、城市无关的多个词。",
        )


def _words(names: Iterable[str | None]) -> list[str]:
    """Names whole, joined and in parts: ``officer.li`` is ``officerli`` and ``officer``, too.

    南通市 is 南通, too.
    """
    found: set[str] = set()
    for name in names:
        parts = [name or "", re.sub(r"[\W_]+", "", name or ""), *re.split(r"[\W_\d]+", name or "")]
        found.update(part.lower() for part in parts if len(part) > 1)
        found.update(part[:-1] for part in parts if len(part) > 2 and part[-1] in "市区县镇")
    return sorted(found)


@lru_cache(maxsize=1)
def _common_words() -> tuple[str, ...]:
    text = (resources.files("geo_api.credentials") / "common_words.txt").read_text(encoding="utf-8")
    return tuple(line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#"))
