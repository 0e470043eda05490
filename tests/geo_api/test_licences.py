"""Licences: imported for an enterprise or one site, read for a day, shown on the card, taken back."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from geo_api.imports.import_file import ImportReport, import_file
from layers.batches import undo_batch
from layers.codes import make_uscc
from layers.errors import RejectedRows
from layers.postgres import SYSTEM, session
from layers.records import enterprises
from tests.support.enterprises import insert_enterprise, insert_site
from tests.support.row_digests import differing_tables, row_digests

HEADER = "uscc,site_id,licence_kind,number,valid_from,valid_to,note"
USCC, OTHER = make_uscc("320601", 1), make_uscc("320601", 2)


@pytest.fixture
def url(fresh_database: str) -> str:
    with session(SYSTEM, fresh_database) as db:
        first = insert_enterprise(db, USCC, status="closed", hazard="chemical")
        insert_site(db, first, "S-1", 120.8, 32.0)
        insert_site(db, first, "S-2", 120.9, 32.0)
        insert_site(db, insert_enterprise(db, OTHER, name="另一厂"), "S-3", 121.0, 32.0)
    return fresh_database


def load(url: str, folder: Path, *rows: str) -> ImportReport:
    path = folder / "licences.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return import_file("licences", path, url=url)


def test_a_licence_holds_for_one_site_or_for_all_of_the_enterprise(url: str, tmp_path: Path) -> None:
    report = load(
        url, tmp_path, ",S-1,危险储存,储-1,2026-01-01,2027-01-01,", f"{USCC},,生产,产-1,2025-06-01,,安全生产许可",
        f"{OTHER},S-3,fishing,捕-1,2026-05-01,,",
    )  # fmt: skip
    assert report.written.inserted == 3
    with session(SYSTEM, url) as db:
        rows = enterprises.read_licences(db, dt.date(2026, 4, 30)).rows()
    assert rows == [
        ("S-1", USCC, "hazardous_storage", "储-1", dt.date(2026, 1, 1), dt.date(2027, 1, 1)),
        ("S-1", USCC, "production", "产-1", dt.date(2025, 6, 1), None),
        ("S-2", USCC, "production", "产-1", dt.date(2025, 6, 1), None),
    ]
    with session(SYSTEM, url) as db:
        assert enterprises.read_licences(db, dt.date(2025, 5, 31)).is_empty()


def test_again_corrected_and_taken_back(url: str, tmp_path: Path) -> None:
    rows = ",S-1,waste,W-1,2026-01-01,2027-01-01,", f"{USCC},,production,P-1,2026-01-01,,"
    load(url, tmp_path, *rows)
    assert load(url, tmp_path, *rows).written.unchanged == 2
    before = row_digests(url)
    report = load(
        url, tmp_path, ",S-1,waste,W-1,2026-01-01,2026-06-01,吊销", f"{OTHER},,other,O-1,2026-01-01,,"
    )
    assert (report.written.updated, report.written.inserted) == (1, 1)
    with session(SYSTEM, url) as db:
        undo_batch(db, report.batch_id, by="test", now=dt.datetime.now(dt.UTC))
    assert differing_tables(before, row_digests(url)) == []


@pytest.mark.parametrize(
    ("row", "field", "reason"),
    [
        (",,production,P,2026-01-01,,", "uscc", "neither"),
        (",S-9,production,P,2026-01-01,,", "site_id", "unknown site"),
        (f"{OTHER},S-1,production,P,2026-01-01,,", "uscc", "another enterprise"),
        ("91990100MA1EXAMPL0,,production,P,2026-01-01,,", "uscc", ""),
        (",S-1,drinking,P,2026-01-01,,", "licence_kind", "not one of"),
        (",S-1,production,,2026-01-01,,", "number", "empty"),
    ],
)
def test_what_is_refused(url: str, tmp_path: Path, row: str, field: str, reason: str) -> None:
    with pytest.raises(RejectedRows) as refused:
        load(url, tmp_path, row)
    assert any(f.field == field and reason in f.reason for f in refused.value.faults), refused.value.faults
