"""Check of a file by the contract of its source, through the one reader of files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from geo_api.city_file import Source
from geo_api.imports.source_parts import Choice
from geo_api.imports.written_tables import open_table
from layers.contracts import Contract, Findings, RowChecks, judge_delivery, read_contract
from layers.errors import InputError, RejectedRows
from layers.ground import GROUND_LAYERS
from layers.imports import FILE_KINDS
from layers.imports.readers import read_batches
from layers.local_time import local_zone

ROWS_AT_ONCE = 200_000
SHAPES = ("areas", *GROUND_LAYERS)
"""Kinds whose files are read as shapes: without a contract their import alone checks them."""


def contract_of(source: Source, folder: Path) -> Contract:
    """Return the contract of a source; without a file one that promises nothing.

    Raises
    ------
    layers.errors.InputError
        The file of the contract cannot be read.
    """
    if source.contract is None:
        return Contract()
    return read_contract(folder / source.contract, FILE_KINDS[source.kind])


def check_file(
    path: Path, source: Source, contract: Contract, folder: Path, rows_before: Sequence[int], now: dt.datetime
) -> Findings:
    """Return what a contract says of a file.

    Parameters
    ----------
    folder : Path
        Folder of ``city.toml``, for the tables that columns are looked up in.
    rows_before : sequence of int
        Rows of the deliveries that were accepted before, newest first.
    """
    kind = FILE_KINDS[source.kind]
    zone = ZoneInfo(source.tz) if source.tz else local_zone()
    checks = RowChecks(contract, kind, zone)
    if source.kind in SHAPES and not contract.fields:
        return checks.findings
    try:
        choice = Choice(source.layer, source.sheet)
        with open_table(path, kind, choice, source.column_map(folder)) as table:
            checks.findings.notes += table.notes
            checks.take(table.faults)
            for frame in read_batches(table.path, kind, batch_rows=ROWS_AT_ONCE):
                checks.check(frame)
    except InputError as error:
        return unreadable(checks.findings, error)
    findings = checks.finish()
    judge_delivery(contract, findings, checks.newest, rows_before, now, zone)
    return findings


def unreadable(findings: Findings, error: InputError) -> Findings:
    """Add the reason for which a file cannot be read or imported; faults of rows one by one."""
    if isinstance(error, RejectedRows):
        for fault in error.faults:
            findings.add([fault.row], 1, fault.field, "import", "hold", fault.reason, fault.reason)
    else:
        findings.add([0], 1, "", "shape", "hold", str(error), str(error))
    return findings
