"""Duty lists (权责清单) from CSV, XLSX and Parquet files: checked line by line and as a whole."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import openpyxl
import polars as pl

from grid.duties import Duty, DutyFault, check_list
from layers import checks, files
from layers.columns import FILE_KINDS
from layers.errors import Fault, InputError

DUTIES = FILE_KINDS["duties"]
CHINESE = {column.zh: column.name for column in DUTIES.columns}
"""Headers in Chinese are read too."""


@dataclass
class DutyReport:
    """What a file holds and what is wrong with it.

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
        """Whether nothing is wrong."""
        return not self.rows and not self.whole


def read_duties(path: Path, known_area_codes: list[str] | None = None) -> DutyReport:
    """Read and check a duty list.

    Parameters
    ----------
    path : Path
        CSV, Parquet, or the first sheet of an XLSX file; headers as in the import or in Chinese.
    known_area_codes : list of str, optional
        Areas that are loaded.

    Raises
    ------
    layers.errors.InputError
        The file cannot be read, or columns are missing.
    """
    report = DutyReport()
    with as_table(path) as table:
        for batch in files.read_batches(table, DUTIES):
            checked = checks.check_frame(batch, DUTIES, now=dt.datetime.now(dt.UTC))
            report.rows += checked.faults
            names = [column.name for column in DUTIES.columns]
            good = checked.good.select(files.ROW, *names)
            report.duties += [Duty(*row) for row in good.iter_rows()]
    report.rows.sort(key=lambda fault: fault.row)
    report.whole = check_list(report.duties, known_area_codes)
    return report


@contextmanager
def as_table(path: Path) -> Iterator[Path]:
    """The path of a CSV or Parquet file with the columns' own names; an XLSX file is rewritten for the time being.

    Raises
    ------
    layers.errors.InputError
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    if path.suffix.lower() == ".parquet":
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / f"{path.stem}.csv"
        rows = _sheet(path) if path.suffix.lower() in (".xlsx", ".xlsm") else _csv(path)
        rows.rename({name: CHINESE[name] for name in rows.columns if name in CHINESE}).write_csv(target)
        yield target


def _csv(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False, encoding="utf8")
    except Exception as error:
        raise InputError(f"{path}: not a readable UTF-8 CSV file ({error})") from error


def _sheet(path: Path) -> pl.DataFrame:
    try:
        sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets[0]
        rows = [[_text(value) for value in row] for row in sheet.iter_rows(values_only=True)]
    except Exception as error:
        raise InputError(f"{path}: not a readable XLSX file ({error})") from error
    rows = [row for row in rows if any(row)]
    if not rows:
        raise InputError(f"{path}: the first sheet is empty")
    header = [name or f"column_{i}" for i, name in enumerate(rows[0])]
    columns = {name: [row[i] for row in rows[1:]] for i, name in enumerate(header)}
    return pl.DataFrame(columns, schema=dict.fromkeys(header, pl.Utf8))


def _text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):
        return value.date().isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None
