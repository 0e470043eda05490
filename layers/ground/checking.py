"""Checks of rows of the ground: kinds, numbers and shapes, with faults by row, field and reason."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl
import shapely

from layers.ground.kinds import DETAIL_ZOOM, KINDS, MIN_ZOOMS
from layers.imports import FILE_KINDS
from layers.imports.checks import CheckedFrame, check_frame, shapes_to_storage

_SHAPES = {"roads": (1, 5), "waterways": (1, 5), "buildings": (3, 6)}
_BACKWARDS = ("-1", "t", "reverse")


@dataclass
class GroundChecks:
    """Checks of the parts of one file.

    Attributes
    ----------
    unknown : Counter of str
        Values of kinds that are not known; their rows became ``other``.
    repaired : int
        Polygons that were not valid and are stored repaired.
    """

    layer: str
    crs: str
    unknown: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    _seen: set[int] = field(default_factory=set, repr=False)

    def check(self, frame: pl.DataFrame, shapes: np.ndarray) -> CheckedFrame:
        """Check one part.

        Parameters
        ----------
        frame : polars.DataFrame
            Row numbers and the columns of the file kind as text.
        shapes : ndarray of shapely geometries
            In the CRS of the file.

        Returns
        -------
        CheckedFrame
            Its good rows have ``min_zoom`` and ``shape`` (WKB as hexadecimal text, EPSG:4326).
        """
        kinds = self._kinds(frame["kind"])
        oneway = frame["oneway"].str.to_lowercase() if "oneway" in frame.columns else None
        if oneway is not None:
            backwards = oneway.is_in(_BACKWARDS).fill_null(False).to_numpy()
            shapes = np.where(backwards, shapely.reverse(shapes), shapes)
        typed = frame.with_columns(kinds)
        checked = check_frame(typed, FILE_KINDS[self.layer], now=dt.datetime.now(dt.UTC))
        if oneway is not None:
            one = oneway.is_in(("yes", "true", "1", "f", "是", *_BACKWARDS)).fill_null(False)
            checked.frame = checked.frame.with_columns(oneway=one)
        checked.reject(self._repeated(frame["source_id"]), "source_id", "stands in the file twice 重复")
        self._add_shapes(checked, shapes)
        zooms = MIN_ZOOMS[self.layer]
        checked.frame = checked.frame.with_columns(
            min_zoom=pl.col("kind").replace_strict(zooms, default=DETAIL_ZOOM, return_dtype=pl.Int16)
            if zooms
            else pl.lit(DETAIL_ZOOM, dtype=pl.Int16)
        )
        return checked

    def _kinds(self, given: pl.Series) -> pl.Series:
        known = KINDS[self.layer]
        plain = given.str.to_lowercase()
        for value, count in plain.filter(~plain.is_in(list(known))).drop_nulls().value_counts().iter_rows():
            self.unknown[value] += count
        return (
            plain.replace_strict(known, default="other", return_dtype=pl.Utf8)
            .fill_null("other")
            .alias("kind")
        )

    def _repeated(self, ids: pl.Series) -> np.ndarray:
        """Mark ids of earlier parts; those of one part are found by the checks of every file."""
        hashes = ids.hash().to_list()
        again = np.fromiter((each in self._seen for each in hashes), bool, len(hashes))
        self._seen.update(hashes)
        return again

    def _add_shapes(self, checked: CheckedFrame, shapes: np.ndarray) -> None:
        shapes = np.array(shapely.force_2d(shapes), dtype=object)
        checked.reject(shapely.is_missing(shapes) | shapely.is_empty(shapes), "geometry", "empty 为空")
        there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
        word = "polygon 面" if self.layer == "buildings" else "line 线"
        checked.reject(
            there & ~np.isin(shapely.get_type_id(shapes), _SHAPES[self.layer]), "geometry", f"no {word}"
        )
        shapes = shapes_to_storage(checked, shapes, self.crs, "geometry")
        shapes = self._valid(checked, shapes)
        checked.frame = checked.frame.with_columns(
            shape=pl.Series(shapely.to_wkb(shapes, hex=True, include_srid=False).tolist(), dtype=pl.Utf8)
        )

    def _valid(self, checked: CheckedFrame, shapes: np.ndarray) -> np.ndarray:
        """Repair polygons that are not valid; reject those of which nothing is left."""
        if self.layer != "buildings":
            return shapes
        broken = np.flatnonzero(~shapely.is_missing(shapes) & ~shapely.is_valid(shapes))
        lost = np.zeros(len(shapes), dtype=bool)
        for place in broken.tolist():
            parts = shapely.get_parts(shapely.make_valid(shapes[place]))
            polygons = [p for p in shapely.get_parts(parts) if shapely.get_dimensions(p) == 2]
            shapes[place] = shapely.multipolygons(polygons) if polygons else None
            lost[place] = not polygons
        self.repaired += len(broken) - int(lost.sum())
        checked.reject(lost, "geometry", "not a valid polygon 多边形无效")
        return shapes

    def notes(self, has_ids: bool) -> list[str]:
        """Return what a person should know of the file."""
        said = []
        if self.unknown:
            shown = ", ".join(f"{value} {count:,}" for value, count in self.unknown.most_common(20))
            said.append(
                f"{self.unknown.total():,} row(s) of unknown kinds became other 未识别类别归为 other: {shown}"
            )
        if self.repaired:
            said.append(f"{self.repaired:,} polygon(s) repaired 已修复的多边形")
        if not has_ids:
            said.append(
                "the file names no ids: rows are called by file name and number, "
                "so that a file with other rows must have another name 文件无编号列，按文件名与行号编号"
            )
        return said
