"""Attributes and places of a geometry file as the rows of a table."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pyogrio
import shapely

from layers.codes import plain_text
from layers.errors import InputError
from layers.imports import FileKind, columns_at, read_geometry_file
from layers.imports.checks import LARGEST_WHOLE


def is_geoparquet(path: Path) -> bool:
    """Return whether a file is Parquet with geometry."""
    if path.suffix.lower() != ".parquet" or not path.is_file():
        return False
    try:
        return b"geo" in (pq.read_schema(path).metadata or {})
    except Exception as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error


def attribute_rows(
    path: Path, layer: str | None, kind: FileKind, notes: list[str]
) -> Iterator[tuple[int, Sequence[str | None]]]:
    """Yield the header and the rows of a geometry file or layer: its attributes as text, and its places.

    A place is ``lon`` and ``lat`` of a point, ``boundary`` as WKT of a polygon; both in the CRS of the file. A
    polygon of a kind with ``lon`` and ``lat`` also gives a point inside it, and that is told.

    Parameters
    ----------
    path : Path
    layer : str or None
    kind : FileKind
    notes : list of str
        Gets what a person should know.

    Raises
    ------
    InputError
        Not readable.
    """
    frame, shapes = _read(path, layer, notes)
    wanted = {column.name for column in kind.columns}
    places = _places(shapes, wanted, path.name, notes) if shapes is not None else {}
    names = [str(name) for name in frame.columns]
    at = columns_at(names, kind, cut=path.suffix.lower() == ".shp")
    replaced = [names[i] for i, column in at.items() if column.name in places]
    if replaced:
        notes.append(
            f"{path.name}: 位置取自几何，不用属性列 places are those of the shapes, not of {', '.join(replaced)}"
        )
    kept = [name for name in names if name not in replaced]
    yield 1, [*kept, *places]
    columns = [[_text(value) for value in frame[name].tolist()] for name in kept] + list(places.values())
    yield from enumerate(zip(*columns, strict=True), start=2)


def parquet_rows(path: Path) -> Iterator[tuple[int, Sequence[str | None]]]:
    """Yield the header and the rows of a Parquet file as text, in bounded memory.

    Raises
    ------
    InputError
        Not readable.
    """
    try:
        file = pq.ParquetFile(path)
    except Exception as error:
        raise InputError(f"{path}: not a Parquet file ({error})") from error
    yield 1, file.schema_arrow.names
    number = 2
    for batch in file.iter_batches(batch_size=50_000):
        columns = [[_text(value) for value in column.to_pylist()] for column in batch.columns]
        yield from enumerate(zip(*columns, strict=True), start=number)
        number += batch.num_rows


def _read(path: Path, layer: str | None, notes: list[str]) -> tuple[Any, np.ndarray | None]:
    try:
        frame = read_geometry_file(path, layer, notes)
    except InputError:
        if path.suffix.lower() != ".gpkg":
            raise
        table = pyogrio.read_dataframe(path, layer=layer, read_geometry=False)  # a table of attributes
        return table, None
    shapes = frame.geometry.to_numpy()
    return frame.drop(columns=frame.geometry.name), np.asarray(shapely.force_2d(shapes))


def _places(shapes: np.ndarray, wanted: set[str], file: str, notes: list[str]) -> dict[str, list[str | None]]:
    kinds = shapely.get_type_id(shapes)
    found: dict[str, list[str | None]] = {}
    polygons = np.isin(kinds, (3, 6))
    if "boundary" in wanted and ("lon" not in wanted or polygons.any()):
        keep = polygons if "lon" in wanted else ~shapely.is_missing(shapes)
        wkt = [
            shapely.to_wkt(g, rounding_precision=-1) if k else None for g, k in zip(shapes, keep, strict=True)
        ]
        found["boundary"] = wkt
    if "lon" in wanted:
        points = shapes.copy()
        points[kinds != 0] = None
        valid = polygons & shapely.is_valid(shapes)
        points[valid] = shapely.point_on_surface(shapes[valid])
        if n := int(valid.sum()):
            notes.append(f"{file}: {n:,} 个面取面内一点为位置 polygons: a point inside is their place")
        for name, values in (("lon", shapely.get_x(points)), ("lat", shapely.get_y(points))):
            found[name] = [None if value != value else repr(float(value)) for value in values]
    return found


def _text(value: Any) -> str | None:
    """Return a value of any file as the text of a CSV: lists by semicolon, documents as JSON."""
    if isinstance(value, np.ndarray | list | tuple):
        return ";".join(str(part) for part in value)
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if hasattr(value, "isoformat"):
        return None if value != value else str(value.isoformat())
    if isinstance(value, float) and abs(value) >= LARGEST_WHOLE:
        return f"{value:.14E}"
    return plain_text(value)
