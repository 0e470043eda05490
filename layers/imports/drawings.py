"""Drawings (DXF): their unit, which the header states, and the areas that their closed lines enclose."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pyproj
import shapely

from layers.codes import crs_label, is_geographic
from layers.errors import UnknownCrs

ENDING = ".dxf"
BEGINS = re.compile(rb"(?:\s*999\r?\n[^\n]*\n)*\s*0\r?\nSECTION\r?\n")
HEADER_LINES = 20_000
"""Lines among which the header stands."""
METRES_OF_UNIT = MappingProxyType(
    {1: 0.0254, 2: 0.3048, 4: 0.001, 5: 0.01, 6: 1.0, 7: 1000.0, 10: 0.9144, 14: 0.1}
)
"""Metres of a unit by its code in ``$INSUNITS``: inch, foot, mm, cm, m, km, yard, dm."""
_HINT = "; --ignore-file-crs: it is drawn in the unit of that system 按该坐标系的单位绘制"


def check_unit(path: Path, crs: str) -> None:
    """Check that a drawing is in the unit of the named system.

    Raises
    ------
    UnknownCrs
        It states another unit, or none.
    """
    code = _stated_unit(path)
    metres = METRES_OF_UNIT.get(code)
    axis = None if is_geographic(crs) else pyproj.CRS(crs).axis_info[0]
    wanted = f"{crs_label(crs)} is in {axis.unit_name if axis else 'degrees'}"
    if metres is None:
        raise UnknownCrs(f"{path.name}: states no unit ($INSUNITS {code}), {wanted} 图纸未声明单位{_HINT}")
    if axis is None or abs(axis.unit_conversion_factor - metres) > 1e-9:
        said = f"a unit is {metres:g} m ($INSUNITS {code})"
        raise UnknownCrs(f"{path.name}: {said}; but {wanted}. 图纸单位与坐标系不符{_HINT}")


def _stated_unit(path: Path) -> int:
    """Return ``$INSUNITS``; 0 when the header does not state it."""
    pairs = _pairs(path)
    for _, value in pairs:
        if value == "$INSUNITS":
            number = next(pairs, ("", ""))[1]
            return int(number) if number.isdigit() else 0
        if value == "ENTITIES":
            break
    return 0


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    with path.open(encoding="latin-1") as file:
        lines = (line.strip() for line in itertools.islice(file, HEADER_LINES))
        yield from zip(lines, lines, strict=False)


def closed_lines_as_areas(shapes: np.ndarray) -> np.ndarray:
    """Return the shapes of a drawing with closed lines as polygons.

    Examples
    --------
    >>> ring = shapely.LineString([(0, 0), (1, 0), (1, 1), (0, 0)])
    >>> [g.geom_type for g in closed_lines_as_areas(np.array([ring, shapely.LineString([(0, 0), (1, 1)]), None])) if g]
    ['Polygon', 'LineString']
    >>> closed_lines_as_areas(np.array([], dtype=object))
    array([], dtype=object)
    """
    found = np.array(shapely.force_2d(shapes), dtype=object)
    closed = (
        (shapely.get_type_id(found) == 1) & shapely.is_closed(found) & (shapely.get_num_points(found) > 3)
    )
    for at in np.flatnonzero(closed):
        found[at] = shapely.Polygon(found[at].coords)
    return found
