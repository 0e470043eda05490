"""From a file to its table: read, check, convert, write; all or nothing unless bad rows may be skipped."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
import polars as pl
from sqlalchemy.orm import Session

from geo_api.http.progress import tell_waiting
from geo_api.imports import duty_files, fence_files
from geo_api.imports.crs_choice import CrsUse, check_crs_name, choose_crs_of_parts, datum_notes
from geo_api.imports.file_digest import file_digest
from geo_api.imports.ground_files import MAX_FAULTS, import_ground
from geo_api.imports.meter_files import MeterFile
from geo_api.imports.source_parts import EVERYTHING, GEOMETRIES, Choice, Part, open_parts, parts_of_kind
from geo_api.imports.written_tables import SourceTable, lacks_columns, table_of_parts, with_tables
from grid import registers
from grid.areas import locate_fixes, read_areas
from grid.responsibility import check_stored
from grid.site_places import find_sites, place_sites, with_cells
from layers.batches import BatchOrigin, begin_batch, find_same_file, finish_batch, record_failure
from layers.codes import (
    NATIONAL_GRID_PROFILE,
    GridProfile,
    to_storage,
)
from layers.collections import settle_cells
from layers.errors import Fault, InputError, MissingColumns, RejectedRows
from layers.exports import as_cells
from layers.ground import GROUND_LAYERS
from layers.imports import (
    FILE_KINDS,
    TILING_KINDS,
    FileKind,
    check_meter_rows,
    checks,
    find_topology_faults,
    number_note,
    read_area_file,
    write_fault_report,
)
from layers.imports import readers as files
from layers.imports.column_map import NO_MAP, ColumnMap
from layers.local_time import local_zone, zone_note
from layers.postgres import SYSTEM, WriteCounts, advisory_lock, session
from layers.records import add_calls, command_row, duty_lists, enterprises, fences, tracks
from layers.records import areas as area_versions
from layers.tables import AREA_KINDS

Progress = Callable[[int, int], None]
"""Called with rows done and rows in all."""

POINTS = ("sites", "site_places", "places", "tracks")
"""Kinds of points, whose datum is compared with what is stored; of a large file its first rows."""
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
    readings : tuple of datetime or None
        Begin of the first and end of the last interval of its readings.
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
    readings: tuple[dt.datetime, dt.datetime] | None = None

    @property
    def times(self) -> tuple[dt.datetime, dt.datetime] | None:
        """First and last time of fixes or readings."""
        return self.fixes or self.readings

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
    crs_use: CrsUse = "check",
    choice: Choice = EVERYTHING,
    zone: ZoneInfo | None = None,
    column_map: ColumnMap = NO_MAP,
    more_options: Mapping[str, Any] = MappingProxyType({}),
    db: Session | None = None,
    outputs: Path | None = None,
) -> ImportReport:
    """Import one file in one transaction, as one batch.

    Parameters
    ----------
    kind : str
        A key of ``layers.imports.columns.FILE_KINDS``.
    crs : str or None
        ``wgs84|cgcs2000|gcj02|bd09|EPSG:n``; needed for kinds with coordinates. ``file``: as the file states.
    crs_use : {"check", "fallback", "override"}
        A file that states another CRS is refused, is read as it states, or is read as named.
    choice : Choice
        Layers and sheets that are read; all by default.
    zone : ZoneInfo, optional
        Of times that are written without one; the city's by default.
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
    column_map : ColumnMap
        Names, words and units of this source.
    more_options : mapping
        Kept with the options of the batch: the source, who delivered it.
    db : Session, optional
        Transaction in which it is written, which may be rolled back; by default one of its own. A refused file is not
        registered then.
    outputs : Path, optional
        Folder of the files with rejected rows and faults of topology; by default the folder of the file.

    Raises
    ------
    layers.errors.InputError
        Nothing was written.
    """
    if kind not in FILE_KINDS:
        raise InputError(f"unknown kind {kind!r}: one of {', '.join(FILE_KINDS)}, all")
    report = ImportReport(kind, path.name, folder=outputs or path.parent)
    kinds = AREA_KINDS if kind == "areas" else (kind,)
    options: dict[str, Any] = {
        "crs": crs,
        "skip_bad": skip_bad,
        "indicative": [one for one in kinds if one in indicative],
    }
    if choice != EVERYTHING:
        options |= {"layers": [*choice.layers], "sheets": [*choice.sheets]}
    options |= {"map": column_map.as_options()} if column_map != NO_MAP else {}
    options |= more_options
    origin = BatchOrigin(kind, "file", actor, file_name=path.name, sha256=file_digest(path), options=options)
    received = dt.datetime.now(dt.UTC)
    has_crs = FILE_KINDS[kind].has_coordinates or kind in ("areas", *GROUND_LAYERS)
    if has_crs:
        check_crs_name(crs)
    try:
        with open_parts(path, choice) as all_parts:
            parts = _parts_for(all_parts, report)
            options["crs"] = crs = _chosen_crs(parts, crs, crs_use, report) if has_crs else None
            given = with_tables(column_map)
            waiting = partial(tell_waiting, "导入", "import")
            with (
                session(SYSTEM, url) if db is None else nullcontext(db) as own,
                advisory_lock(own, "import", waiting),
            ):
                _note_same_file(own, origin, report)
                report.batch_id = begin_batch(own, origin, received)
                if kind in GROUND_LAYERS:
                    _import_ground(own, parts, crs or "", kind in indicative, skip_bad, report, progress)
                elif kind == "areas":
                    _import_areas(own, parts, path, crs or "", indicative, report, grid_profile, given)
                    _tell(progress, report.rows, report.rows)
                else:
                    with table_of_parts(parts, path, FILE_KINDS[kind], given) as table:
                        report.notes += table.notes
                        rows = (skip_bad, progress, now or received, add_bodies, zone or local_zone())
                        _import_rows(own, table, report, crs, *rows)
                _tell_list(own, report)
                settle_cells(own)
                finish_batch(own, report.batch_id, report.counts(), report.fixes, report.notes)
                add_calls(own, [_call_of(origin, report)])
    except InputError as error:
        if origin.sha256 is not None and db is None:
            record_failure(url, origin, received, str(error))
        raise
    return report


def _tell_list(db: Session, report: ImportReport) -> None:
    if report.kind == "duties":
        report.notes += [f"{fault.rule}: {fault} {fault.zh}" for fault in check_stored(db)[:TOLD]]


def _parts_for(parts: list[Part], report: ImportReport) -> list[Part]:
    """Return the parts of the kind; those of other kinds beside them are told."""
    mine, others = parts_of_kind(parts, report.kind)
    if others:
        named = ", ".join(part.label for part in others)
        report.notes.append(f"{named}: 属于其他类别，未读取 of other kinds, not taken")
    return mine


def _chosen_crs(parts: list[Part], named: str | None, use: CrsUse, report: ImportReport) -> str:
    choice = choose_crs_of_parts(parts, named, use)
    if choice.note:
        report.notes.append(choice.note)
    return choice.name


def _call_of(origin: BatchOrigin, report: ImportReport) -> dict[str, object]:
    """Return the row of the access log for an import from the command line."""
    return command_row(origin.actor, f"/imports/{report.batch_id}", {"kind": origin.kind, **report.counts()})


def _note_same_file(db: Session, origin: BatchOrigin, report: ImportReport) -> None:
    same = find_same_file(db, origin) if origin.sha256 else None
    if same is not None:
        at = f"{same.received_at:%Y-%m-%d %H:%M} UTC"
        report.notes.append(f"the same file was imported as batch {same.id} on {at} 同一文件已作为该批次导入")


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress(done, total)


def _import_areas(
    db: Session,
    parts: list[Part],
    path: Path,
    crs: str,
    indicative: Collection[str],
    report: ImportReport,
    grid_profile: GridProfile,
    column_map: ColumnMap,
) -> None:
    frame = _read_areas(parts, report, column_map)
    report.rows = len(frame)
    checked = checks.check_frame(_plain(frame), FILE_KINDS["areas"], now=dt.datetime.now(dt.UTC))
    shapes = checks.shapes_to_storage(checked, frame.geometry.to_numpy(), crs, "geometry")
    faults = checked.faults + area_versions.check_geometries(frame, grid_profile)
    if faults:
        raise RejectedRows(path.name, _by_row(faults))
    report.notes += number_note(checked.written_degrees, checked.grouped_numbers)
    numbers = {
        c.name: checked.frame[c.name].to_numpy() for c in FILE_KINDS["areas"].columns if c.dtype == "float"
    }
    frame = frame.assign(**{name: values for name, values in numbers.items() if name in frame})
    moved = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=4326))
    report.written = area_versions.write_areas(db, moved, indicative=indicative, source=path.name)
    _tell_topology(db, _with_labels(moved, crs), path, report)


def _read_areas(parts: list[Part], report: ImportReport, column_map: ColumnMap) -> gpd.GeoDataFrame:
    """Return the areas of all parts, whose rows run on; which rows are whose is told."""
    frames: list[gpd.GeoDataFrame] = []
    done = 0
    for part in parts:
        geometric = part.path.suffix.lower() in GEOMETRIES
        try:
            frame = read_area_file(part.path, part.name if geometric else None, report.notes, column_map)
        except MissingColumns as error:
            raise lacks_columns(error, part, parts) from error
        if frame.geometry.name != "geometry":
            frame = frame.rename_geometry("geometry")
        frames.append(frame.set_crs(None, allow_override=True))
        if len(parts) > 1:
            report.notes.append(f"{part.label}: {done + 1:,}-{done + len(frame):,} 行 rows")
        done += len(frame)
    return gpd.GeoDataFrame(pd.concat(frames, ignore_index=True), geometry="geometry")


def _import_ground(
    db: Session,
    parts: list[Part],
    crs: str,
    indicative: bool,
    skip_bad: bool,
    report: ImportReport,
    progress: Progress | None,
) -> None:
    rejected: list[pl.DataFrame] = []
    for part in parts:
        of_layer = part.name if len(parts) > 1 else None
        done = import_ground(
            db,
            part.path,
            report.kind,
            crs,
            indicative=indicative,
            skip_bad=skip_bad,
            of_layer=of_layer,
            progress=progress,
        )
        report.rows += done.rows
        report.written += done.written
        report.faults += done.faults
        report.notes += done.notes
        rejected += [done.rejected()] if done.faults else []
    if rejected:
        report.rejected = report.folder / (report.source + ".rejected.csv")
        as_cells(pl.concat(rejected)).write_csv(report.rejected)


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
        target = report.folder / (path.name + ".topology.geojson")
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
    table: SourceTable,
    report: ImportReport,
    crs: str | None,
    skip_bad: bool,
    progress: Progress | None,
    now: dt.datetime,
    add_bodies: bool,
    zone: ZoneInfo,
) -> None:
    path, kind = table.path, FILE_KINDS[report.kind]
    total = files.count_rows(path)
    write = _Writer(db, report, now, add_bodies)
    rejected: list[pl.DataFrame] = []
    without_zone = n_degrees = n_grouped = 0
    for frame in files.read_batches(path, kind):
        checked = checks.check_frame(frame, kind, now=now, zone=zone.key)
        checked.take(table.take_faults(frame))
        _place(db, checked, report, crs or "")
        write.check_references(checked)
        write.check_meters(checked, zone)
        without_zone += checked.times_without_zone
        n_degrees += checked.written_degrees
        n_grouped += checked.grouped_numbers
        report.faults += checked.faults
        if report.faults and not skip_bad:
            if len(report.faults) >= MAX_FAULTS or report.rows + frame.height >= total:
                raise RejectedRows(report.source, _by_row(report.faults + table.take_faults()))
        elif checked.faults:
            rejected.append(_with_reasons(frame, checked.faults))
        if not report.faults or skip_bad:
            report.written += write.write(checked.good)
        report.rows += frame.height
        _tell(progress, report.rows, total)
    report.faults += table.take_faults()
    if report.faults and not skip_bad:
        raise RejectedRows(report.source, _by_row(report.faults))
    rejected += write.write_meters(path, skip_bad)
    if without_zone:
        said = zone_note(now, zone)
        report.notes.append(
            f"{without_zone:,} 个时间未注明时区，按 {said} 读取 times without a zone, read as {said}"
        )
    report.notes += number_note(n_degrees, n_grouped)
    if rejected:
        report.rejected = report.folder / (report.source + ".rejected.csv")
        as_cells(pl.concat(rejected)).write_csv(report.rejected)
    write.finish()


def _by_row(faults: list[Fault]) -> list[Fault]:
    return sorted(faults, key=lambda fault: fault.row)


def _place(db: Session, checked: checks.CheckedFrame, report: ImportReport, crs: str) -> None:
    """Bring the coordinates of a part to the storage CRS; the first part is compared with what is stored."""
    if report.kind in POINTS and not report.rows:
        report.notes += datum_notes(db, checked.good, crs)
    if report.kind == "fences":
        fence_files.check_fences(checked, crs)
    elif FILE_KINDS[report.kind].has_coordinates:
        if report.kind == "sites":
            checks.reject_placeless(checked)
        checks.to_storage(checked, crs)


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


def _check_holders(checked: checks.CheckedFrame, owners: dict[str, str], known: list[str]) -> None:
    """Check whose licences they are: a known site, a known enterprise, and the site is one of the enterprise."""
    site, uscc = checked.frame["site_id"], checked.frame["uscc"]
    checked.reject(site.is_null() & uscc.is_null(), "uscc", "neither uscc nor site_id 未填企业或场所")
    checks.reject_unknown_codes(checked, "site_id", list(owners), "site")
    checks.reject_unknown_codes(checked, "uscc", known, "enterprise")
    owner = site.replace_strict(owners, default=None, return_dtype=pl.Utf8)
    other = (owner != uscc).fill_null(False)
    checked.reject(other, "uscc", "the site is of another enterprise 场所不属于该企业")


def _rows_of_file(path: Path, kind: FileKind, faults: list[Fault]) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file that were refused beside others, with their reasons."""
    numbers = [fault.row for fault in faults]
    for frame in files.read_batches(path, kind):
        if (found := frame.filter(pl.col(files.ROW).is_in(numbers))).height:
            yield _with_reasons(found, faults)


def _write_site_places(db: Session, frame: pl.DataFrame) -> WriteCounts:
    return place_sites(db, frame.with_columns(place_source=pl.lit("file")))


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
        self._unregistered = self._bodies = self._matters = self._unplaced = 0
        self._meters = MeterFile()

    def check_references(self, checked: checks.CheckedFrame) -> None:
        field_of = {"sites": "uscc", "meters": "site_id", "notices": "site_id", "duties": "area_code"}
        what = {"sites": "enterprise", "meters": "site", "notices": "site", "duties": "area code"}
        if self.kind in field_of:
            checks.reject_unknown_codes(checked, field_of[self.kind], self._known, what[self.kind])
        if self.kind == "site_places":
            find_sites(self.db, checked)
        if self.kind == "licences":
            _check_holders(checked, enterprises.owners_of_sites(self.db), enterprises.known_uscc(self.db))
        if self.kind == "duties":
            duty_files.check_duties(checked)
            if not self._add_bodies:
                registers.check_duty_bodies(self.db, checked)
        elif self.kind in registers.KEYS:
            checks.check_texts(checked, FILE_KINDS[self.kind])
            registers.check_versions(self.db, self.kind, checked, now=self.now)

    def check_meters(self, checked: checks.CheckedFrame, zone: ZoneInfo) -> None:
        """Check the rows of a meter file; they are written at its end, when all of a meter are known."""
        if self.kind == "meters":
            told = check_meter_rows(checked, zone.key, self.now)
            self._meters.gather(checked.good, told)

    def write_meters(self, path: Path, skip_bad: bool) -> list[pl.DataFrame]:
        """Write the readings of a meter file; returns the rows that contradict others, with the reasons."""
        if self.kind != "meters":
            return []
        counts, faults = self._meters.write(self.db)
        self.report.written += counts
        self.report.notes += self._meters.notes()
        self.report.readings = self._meters.span
        self.report.faults += faults
        if faults and not skip_bad:
            raise RejectedRows(self.report.source, faults)
        return list(_rows_of_file(path, FILE_KINDS[self.kind], faults)) if faults else []

    def write(self, frame: pl.DataFrame) -> WriteCounts:
        if frame.is_empty() or self.kind == "meters":
            return WriteCounts()
        simple: dict[str, Callable[[Session, pl.DataFrame], WriteCounts]] = {
            "enterprises": enterprises.write_enterprises,
            "vehicles": tracks.write_vehicles,
            "places": enterprises.write_places,
            "notices": enterprises.write_notices,
            "licences": enterprises.write_licences,
            "duties": self._write_duties,
            **dict.fromkeys(registers.KEYS, self._write_versions),
            "calendar": duty_lists.write_calendar_days,
            "fences": _write_fences,
            "site_places": _write_site_places,
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
        counts = enterprises.write_sites(self.db, with_cells(frame))
        without = frame.filter(pl.col("lon").is_null())["site_id"].to_list()
        self._unplaced += enterprises.count_unplaced(self.db, without) if without else 0
        return counts

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
        if self._unplaced:
            self.report.notes.append(
                f"{self._unplaced:,} 个场所只有地址、尚未定位 sites without place: wangge sites unplaced"
            )
        for count, en, zh in ((self._bodies, "bodies", "主体"), (self._matters, "matters", "事项")):
            if count:
                self.report.notes.append(
                    f"{count} {en} were not in the register: added unconfirmed {zh}未登记，已作为待确认条目加入"
                )
