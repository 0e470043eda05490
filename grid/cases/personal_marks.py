"""Marks of persons in texts: plates, phones, numbers of identity cards, exact addresses, names with a title.

A text in which one is found is not published. The search looks through full-width letters, blanks and signs between
digits, and invisible characters, by which such marks are hidden from a plain pattern.
"""

from __future__ import annotations

import re
import unicodedata

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使领"
_BETWEEN = r"[\s\-–—_.·•,，、/()（）]*"
_PATTERNS = {
    "plate": re.compile(
        rf"[{_PROVINCES}]{_BETWEEN}[A-Z]{_BETWEEN}(?:[A-Z0-9学警港澳挂]{_BETWEEN}){{4,6}}", re.IGNORECASE
    ),
    "identity number": re.compile(rf"(?<!\d)(?:\d{_BETWEEN}){{14,18}}[\dX](?![\dA-Z])", re.IGNORECASE),
    "phone": re.compile(rf"(?<!\d)(?:\+?86{_BETWEEN})?(?:1{_BETWEEN}[3-9]{_BETWEEN}(?:\d{_BETWEEN}){{8}}\d|"
                        rf"(?:0{_BETWEEN}\d{_BETWEEN}(?:\d{_BETWEEN}){{1,2}})?[2-8](?:{_BETWEEN}\d){{6,7}})(?!\d)"),
    "mail address": re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+"),
    "exact address": re.compile(
        r"(?:[\d一二三四五六七八九十百]+|[甲乙丙丁])\s*(?:号|幢|栋|单元|室|弄|组|户)(?!(?:线|令|文))"
    ),
    "name of a person": re.compile(r"先生|女士|小姐|姓名|当事人|法定代表人|身份证|车牌"),
}  # fmt: skip


def personal_marks(text: str) -> list[str]:
    """Return the kinds of marks that a text holds, in the order of the table.

    Examples
    --------
    >>> personal_marks("疑似非法复工"), personal_marks("苏 F·A１２３４ 停靠"), personal_marks("联系 138-0000-1111")
    ([], ['plate'], ['phone'])
    >>> personal_marks("3206\u200b01 19800101 123x")[0], personal_marks("人民路12号3室")
    ('identity number', ['exact address'])
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(letter for letter in plain if unicodedata.category(letter) not in ("Cf", "Cc", "Mn"))
    return [name for name, pattern in _PATTERNS.items() if pattern.search(plain)]
