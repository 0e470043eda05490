"""Normalisation of values as people write them: days, full-width digits, invisible blanks, numeric codes."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

BLANKS = " \t\r\n\u00a0\u2002\u2003\u2009\u200b\u3000\ufeff"
"""Characters stripped from both ends of a value."""
CHINESE_ENCODING = "gb18030"
"""Encoding of text that is not UTF-8 and names no encoding."""
_DAY = re.compile(
    r"(\d{4})(?:[-/.]|年\s*)(\d{1,2})(?:[-/.]|月\s*)(\d{1,2})日?(?:[T ]\d{1,2}:\d{2}.*)?", re.DOTALL
)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}(?:\.0+)?")
_SERIAL_ZERO = dt.date(1899, 12, 30)


def plain_text(value: object) -> str | None:
    """Return a value as text without blanks at its ends; None when nothing is left.

    A whole number is written without a decimal point.

    Examples
    --------
    >>> plain_text(320601.0), plain_text("　甲镇 "), plain_text(float("nan"))
    ('320601', '甲镇', None)
    >>> plain_text(""), plain_text(None)
    (None, None)
    """
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip(BLANKS) or None


def name_and_code(name: str, code: str) -> str:
    """Return a name with its code behind it, in the brackets of the name's script.

    Examples
    --------
    >>> name_and_code("甲镇", "320601001"), name_and_code("Mitte", "110000001")
    ('甲镇（320601001）', 'Mitte (110000001)')
    """
    last = name[-1:]
    wide = bool(last) and unicodedata.east_asian_width(last) in "WF"
    return f"{name}（{code}）" if wide else f"{name} ({code})"


def to_half_width(text: str) -> str:
    """Convert full-width digits, letters and punctuation to ASCII.

    For codes, numbers and days, not for names.

    Examples
    --------
    >>> to_half_width("３２０６０１"), to_half_width("２０２４－０３－０１")
    ('320601', '2024-03-01')
    """
    return unicodedata.normalize("NFKC", text).strip(BLANKS)


def iso_day(text: str, *, serial: bool = False) -> str | None:
    """Return a written day as ``YYYY-MM-DD``, or None when the text is no day.

    The year must come first, because the order of day and month would be a guess.

    Parameters
    ----------
    text : str
        ``2024-03-01``, ``2024/3/1``, ``2024.3.1``, ``2024年3月1日``, ``20240301``, also followed by a time.
    serial : bool
        Read five digits as a day of a spreadsheet, counted from 1899-12-30.

    Examples
    --------
    >>> iso_day("2024年3月1日"), iso_day("2024.3.1"), iso_day("45352", serial=True), iso_day("1/3/2024")
    ('2024-03-01', '2024-03-01', '2024-03-01', None)
    >>> iso_day("") is None
    True
    """
    written = to_half_width(text)
    try:
        if serial and _SERIAL.fullmatch(written):
            return (_SERIAL_ZERO + dt.timedelta(days=int(float(written)))).isoformat()
        found = _DAY.fullmatch(written) or _DIGITS.fullmatch(written)
        return dt.date(*map(int, found.groups())).isoformat() if found else None
    except (ValueError, OverflowError):
        return None
