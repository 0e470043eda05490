"""Text cells of files for spreadsheets, of which none is taken for a formula.

A text that begins with ``=``, ``+``, ``-``, ``@``, a tab or a carriage return gets an apostrophe in front; so
does one that has apostrophes before such a character. One apostrophe taken away gives the text back. Numbers
stay numbers. Where a program opens the file by itself a code of digits can be written as ``="0320"``: it stays a text.
"""

from __future__ import annotations

import re
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute
from sqlalchemy import Text, case, func, literal

FORMULA = r"^('*[=+\-@\t\r])"
NUMBER = r"^[+\-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+\-]?[0-9]+)?$"
_FIRST = ("=", "+", "-", "@", "\t", "\r", "'")


def spreadsheet_text(text: str) -> str:
    """Return a text as a cell.

    Examples
    --------
    >>> [spreadsheet_text(t) for t in ("=1+1", "-5", "+8.5e3", "'=x", "'s", "@a", "a=b")]
    ["'=1+1", '-5', '+8.5e3', "''=x", "'s", "'@a", 'a=b']
    """
    return text if re.fullmatch(NUMBER[1:-1], text) else re.sub(FORMULA, r"'\1", text)


def text_of_cell(cell: str) -> str:
    """Return the text that :func:`spreadsheet_text` wrote as a cell.

    Examples
    --------
    >>> [text_of_cell(cell) for cell in ("'=1+1", "-5", "''=x", "'s", '="0320"')]
    ['=1+1', '-5', "'=x", "'s", '0320']
    """
    if code := re.fullmatch(r'="([^"]*)"', cell):
        return code[1] if re.fullmatch(NUMBER[1:-1], code[1]) else cell
    return cell[1:] if cell.startswith("'") and re.match(FORMULA, cell) else cell


def as_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a frame whose text columns are cells."""
    texts = pl.col(pl.String)
    plain = texts.str.contains(NUMBER)
    return frame.with_columns(
        pl.when(plain).then(texts).otherwise(texts.str.replace(FORMULA, "'${1}")).name.keep()
    )


def arrow_cells(column: Any) -> Any:
    """Return a column of an Arrow table as cells; columns that are no text stay as they are."""
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return column
    compute = pyarrow.compute
    cells = compute.replace_substring_regex(column, pattern=FORMULA, replacement=r"'\1")
    return compute.if_else(compute.match_substring_regex(column, pattern=NUMBER), column, cells)


def sql_cell(text: Any, *, codes_as_text: bool = False) -> Any:
    """Return the expression of a text as a cell.

    The first character decides whether the rest is looked at. With ``codes_as_text`` a number is ``="0320"``.
    """
    if codes_as_text:
        code = literal('="', Text) + text + literal('"', Text)
        return case((text.op("~")(literal(NUMBER, Text)), code), else_=sql_cell(text))
    escaped = func.regexp_replace(text, literal(FORMULA, Text), literal(r"'\1", Text))
    risky = case((text.op("~")(literal(NUMBER, Text)), text), else_=escaped)
    return case((func.left(text, 1).in_(_FIRST), risky), else_=text)
