"""One finding of ``wangge check``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``mend`` says what to do when ``ok`` is false."""

    name: str
    ok: bool
    detail_en: str
    detail_zh: str
    mend: str = ""
