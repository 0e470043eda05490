"""Run of all sources of a city file: file by file, each a batch; or a look at what that would change."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from sqlalchemy.orm import Session

from geo_api.city_file import Source
from geo_api.imports.city_sources.contract_check import check_file, contract_of
from geo_api.imports.city_sources.source_files import SourceFiles
from geo_api.imports.city_sources.source_import import import_source_file
from geo_api.imports.file_digest import file_digest
from geo_api.imports.import_file import ImportReport, Progress
from layers.batches import BatchDifferences, BatchOrigin, differences_of_batch, find_same_file
from layers.city import city_in_force
from layers.codes import GridProfile
from layers.contracts import Findings
from layers.deliveries import accepted_rows
from layers.errors import InputError
from layers.postgres import SYSTEM, session

Outcome = Literal["imported", "same", "refused", "waits"]
Steps = Callable[[str], AbstractContextManager[Progress | None]]
"""Called with the title of a file: shows its progress."""


@dataclass(frozen=True)
class FileOutcome:
    """Outcome of one file.

    Attributes
    ----------
    source : Source
    path : Path
    outcome : {"imported", "same", "refused", "waits"}
        ``same``: imported before, with the same content and source; ``waits``: a source that goes first was refused.
    reason : str
        Of a file that was not imported; of the same one its batch.
    report : ImportReport or None
    differences : BatchDifferences or None
        Of a look at what would change.
    """

    source: Source
    path: Path
    outcome: Outcome
    reason: str = ""
    report: ImportReport | None = None
    differences: BatchDifferences | None = None


@dataclass(frozen=True)
class SourceRun:
    """Settings that all files of a run share.

    Attributes
    ----------
    url : str
        The database.
    folder : Path
        Of the city file.
    grid_profile : GridProfile
    actor : str
    steps : callable
    dry : bool
        Nothing is written: all files go into one transaction, which is taken back.
    despite_contracts : bool
        Import files that break their contracts, too; what they break is told.
    """

    url: str
    folder: Path
    grid_profile: GridProfile
    actor: str
    steps: Steps = lambda _: nullcontext()
    dry: bool = False
    despite_contracts: bool = False


def import_sources(run: SourceRun, sources: list[Source], files: SourceFiles) -> Iterator[FileOutcome]:
    """Import the files of the sources in their order and yield what came of each.

    A refused file leaves everything as it was before it; sources that come ``after`` its source are not tried.
    """
    refused: set[str] = set()
    with session(SYSTEM, run.url) if run.dry else nullcontext() as db, TemporaryDirectory() as nowhere:
        for source in sources:
            for path in files.by_source.get(source.name, []):
                if before := sorted(refused & {*source.after}):
                    outcome = FileOutcome(source, path, "waits", ", ".join(before))
                    refused.add(source.name)
                else:
                    outcome = _import_one(run, source, path, db, Path(nowhere))
                if outcome.outcome == "refused":
                    refused.add(source.name)
                yield outcome
        if db is not None:
            db.rollback()


def _import_one(run: SourceRun, source: Source, path: Path, db: Session | None, nowhere: Path) -> FileOutcome:
    digest = source_digest(source, run.folder)
    if (batch := _same_batch(run.url, source, path, digest)) is not None:
        return FileOutcome(source, path, "same", str(batch))
    title = f"{source.name} · {path.name}"
    try:
        broken = _broken_rules(run, source, path)
        if broken.holds and not run.despite_contracts:
            return FileOutcome(source, path, "refused", broken.told())
        with run.steps(title) as progress:
            with nullcontext() if db is None else db.begin_nested():
                report = import_source_file(
                    source,
                    path,
                    run.folder,
                    origin={"source_digest": digest},
                    url=run.url,
                    actor=run.actor,
                    grid_profile=run.grid_profile,
                    progress=progress,
                    db=db,
                    outputs=nowhere if run.dry else None,
                )
            if broken.counts:
                report = replace(report, notes=[*report.notes, broken.told()])
            if db is None:
                return FileOutcome(source, path, "imported", report=report)
            metric = city_in_force().metric_epsg
            found = differences_of_batch(db, report.batch_id, source.kind, metric)
            if source.kind == "tracks":
                found = replace(found, new=report.written.inserted)
            return FileOutcome(source, path, "imported", report=report, differences=found)
    except InputError as error:
        return FileOutcome(source, path, "refused", str(error))


def _broken_rules(run: SourceRun, source: Source, path: Path) -> Findings:
    """Return what the contract of a source says of a file; without a contract nothing."""
    if source.contract is None:
        return Findings()
    with session(SYSTEM, run.url) as db:
        rows_before = accepted_rows(db, source.name)
    contract = contract_of(source, run.folder)
    return check_file(path, source, contract, run.folder, rows_before, dt.datetime.now(dt.UTC))


def source_digest(source: Source, folder: Path) -> str:
    """Return a digest of what a source says, of its contract and of the tables in which it looks values up."""
    digest = hashlib.sha256(source.model_dump_json(exclude={"order", "after", "files"}).encode())
    for lookup in source.column_map(folder).lookups.values():
        for table in lookup.tables:
            digest.update((file_digest(table) or "").encode())
    if source.contract is not None:
        digest.update((file_digest(folder / source.contract) or "").encode())
    return digest.hexdigest()


def _same_batch(url: str, source: Source, path: Path, digest: str) -> int | None:
    """Return the batch in force of the same file, read in the same way."""
    origin = BatchOrigin(source.kind, "file", "", sha256=file_digest(path))
    with session(SYSTEM, url) as db:
        same = find_same_file(db, origin)
        return same.id if same is not None and same.options.get("source_digest") == digest else None
