"""Parsing of CQL2 filters (text or JSON) into the tree of CQL2 JSON; faults have a position."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import cql2

from layers.errors import InvalidFilter

Language = Literal["cql2-text", "cql2-json"]
Tree = Any
"""Value of CQL2 JSON: object, array, text, number, boolean or null."""

MAX_CHARACTERS = 8_000
MAX_DEPTH = 60
_UNARY_RUN = re.compile(r"(?:-\s*){8,}|(?:\bnot\b\s*){20,}", re.IGNORECASE)
_TEXT_PLACE = re.compile(r"-->\s*(\d+):(\d+)")
_EXPECTED = re.compile(r"= (expected .*)", re.DOTALL)
_LITERALS = re.compile(r"'(?:''|\\'|[^'])*'|\"[^\"]*\"")
"""Texts and quoted names.

A quotation mark in a text is written twice or behind a backslash (``escapeQuote``).
"""


class FilterText:
    """Text of a filter, for the positions of faults in it."""

    def __init__(self, text: str, language: Language = "cql2-text") -> None:
        self.text = text
        self.language = language

    def fault(self, reason: str, token: str | None = None, index: int | None = None) -> InvalidFilter:
        """Return the error with line and column of ``index``, else of the first occurrence of ``token``."""
        at = index if index is not None else max(self.text.find(token), 0) if token else 0
        line = self.text.count("\n", 0, at) + 1
        column = at - (self.text.rfind("\n", 0, at) + 1) + 1
        place = {"line": line, "column": column}
        return InvalidFilter(f"filter: line {line}, column {column}: {reason}", position=place)

    def read(self) -> Tree:
        """Parse the filter into a tree.

        Raises
        ------
        InvalidFilter
            With ``position``.
        """
        if len(self.text) > MAX_CHARACTERS:
            raise self.fault(f"longer than {MAX_CHARACTERS} characters", index=MAX_CHARACTERS)
        if "\x00" in self.text:
            raise self.fault("a null character is not allowed", "\x00")
        return self._read_json() if self.language == "cql2-json" else self._read_text()

    def _read_json(self) -> Tree:
        try:
            tree = json.loads(self.text, parse_constant=self._refuse_constant)
        except json.JSONDecodeError as error:
            raise self.fault(error.msg, index=error.pos) from error
        except RecursionError as error:
            raise self.fault("nested too deeply") from error
        return tree

    def _refuse_constant(self, name: str) -> None:
        raise self.fault(f"{name} is not JSON", name)

    def _read_text(self) -> Tree:
        self._check_nesting()
        try:
            return cql2.parse_text(_with_doubled_quotes(self.text)).to_json()
        except cql2.ParseError as error:
            raise self._syntax(str(error)) from error
        except BaseException as error:  # a panic of the parser is no Exception
            if type(error).__name__ not in ("PanicException", "ValidationError", "ValueError", "TypeError"):
                raise
            raise self.fault("cannot be read") from error

    def _check_nesting(self) -> None:
        """Reject deep nesting, which would end the process in the recursive parser."""
        depth = 0
        bare = _LITERALS.sub(lambda match: " " * len(match.group()), self.text)
        for index, character in enumerate(bare):
            depth += (character in "([") - (character in ")]")
            if depth > MAX_DEPTH:
                raise self.fault(f"nested more than {MAX_DEPTH} deep", index=index)
        if run := _UNARY_RUN.search(self.text):
            raise self.fault("too many signs in a row", index=run.start())

    def _syntax(self, message: str) -> InvalidFilter:
        reason = _EXPECTED.search(message)
        shown = " ".join(reason.group(1).split()) if reason else "not CQL2"
        place = _TEXT_PLACE.search(message)
        if place is None:
            return self.fault(shown)
        lines = self.text.split("\n")
        index = sum(len(line) + 1 for line in lines[: int(place.group(1)) - 1]) + int(place.group(2)) - 1
        return self.fault(shown, index=min(index, len(self.text)))


def _with_doubled_quotes(text: str) -> str:
    """Write escaped quotation marks in the one way that the parser knows; positions stay as they are."""
    return _LITERALS.sub(lambda match: match.group().replace("\\'", "''"), text)
