"""Unified social credit codes (GB 32100-2015) and the organisation codes (GB 11714) inside them.

A code has two independent check characters: a weighted sum modulo 31 over 17 characters, and one modulo 11
over the organisation code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from layers.errors import InvalidIdentifier

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = np.array([pow(3, i, 31) for i in range(17)])
_ORG_WEIGHTS = np.array([3, 7, 9, 10, 5, 8, 4, 2])
_REGISTER_BODIES = "123456789ANY"
_ORG_CHECKS = "0123456789X"


def _lookup(alphabet: str) -> NDArray[np.int64]:
    table = np.full(128, -1, dtype=np.int64)
    table[[ord(c) for c in alphabet]] = np.arange(len(alphabet))
    return table


_USCC_VALUES = _lookup(USCC_ALPHABET)
_ORG_VALUES = _lookup("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_IS_DIGIT = _lookup("0123456789") >= 0
_IS_BODY = _lookup(_REGISTER_BODIES) >= 0


@dataclass(frozen=True)
class Uscc:
    """Unified social credit code that passed its checks.

    ``area_code`` is the place of registration, in the division codes of that time.
    """

    code: str
    register_body: str
    kind: str
    area_code: str
    organisation_code: str


def organisation_check(prefix: str) -> str:
    """Return the check character of the first 8 characters of a GB 11714 organisation code.

    Examples
    --------
    >>> organisation_check("00000012")
    '3'
    """
    total = sum(int(w) * int(_ORG_VALUES[ord(c)]) for w, c in zip(_ORG_WEIGHTS, prefix, strict=True))
    return _ORG_CHECKS[(11 - total % 11) % 11]


def uscc_check(prefix: str) -> str:
    """Return the check character of the first 17 characters of a GB 32100 code ('0' for 0 mod 31)."""
    total = sum(int(w) * int(_USCC_VALUES[ord(c)]) for w, c in zip(_USCC_WEIGHTS, prefix, strict=True))
    return USCC_ALPHABET[(31 - total % 31) % 31]


def check_uscc(text: str) -> Uscc:
    """Check a unified social credit code: form, organisation code (GB 11714) and check character (GB 32100).

    Raises
    ------
    InvalidIdentifier
        The message names the part that is wrong.

    Examples
    --------
    >>> check_uscc("N2320623MA1TE5T0X3").area_code
    '320623'
    """
    what = f"social credit code {text!r}"
    if len(text) != 18:
        raise InvalidIdentifier(f"{what}: {len(text)} characters, not 18")
    wrong = [c for c in text if c not in USCC_ALPHABET]
    if wrong:
        raise InvalidIdentifier(
            f"{what}: character {wrong[0]!r} is not allowed (no I, O, S, V, Z, no lower case)"
        )
    if text[0] not in _REGISTER_BODIES:
        raise InvalidIdentifier(f"{what}: first character {text[0]!r} is no register body (1-9, A, N, Y)")
    if text[1] not in "123456789":
        raise InvalidIdentifier(f"{what}: second character {text[1]!r} is no kind (1-9)")
    if not text[2:8].isdigit():
        raise InvalidIdentifier(f"{what}: characters 3-8 are the six digits of the area")
    expected = organisation_check(text[8:16])
    if text[16] != expected:
        raise InvalidIdentifier(
            f"{what}: organisation code (GB 11714) ends in {text[16]!r}, should be {expected!r}"
        )
    expected = uscc_check(text[:17])
    if text[17] != expected:
        raise InvalidIdentifier(f"{what}: check character (GB 32100) is {text[17]!r}, should be {expected!r}")
    return Uscc(text, text[0], text[1], text[2:8], text[8:17])


def uscc_is_valid(codes: ArrayLike) -> NDArray[np.bool_]:
    """Return whether each of many codes passes :func:`check_uscc`.

    Parameters
    ----------
    codes : array_like of str, shape (n,)

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> uscc_is_valid(["913206000000001230", "913206000000001231"]).tolist()
    [True, False]
    >>> uscc_is_valid([]).tolist()
    []
    """
    texts = np.asarray(codes, dtype=np.str_).reshape(-1)
    if texts.size == 0:
        return np.zeros(0, dtype=bool)
    right_length = np.char.str_len(texts) == 18
    points = texts.astype("U18").view(np.uint32).reshape(-1, 18).astype(np.int64)
    points = np.where((points < 128) & right_length[:, None], points, 0)
    values = _USCC_VALUES[points]
    form = right_length & (values >= 0).all(axis=1) & _IS_BODY[points[:, 0]]
    form &= (values[:, 1] >= 1) & (values[:, 1] <= 9) & _IS_DIGIT[points[:, 2:8]].all(axis=1)
    organisation = (11 - (_ORG_VALUES[points[:, 8:16]] @ _ORG_WEIGHTS) % 11) % 11
    organisation_ok = points[:, 16] == np.array([ord(c) for c in _ORG_CHECKS])[organisation]
    check_ok = values[:, 17] == (31 - (values[:, :17] @ _USCC_WEIGHTS) % 31) % 31
    return np.asarray(form & organisation_ok & check_ok)


def make_uscc(area_code: str, serial: int, *, register_body: str = "9", kind: str = "1") -> str:
    """Build a valid code from a running number, for test and demo data.

    Parameters
    ----------
    area_code : str
        Six digits.
    serial : int
        0 to 31**8 - 1; written in the code's own alphabet as the organisation code's first 8 characters.
    register_body, kind : str
        First and second character.

    Raises
    ------
    InvalidIdentifier

    Examples
    --------
    >>> make_uscc("320600", 33)
    '913206000000001230'
    """
    if not 0 <= serial < 31**8:
        raise InvalidIdentifier(f"serial {serial}: outside 0..31**8-1")
    characters = []
    for _ in range(8):
        serial, rest = divmod(serial, 31)
        characters.append(USCC_ALPHABET[rest])
    organisation = "".join(reversed(characters))
    body = register_body + kind + area_code + organisation + organisation_check(organisation)
    if len(body) != 17 or any(c not in USCC_ALPHABET for c in body):
        raise InvalidIdentifier(
            f"cannot make a social credit code from {register_body!r}, {kind!r}, {area_code!r}"
        )
    return check_uscc(body + uscc_check(body)).code
