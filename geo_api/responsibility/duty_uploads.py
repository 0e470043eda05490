"""Duty lists as they are sent: the bytes of a file, read and checked as an import reads them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from geo_api.imports.duty_files import DutyReport, read_duties
from grid.duty_proposals import ProposedFile
from grid.responsibility import Duty
from layers.errors import Fault, RejectedRows


@dataclass(frozen=True)
class UploadedList:
    """A checked list, and the file that it came from."""

    lines: list[Duty]
    file: ProposedFile


def read_upload(content: bytes, name: str, known_area_codes: list[str]) -> UploadedList:
    """Read and check a list; which kind of file it is the content says.

    Raises
    ------
    layers.errors.InputError
        It cannot be read.
    layers.errors.RejectedRows
        Each wrong line with column and reason, and what is wrong with the list as a whole.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "duties"
        path.write_bytes(content)
        report = read_duties(path, known_area_codes or None)
    return checked_list(report, name, hashlib.sha256(content).hexdigest())


def checked_list(report: DutyReport, name: str, sha256: str) -> UploadedList:
    """Return a list that was read, when it has no fault.

    Raises
    ------
    layers.errors.RejectedRows
    """
    faults = [*report.rows]
    for fault in report.whole:
        row = fault.lines[0] if fault.lines else 0
        faults.append(Fault(row, fault.rule, f"{fault} {fault.zh}"))
    if faults:
        raise RejectedRows(name, faults)
    return UploadedList(report.duties, ProposedFile(name, sha256))
