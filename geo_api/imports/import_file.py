"""From a file to its table: read, check, convert, write; all or nothing unless bad rows may be skipped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
from sqlalchemy.orm import Session

from geo_api.imports import duty_files, fence_files
from geo_api.imports.file_digest import file_digest
from geo_api.imports.ground_files import MAX_FAULTS, import_ground
from geo_api.imports.written_tables import as_parquet
from grid import registers
from grid.areas import cells_of, locate_fixes, read_areas
from grid.responsibility import check_stored
from layers.batches import BatchOrigin, begin_batch, find_same_file, finish_batch, record_failure
from layers.codes import (
    NATIONAL_GRID_PROFILE,
    GridProfile,
    check_declared_crs,
    normalise_crs_name,
    to_storage,
)
from layers.collections import settle_cells
from layers.errors import Fault, InputError, RejectedRows
from layers.exports import as_cells
from layers.ground import GROUND_LAYERS
from layers.imports import (
    FILE_KINDS,
    TILING_KINDS,
    checks,
    find_topology_faults,
    read_area_file,
    write_fault_report,
)
from layers.imports import readers as files
from layers.local_time import local_zone, zone_note
from layers.postgres import SYSTEM, WriteCounts, advisory_lock, session
from layers.records import add_calls, command_row, duty_lists, enterprises, fences, meters, tracks
from layers.records import areas as area_versions
from layers.tables import AREA_KINDS

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

TOLD = 50
"""Faults of topology that are told one by one; the file beside the import has all."""


@dataclass
class ImportReport:
    """Result of an import.

    Attributes
    ----------
    kind, source : str
    rows : int
        Rows read.
    written : WriteCounts
    faults : list of Fault
        Of rows that were skipped (only with ``skip_bad``).
    rejected : Path or None
        The file that holds the skipped rows with their reasons.
    notes : list of str
        What a person should know: faults of topology, of the duty list, vehicles that were not registered.
    folder : Path
        Where the file lies.
    batch_id : int
        Under which the import can be shown and undone.
    fixes : tuple of datetime or None
        First and last time of the fixes of the file.
    """

    kind: str
    source: str
    rows: int = 0
    written: WriteCounts = field(default_factory=WriteCounts)
    faults: list[Fault] = field(default_factory=list)
    rejected: Path | None = None
    notes: list[str] = field(default_factory=list)
    folder: Path = Path()
    batch_id: int = 0
    fixes: tuple[dt.datetime, dt.datetime] | None = None

    @property
    def skipped(self) -> int:
        """Rows with a fault that were left out."""
        return len({fault.row for fault in self.faults})

    def counts(self) -> dict[str, int]:
        """Return the counts that the batch stores."""
        written = self.written
        return {
            "rows": self.rows,
            "inserted": written.inserted,
            "updated": written.updated,
            "unchanged": written.unchanged,
            "skipped": self.skipped,
        }


def import_file(
    kind: str,
    path: Path,
    *,
    crs: str | None = None,
    skip_bad: bool = False,
    indicative: Collection[str] = (),
    progress: Progress | None = None,
    url: str,
    grid_profile: GridProfile = NATIONAL_GRID_PROFILE,
    now: dt.datetime | None = None,
    actor: str = "system",
    add_bodies: bool = False,
) -> ImportReport:
    """Import one file in one transaction, as one batch.

    Parameters
    ----------
    kind : str
        A key of ``layers.imports.columns.FILE_KINDS``.
    crs : str or None
        ``wgs84|cgcs2000|gcj02|bd09|EPSG:n``; needed for kinds with coordinates.
    indicative : collection of str
        Kinds of areas whose boundaries are no official ones, and layers of the ground that are invented.
    skip_bad : bool
        Write the good rows and put the bad ones into ``<file>.rejected.csv``, texts as cells of a
        spreadsheet.
    url : str
        The database.
    grid_profile : GridProfile
        How this installation codes its unit grids.
    actor : str
        Who imports it: told with the batch.
    add_bodies : bool
        Add bodies of a duty list that the register does not know, as unconfirmed entries.

    Raises
    ------
    layers.errors.InputError
        Nothing was written.
    """
    if kind not in FILE_KINDS:
        raise InputError(f"unknown kind {kind!r}: one of {', '.join(FILE_KINDS)}, all")
    if FILE_KINDS[kind].has_coordinates or kind in ("areas", *GROUND_LAYERS):
        crs = normalise_crs_name(checks.require_crs(crs))
    report = ImportReport(kind, path.name, folder=path.parent)
    kinds = AREA_KINDS if kind == "areas" else (kind,)
    options = {"crs": crs, "skip_bad": skip_bad, "indicative": [one for one in kinds if one in indicative]}
    origin = BatchOrigin(kind, "file", actor, file_name=path.name, sha256=file_digest(path), options=options)
    received = dt.datetime.now(dt.UTC)
    try:
        with session(SYSTEM, url) as db, advisory_lock(db, "import"):
            _note_same_file(db, origin, report)
            report.batch_id = begin_batch(db, origin, received)
            if kind == "areas":
                _import_areas(db, path, crs or "", indicative, report, grid_profile)
                _tell(progress, report.rows, report.rows)
            elif kind in GROUND_LAYERS:
                _import_ground(db, path, crs or "", kind in indicative, skip_bad, report, progress)
            else:
                with _as_table(kind, path, crs) as table:
                    _import_rows(db, table, report, crs, skip_bad, progress, now or received, add_bodies)
            if kind == "duties":
                report.notes += [f"{fault.rule}: {fault} {fault.zh}" for fault in check_stored(db)[:TOLD]]
            settle_cells(db)
            finish_batch(db, report.batch_id, report.counts(), report.fixes)
            add_calls(db, [_call_of(origin, report)])
    except InputError as error:
        if origin.sha256 is not None:
            record_failure(url, origin, received, str(error))
        raise
    return report


def _call_of(origin: BatchOrigin, report: ImportReport) -> dict[str, object]:
    """Return the row of the access log for an import from the command line."""
    return command_row(origin.actor, f"/imports/{report.batch_id}", {"kind": origin.kind, **report.counts()})


def _note_same_file(db: Session, origin: BatchOrigin, report: ImportReport) -> None:
    same = find_same_file(db, origin) if origin.sha256 else None
    if same is not None:
        at = f"{same.received_at:%Y-%m-%d %H:%M} UTC"
        report.notes.append(f"the same file was imported as batch {same.id} on {at} 同一文件已作为该批次导入")


def _as_table(kind: str, path: Path, crs: str | None) -> AbstractContextManager[Path]:
    """Return the file as CSV or Parquet with the columns' own names."""
    if kind == "duties" or kind in registers.KEYS:
        return as_parquet(path, FILE_KINDS[kind])
    if kind == "calendar":
        return as_parquet(path, FILE_KINDS[kind])
    return fence_files.as_table(path, crs or "") if kind == "fences" else nullcontext(path)


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress(done, total)


def _import_areas(
    db: Session,
    path: Path,
    crs: str,
    indicative: Collection[str],
    report: ImportReport,
    grid_profile: GridProfile,
) -> None:
    frame = read_area_file(path)
    report.rows = len(frame)
    check_declared_crs(frame.crs, crs, path.name)
    checked = checks.check_frame(_plain(frame), FILE_KINDS["areas"], now=dt.datetime.now(dt.UTC))
    faults = checked.faults + area_versions.check_geometries(frame, grid_profile)
    if faults:
        raise RejectedRows(path.name, sorted(faults, key=lambda fault: fault.row))
    moved = frame.copy()
    moved.geometry = gpd.GeoSeries(
        checks.transform_geometries(frame.geometry.to_numpy(), crs), index=frame.index
    )
    moved = moved.set_crs(4326, allow_override=True)
    west, south, east, north = moved.total_bounds
    if not (
        np.isfinite(moved.total_bounds).all() and -180 <= west <= east <= 180 and -90 <= south <= north <= 90
    ):
        turned = -90 <= west <= east <= 90 and -180 <= south <= north <= 180
        hint = "longitude and latitude look swapped 经纬度疑似颠倒" if turned else f"not {crs}? 坐标系不符"
        raise InputError(
            f"{path.name}: coordinates {west:g},{south:g} … {east:g},{north:g} are no degrees 不是经纬度: {hint}"
        )
    report.written = area_versions.write_areas(db, moved, indicative=indicative, source=path.name)
    _tell_topology(db, _with_labels(moved, crs), path, report)


def _import_ground(
    db: Session,
    path: Path,
    crs: str,
    indicative: bool,
    skip_bad: bool,
    report: ImportReport,
    progress: Progress | None,
) -> None:
    done = import_ground(
        db, path, report.kind, crs, indicative=indicative, skip_bad=skip_bad, progress=progress
    )
    report.rows, report.written, report.faults = done.rows, done.written, done.faults
    report.notes += done.notes
    if done.faults:
        report.rejected = report.folder / (report.source + ".rejected.csv")
        as_cells(done.rejected()).write_csv(report.rejected)


def _plain(frame: gpd.GeoDataFrame) -> pl.DataFrame:
    """Return the attributes as text, with row numbers."""
    names = [column.name for column in FILE_KINDS["areas"].columns if column.name in frame]
    values = {
        name: [
            None if v is None or v != v else str(v)[:10] if name == "valid_from" else str(v)
            for v in frame[name]
        ]
        for name in names
    }
    return pl.DataFrame(values, schema=dict.fromkeys(names, pl.Utf8)).with_row_index(files.ROW, offset=1)


def _with_labels(frame: gpd.GeoDataFrame, crs: str) -> gpd.GeoDataFrame:
    """Label points in the storage CRS."""
    if not {"label_lon", "label_lat"} <= set(frame.columns):
        return frame
    lon, lat = (frame[name].astype(float).to_numpy() for name in ("label_lon", "label_lat"))
    x, y = to_storage(lon, lat, crs)
    return frame.assign(label_lon=x, label_lat=y)


def _tell_topology(db: Session, frame: gpd.GeoDataFrame, path: Path, report: ImportReport) -> None:
    """Faults of the topology: the first as notes, all of them as points in ``<file>.topology.geojson``."""
    parents = read_areas(db, kind=("city", "county", "town", "community"))
    frame = _without_former(frame, area_versions.ended_areas(db))
    whole = pd.concat([frame, _stored_siblings(db, frame)], ignore_index=True)
    faults = find_topology_faults(whole, dict(zip(parents["code"], parents.geometry, strict=True)))
    if faults:
        target = path.with_name(path.name + ".topology.geojson")
        write_fault_report(faults, target)
        report.notes.append(f"{len(faults)} fault(s) of topology 拓扑问题, all in {target}")
    report.notes += [str(fault) for fault in faults[:TOLD]]


def _without_former(frame: gpd.GeoDataFrame, ended: set[tuple[str, str]]) -> gpd.GeoDataFrame:
    """Return the newest version of each area that is still in force: former ones lie where their successors are."""
    newest = frame.assign(code=frame["code"].astype(str)).sort_values(
        "valid_from", kind="stable", key=lambda days: days.astype(str)
    )
    newest = newest.drop_duplicates(["kind", "code"], keep="last").sort_index()
    in_force = [key not in ended for key in zip(newest["kind"], newest["code"], strict=True)]
    return newest[np.array(in_force, dtype=bool)]


def _stored_siblings(db: Session, frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Areas that hold now, of the kinds and parents of the file but not in it.

    Together they fill their parent.
    """
    stored = read_areas(db, kind=sorted(set(frame["kind"]) & set(TILING_KINDS)) or "city")
    codes = area_versions.codes_of_larger_areas(db)
    stored["parent_code"] = [codes.get(parent_id) for parent_id in stored["parent_id"].fillna(-1)]
    given = set(zip(frame["kind"], frame["code"].astype(str), strict=True))
    new = [key not in given for key in zip(stored["kind"], stored["code"], strict=True)]
    return stored[np.array(new, dtype=bool) & stored["parent_code"].isin(set(frame["parent_code"].dropna()))]


def _import_rows(
    db: Session,
    path: Path,
    report: ImportReport,
    crs: str | None,
    skip_bad: bool,
    progress: Progress | None,
    now: dt.datetime,
    add_bodies: bool,
) -> None:
    kind = FILE_KINDS[report.kind]
    total = files.count_rows(path)
    write = _Writer(db, report, now, add_bodies)
    rejected: list[pl.DataFrame] = []
    without_zone = 0
    for frame in files.read_batches(path, kind):
        checked = checks.check_frame(frame, kind, now=now, zone=local_zone().key)
        without_zone += checked.times_without_zone
        if kind.has_coordinates:
            (fence_files.check_fences if kind.name == "fences" else checks.to_storage)(checked, crs or "")
        write.check_references(checked)
        report.faults += checked.faults
        if report.faults and not skip_bad:
            if len(report.faults) >= MAX_FAULTS or report.rows + frame.height >= total:
                raise RejectedRows(report.source, report.faults)
        elif checked.faults:
            rejected.append(_with_reasons(frame, checked.faults))
        if not report.faults or skip_bad:
            report.written += write.write(checked.good)
        report.rows += frame.height
        _tell(progress, report.rows, total)
    if report.faults and not skip_bad:
        raise RejectedRows(report.source, report.faults)
    if without_zone:
        report.notes.append(
            f"{without_zone:,} 个时间未注明时区，按 {zone_note(now)} 读取 "
            f"times without a zone, read as {zone_note(now)}"
        )
    if rejected:
        report.rejected = report.folder / (report.source + ".rejected.csv")
        as_cells(pl.concat(rejected)).write_csv(report.rejected)
    write.finish()


def _with_reasons(frame: pl.DataFrame, faults: list[Fault]) -> pl.DataFrame:
    reasons: dict[int, str] = {}
    for fault in faults:
        reasons[fault.row] = "; ".join(
            filter(None, (reasons.get(fault.row), f"{fault.field}: {fault.reason}"))
        )
    table = pl.DataFrame(
        {files.ROW: list(reasons), "reason": list(reasons.values())},
        schema={files.ROW: frame[files.ROW].dtype, "reason": pl.Utf8},
    )
    return (
        frame.cast(pl.Utf8)
        .with_columns(frame[files.ROW])
        .join(table, on=files.ROW)
        .rename({files.ROW: "row"})
    )


def _write_fences(db: Session, frame: pl.DataFrame) -> WriteCounts:
    return fences.write_fences(db, fence_files.as_written(frame))


class _Writer:
    """Checks references and writes the frames of one file; what is known is read once."""

    def __init__(self, db: Session, report: ImportReport, now: dt.datetime, add_bodies: bool) -> None:
        self.db, self.now = db, now
        self._add_bodies = report.kind == "duties" and (add_bodies or not registers.has_confirmed_body(db))
        self.report = report
        self.kind = report.kind
        self._known: list[str] = {
            "sites": enterprises.known_uscc,
            "meters": enterprises.known_sites,
            "notices": enterprises.known_sites,
            "duties": duty_lists.known_area_codes,
        }.get(self.kind, lambda _: [])(db)
        self._unregistered = self._bodies = self._matters = 0

    def check_references(self, checked: checks.CheckedFrame) -> None:
        field_of = {"sites": "uscc", "meters": "site_id", "notices": "site_id", "duties": "area_code"}
        what = {"sites": "enterprise", "meters": "site", "notices": "site", "duties": "area code"}
        if self.kind in field_of:
            checks.reject_unknown_codes(checked, field_of[self.kind], self._known, what[self.kind])
        if self.kind == "duties":
            duty_files.check_duties(checked)
            if not self._add_bodies:
                registers.check_duty_bodies(self.db, checked)
        elif self.kind in registers.KEYS:
            checks.check_texts(checked, FILE_KINDS[self.kind])
            registers.check_versions(self.db, self.kind, checked, now=self.now)

    def write(self, frame: pl.DataFrame) -> WriteCounts:
        if frame.is_empty():
            return WriteCounts()
        simple: dict[str, Callable[[Session, pl.DataFrame], WriteCounts]] = {
            "enterprises": enterprises.write_enterprises,
            "vehicles": tracks.write_vehicles,
            "meters": meters.write_readings,
            "places": enterprises.write_places,
            "notices": enterprises.write_notices,
            "duties": self._write_duties,
            **dict.fromkeys(registers.KEYS, self._write_versions),
            "calendar": duty_lists.write_calendar_days,
            "fences": _write_fences,
        }
        if self.kind in simple:
            return simple[self.kind](self.db, frame)
        return self._write_sites(frame) if self.kind == "sites" else self._write_tracks(frame)

    def _write_duties(self, db: Session, frame: pl.DataFrame) -> WriteCounts:
        """Write lines of the duty list; bodies and matters that the registers do not know are added to them."""
        counts = duty_lists.write_duties(db, frame)
        if self._add_bodies:
            self._bodies += registers.add_unconfirmed_bodies(db, frame)
        self._matters += registers.add_unconfirmed_matters(db)
        return counts

    def _write_versions(self, db: Session, frame: pl.DataFrame) -> WriteCounts:
        counts = registers.write_versions(db, self.kind, frame)
        if self.kind == "matters":
            registers.set_alert_matters(db, self.report.batch_id)
        return counts

    def _write_sites(self, frame: pl.DataFrame) -> WriteCounts:
        cells = {
            f"h3_{res}": pl.Series(
                cells_of(frame["lon"].to_numpy(), frame["lat"].to_numpy(), res).astype(np.int64)
            )
            for res in (9, 10)
        }
        return enterprises.write_sites(self.db, frame.with_columns(**cells))

    def _write_tracks(self, frame: pl.DataFrame) -> WriteCounts:
        ids = frame["vehicle_id"].unique().to_list()
        self._unregistered += tracks.register_unknown_vehicles(self.db, ids)
        first, last = frame["t"].min(), frame["t"].max()
        assert isinstance(first, dt.datetime) and isinstance(last, dt.datetime)
        known = self.report.fixes or (first, last)
        self.report.fixes = min(first, known[0]), max(last, known[1])
        return tracks.write_fixes(self.db, locate_fixes(self.db, frame), self.report.batch_id)

    def finish(self) -> None:
        if self._unregistered:
            self.report.notes.append(
                f"{self._unregistered} vehicle(s) were not registered: added with kind other"
            )
        for count, en, zh in ((self._bodies, "bodies", "主体"), (self._matters, "matters", "事项")):
            if count:
                self.report.notes.append(
                    f"{count} {en} were not in the register: added unconfirmed {zh}未登记，已作为待确认条目加入"
                )
