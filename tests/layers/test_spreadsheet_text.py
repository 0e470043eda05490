"""Text cells: one rule in Python, polars, Arrow and SQL; one apostrophe taken away gives the text back."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Text, column, literal, select, values
from sqlalchemy.orm import Session

from layers.exports.spreadsheet_text import arrow_cells, as_cells, spreadsheet_text, sql_cell
from tests.support.long_runs import examples

TEXTS = ["=1+1", "+1+1", "-1-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''@", "'s-Gravenhage", "-5", "+8.5e3", "-.5", "1-2",
         "", "a=b", "=", "-", "甲镇", "＝1", "-5\n", "=HYPERLINK(\"http://x\")", "-2+3+cmd|' /C calc'!A0"]  # fmt: skip
SAFE = {"'s-Gravenhage", "-5", "+8.5e3", "-.5", "1-2", "", "a=b", "甲镇", "＝1"}
marks = st.text(st.sampled_from("=+-@'\t\r15.e甲 \n"), max_size=6)


def test_what_begins_a_formula_gets_an_apostrophe() -> None:
    for text in TEXTS:
        assert spreadsheet_text(text) == (text if text in SAFE else f"'{text}"), text


@given(text=marks)
@examples(200)
def test_a_cell_gives_the_text_back(text: str) -> None:
    cell = spreadsheet_text(text)
    assert cell in (text, f"'{text}")
    assert (cell[:1] not in tuple("=@\t\r") and spreadsheet_text(cell) != text) or cell == text


def test_two_texts_never_have_one_cell() -> None:
    texts = [
        a + b + c
        for a in ("", "'", "''", "=", "-")
        for b in ("", "'", "=", "-", "1", "x")
        for c in ("", "1", "'")
    ]
    assert len({spreadsheet_text(text) for text in texts}) == len(set(texts))


def test_all_four_are_the_same(db: Session) -> None:
    wanted = [spreadsheet_text(text) for text in TEXTS]
    frame = as_cells(pl.DataFrame({"a": TEXTS}))
    assert frame["a"].to_list() == wanted
    assert arrow_cells(pa.chunked_array([TEXTS])).to_pylist() == wanted
    assert arrow_cells(pa.chunked_array([[1, -2]])).to_pylist() == [1, -2]
    rows = values(column("i"), column("a", Text), name="t").data(list(enumerate(TEXTS)))
    found = db.execute(select(sql_cell(rows.c.a)).order_by(rows.c.i)).scalars().all()
    assert list(found) == wanted
    assert db.scalar(select(sql_cell(literal(None, Text)))) is None
