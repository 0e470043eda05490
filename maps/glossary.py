"""Names of codes in both languages: ``glossary.json``, which the console and docs/glossary.md read too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any, Literal

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


@lru_cache
def glossary() -> Mapping[str, Any]:
    """Return the whole file: groups with their title and their terms by code."""
    text = (resources.files("maps") / "glossary.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def names(group: str, code: object) -> dict[Language, str]:
    """Return the name of a code in each language; a code that the glossary lacks stands as it came.

    Examples
    --------
    >>> names("level", "high")
    {'zh': '高', 'en': 'High'}
    >>> names("level", "new"), names("level", None)
    ({'zh': 'new', 'en': 'new'}, {'zh': '–', 'en': '–'})
    """
    if code is None or code == "":
        return {"zh": "–", "en": "–"}
    found = glossary()[group]["terms"].get(str(code))
    return {language: found[language] if found else str(code) for language in LANGUAGES}


def term(group: str, code: object, language: Language) -> str:
    """Return the name of a code in one language.

    Examples
    --------
    >>> term("state", "filed", "zh"), term("state", "filed", "en")
    ('已立案', 'Filed')
    """
    return names(group, code)[language]
