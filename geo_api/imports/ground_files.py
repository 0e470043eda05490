"""From a file of roads, waterways or buildings to its table, part by part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from sqlalchemy.orm import Session

from layers.errors import Fault, InputError, RejectedRows
from layers.ground import GroundChecks, GroundFile, open_ground_file, renew_statistics, write_ground
from layers.postgres import WriteCounts

MAX_FAULTS = 10_000
"""Faults of one file that are kept; a file with more has another trouble than its rows."""


@dataclass
class GroundImport:
    """Result of the import of one file; ``rejected`` has row numbers and reasons of the rejected rows."""

    rows: int = 0
    written: WriteCounts = field(default_factory=WriteCounts)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def rejected(self) -> pl.DataFrame:
        """Left-out rows by number, field and reason."""
        columns = {"row": pl.Int64, "field": pl.Utf8, "reason": pl.Utf8, "value": pl.Utf8}
        return pl.DataFrame([(f.row, f.field, f.reason, f.value) for f in self.faults], columns, orient="row")


def import_ground(
    db: Session,
    path: Path,
    layer: str,
    crs: str,
    *,
    indicative: bool,
    skip_bad: bool,
    of_layer: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> GroundImport:
    """Import one file into a layer of the ground.

    Without ``skip_bad`` a wrong row leaves everything as it was.

    Raises
    ------
    InputError
        The file is not what it should be, or has nothing of that layer.
    RejectedRows
    """
    done, checks = GroundImport(), GroundChecks(layer, crs)
    with open_ground_file(path, layer, crs, of_layer) as file:
        for frame, shapes in file.parts():
            checked = checks.check(frame, shapes)
            done.faults += checked.faults
            done.rows += frame.height
            if done.faults and not skip_bad:
                if len(done.faults) >= MAX_FAULTS:
                    break
            elif not checked.good.is_empty():
                done.written += write_ground(db, layer, checked.good, indicative=indicative)
            if progress:
                progress(done.rows, max(file.rows, done.rows))
        _refuse(done, file, skip_bad)
    done.notes += [*file.notes(), *checks.notes(file.has_ids)]
    renew_statistics(db, layer)
    return done


def _refuse(done: GroundImport, file: GroundFile, skip_bad: bool) -> None:
    if done.faults and not skip_bad:
        raise RejectedRows(file.path.name, done.faults)
    if not done.rows:
        raise InputError(f"{file.path.name}: has no {file.layer} 文件中没有此类要素")
