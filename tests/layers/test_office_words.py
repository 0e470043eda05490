"""Words of offices for the values of choices: taken as the domain means them, and named in a refusal."""

from __future__ import annotations

import pytest

from layers.errors import NOT_A_CHOICE, Fault, RejectedRows
from layers.imports import FILE_KINDS
from layers.imports.names import VALUE_NAMES, words_of

OFFICE_WORDS = (
    ("areas", "kind", "城市", "city"),
    ("areas", "kind", "村社区", "community"),
    ("enterprises", "hazard", "化学", "chemical"),
    ("enterprises", "status", "已关停", "closed"),
    ("sites", "kind", "登记", "registered"),
    ("vehicles", "kind", "危险品", "hazmat"),
    ("vehicles", "kind", "客运", "coach"),
    ("places", "kind", "许可停车场", "licensed_parking"),
    ("notices", "kind", "复工许可", "permit"),
    ("notices", "kind", "拆除", "dismantling"),
    ("enterprises", "status", "拆除", "dismantled"),
    ("notices", "kind", "土壤修复", "remediation"),
    ("duties", "level", "乡镇级", "town"),
)
"""From deliveries that were written by hand after files of departments."""


@pytest.mark.parametrize(("kind", "column", "word", "value"), OFFICE_WORDS)
def test_a_word_of_an_office_is_taken(kind: str, column: str, word: str, value: str) -> None:
    (found,) = [one for one in FILE_KINDS[kind].columns if one.name == column]
    assert words_of(found).get(word) == value


def test_a_word_means_one_value_in_a_column() -> None:
    for kind in FILE_KINDS.values():
        for column in kind.columns:
            words = [word for value in column.choices for word in VALUE_NAMES.get(value, ())]
            assert len(words) == len(set(words)), (kind.name, column.name, sorted(words))


def test_a_refusal_names_every_unknown_word_with_its_rows() -> None:
    reason = f"{NOT_A_CHOICE} not one of a, b"
    faults = [Fault(row, "kind", reason, "甲" if row % 2 else "乙") for row in range(1, 31)]
    faults += [Fault(31, "level", reason, "丙"), Fault(32, "lon", "小于 below -180", "-200")]
    told = str(RejectedRows("f.csv", faults))
    assert "kind: 甲 × 15, 乙 × 15" in told and "level: 丙 × 1" in told
    assert "[sources.values.level]" in told and "-200 ×" not in told
