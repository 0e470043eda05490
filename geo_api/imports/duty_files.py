"""Duty lists (权责清单) from CSV, XLSX and Parquet files: checked line by line and as a whole."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from geo_api.imports.written_tables import open_table
from grid.responsibility import Duty, DutyFault, check_list
from layers.errors import Fault
from layers.imports import FILE_KINDS, checks
from layers.imports import readers as files

DUTIES = FILE_KINDS["duties"]


@dataclass
class DutyReport:
    """Content of a duty list and its faults.

    Attributes
    ----------
    duties : list of Duty
        Lines without a fault of their own; ``id`` is the row in the file.
    rows : list of Fault
        Faults of single rows.
    whole : list of DutyFault
        Faults that lines have together.
    """

    duties: list[Duty] = field(default_factory=list)
    rows: list[Fault] = field(default_factory=list)
    whole: list[DutyFault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Return whether there is no fault."""
        return not self.rows and not self.whole


def read_duties(path: Path, known_area_codes: list[str] | None = None) -> DutyReport:
    """Read and check a duty list.

    Parameters
    ----------
    path : Path
        A file of any format of tables; headers as in the import or in Chinese.
    known_area_codes : list of str, optional
        Areas that are loaded.

    Raises
    ------
    layers.errors.InputError
        The file cannot be read, or columns are missing.
    """
    report = DutyReport()
    with open_table(path, DUTIES) as table:
        for batch in files.read_batches(table.path, DUTIES):
            checked = checks.check_frame(batch, DUTIES, now=dt.datetime.now(dt.UTC))
            checks.check_texts(checked, DUTIES)
            checked.take(table.take_faults(checked.frame))
            report.rows += checked.faults
            good = checked.good.select(files.ROW, *(column.name for column in DUTIES.columns))
            report.duties += [Duty(*row) for row in good.iter_rows()]
        report.rows += table.take_faults()
    report.rows.sort(key=lambda fault: fault.row)
    report.whole = check_list(report.duties, known_area_codes)
    return report


def check_duties(checked: checks.CheckedFrame) -> None:
    """Reject what must not be stored.

    The faults of a spreadsheet, and a line that ends before it begins.
    """
    checks.check_texts(checked, DUTIES)
    begin, end = checked.frame["valid_from"], checked.frame["valid_to"]
    checked.reject((end <= begin).fill_null(False), "valid_to", "not after valid_from 止日不晚于起日")
