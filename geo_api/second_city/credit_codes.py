"""Unified social credit codes with right check characters, for enterprises that do not exist."""

from __future__ import annotations

import numpy as np

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: no I, O, S, V, Z."""
ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def organisation_code(eight: str) -> str:
    """Return the nine characters of an organisation code (GB 11714) from its first eight."""
    total = sum(int(char, 36) * weight for char, weight in zip(eight, ORGANISATION_WEIGHTS, strict=True))
    return eight + "0123456789X0"[11 - total % 11]


def credit_code(kind: str, area: str, eight: str) -> str:
    """Return the 18 characters: register body and kind (two), area of registration (six), organisation code, check.

    Example
    -------
    >>> credit_code("91", "110000", "60003734")
    '91110000600037341L'
    """
    body = kind + area + organisation_code(eight)
    total = sum(ALPHABET.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return body + ALPHABET[-total % 31]


def invented_code(rng: np.random.Generator, area: str, kind: str = "91") -> str:
    """Return a credit code of nobody: `MA` as newer codes begin, then six characters by chance."""
    letters = [ALPHABET[int(place)] for place in rng.integers(0, 31, 6)]
    return credit_code(kind, area, "MA" + "".join(letters))


def with_wrong_check(code: str) -> str:
    """Return the code with another last character, as typing errors make it."""
    return code[:-1] + ALPHABET[(ALPHABET.index(code[-1]) + 7) % 31]
