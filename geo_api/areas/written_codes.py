"""Codes old and new of a change set as files: CSV and XLSX, in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Literal

import polars as pl

from grid.change_sets.history import CodeRow
from layers.exports import TableForm, table_file

CodesForm = Literal["json", "csv", "xlsx", "html"]
HEADS = {
    "old_code": "原编码 old_code",
    "old_name": "原名称 old_name",
    "new_code": "新编码 new_code",
    "new_name": "新名称 new_name",
    "kind": "类别 kind",
    "share": "占原面积 share",
}


def written_codes(rows: Sequence[CodeRow], form: TableForm) -> bytes:
    """Return the table as the bytes of a file; codes are text, a spreadsheet would round their 15 digits."""
    schema = {head: pl.Float64 if name == "share" else pl.String for name, head in HEADS.items()}
    cells = [{head: asdict(row)[name] for name, head in HEADS.items()} for row in rows]
    return table_file(pl.DataFrame(cells, schema=schema), form, sheet="变更对照表")
