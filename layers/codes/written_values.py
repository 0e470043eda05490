"""Values as people write them: days in their usual forms, wide digits, blanks that nobody sees, numbers for codes."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

BLANKS = " \t\r\n\u00a0\u2002\u2003\u2009\u200b\u3000\ufeff"
"""What is taken off both ends of a value."""
CHINESE_ENCODING = "gb18030"
"""What text is in that is not UTF-8 and does not say."""
_DAY = re.compile(
    r"(\d{4})(?:[-/.]|年\s*)(\d{1,2})(?:[-/.]|月\s*)(\d{1,2})日?(?:[T ]\d{1,2}:\d{2}.*)?", re.DOTALL
)
_DIGITS = re.compile(r"(\d{4})(\d{2})(\d{2})")
_SERIAL = re.compile(r"\d{5}(?:\.0+)?")
_SERIAL_ZERO = dt.date(1899, 12, 30)


def plain_text(value: object) -> str | None:
    """A value as text without blanks at its ends; whole numbers without a decimal point; None when nothing is left.

    Examples
    --------
    >>> plain_text(320601.0), plain_text("　甲镇 "), plain_text(float("nan"))
    ('320601', '甲镇', None)
    """
    if value is None or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip(BLANKS) or None


def narrow(text: str) -> str:
    """Wide (full-width) digits, letters and punctuation as ASCII: for codes, numbers and days, not for names.

    Examples
    --------
    >>> narrow("３２０６０１"), narrow("２０２４－０３－０１")
    ('320601', '2024-03-01')
    """
    return unicodedata.normalize("NFKC", text).strip(BLANKS)


def iso_day(text: str, *, serial: bool = False) -> str | None:
    """A day as ``YYYY-MM-DD``, or None when it is none; the year comes first, so that nothing is guessed.

    Parameters
    ----------
    text : str
        ``2024-03-01``, ``2024/3/1``, ``2024.3.1``, ``2024年3月1日``, ``20240301``, also with a time behind.
    serial : bool
        Five digits are a day of a spreadsheet, counted from 1899-12-30.

    Examples
    --------
    >>> iso_day("2024年3月1日"), iso_day("2024.3.1"), iso_day("45352", serial=True), iso_day("1/3/2024")
    ('2024-03-01', '2024-03-01', '2024-03-01', None)
    """
    written = narrow(text)
    try:
        if serial and _SERIAL.fullmatch(written):
            return (_SERIAL_ZERO + dt.timedelta(days=int(float(written)))).isoformat()
        found = _DAY.fullmatch(written) or _DIGITS.fullmatch(written)
        return dt.date(*map(int, found.groups())).isoformat() if found else None
    except (ValueError, OverflowError):
        return None
