"""Rows of a delivered file that a stored row came from: found again in the kept file by its key."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from geo_api.city_file import Source
from geo_api.imports.source_parts import Choice
from geo_api.imports.written_tables import open_table
from geo_api.sources.configured import SourcesSetup
from layers.codes import iso_day
from layers.errors import InputError
from layers.imports import FILE_KINDS, ROW
from layers.imports.readers import read_batches
from layers.tables import Delivery

MOST = 20


def rows_in_file(
    setup: SourcesSetup, source: Source, delivery: Delivery, key: Mapping[str, str]
) -> list[int]:
    """Return the numbers of the rows of a delivery with the values of a key, from 1 below the header.

    Empty: the file is not kept any more, or its columns do not hold the key as it is stored.
    """
    path = setup.kept_file(delivery.id, delivery.file_name)
    kind = FILE_KINDS[delivery.kind]
    if not path.is_file():
        return []
    rows: list[int] = []
    choice = Choice(source.layer, source.sheet)
    try:
        with open_table(path, kind, choice, source.column_map(setup.city_folder)) as table:
            for frame in read_batches(table.path, kind):
                if not set(key) <= set(frame.columns):
                    return []
                same = [_same(frame[name], value) for name, value in key.items()]
                rows += frame.filter(pl.all_horizontal(same))[ROW].to_list()
                if len(rows) >= MOST:
                    break
    except InputError:
        return []
    return rows[:MOST]


def _same(values: pl.Series, value: str) -> pl.Series:
    """Return where a column holds a value; days as they are written otherwise, too."""
    texts = values.cast(pl.Utf8).str.strip_chars()
    day = iso_day(value)
    if day is None:
        return (texts == value).fill_null(False)
    written = {text for text in texts.drop_nulls().unique().to_list() if iso_day(text) == day}
    return texts.is_in(sorted(written)).fill_null(False)
