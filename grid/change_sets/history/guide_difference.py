"""Difference of polygons that somebody brought (a guide layer) to the present partition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from sqlalchemy.orm import Session

from grid.areas import read_areas
from grid.topology import local_area_m2

SAME_M2 = 1.0
"""A difference of less land than this is none: coordinates of files are rounded."""
SAME_SHARE = 1e-4
"""A difference of a smaller share of the polygon is none."""
SLIVER_DEG = 2e-6
"""Twice this, some 0.4 m: parts of a difference that are narrower come from rounding and are no difference."""


@dataclass(frozen=True)
class GuideRow:
    """A polygon of a guide layer against the area with which it has most land in common.

    Attributes
    ----------
    number : int
        Position among the polygons, from 1.
    state : {"same", "differs", "no_area"}
    code, name : str or None
        Of the area.
    common_m2, only_guide_m2, only_area_m2 : float
        Land in both, and in one of them alone.
    place : shapely geometry or None
        Where they differ most: the largest piece of the difference.
    """

    number: int
    state: str
    code: str | None
    name: str | None
    common_m2: float
    only_guide_m2: float
    only_area_m2: float
    place: Any


def guide_difference(db: Session, polygons: Sequence[Any], kind: str) -> list[GuideRow]:
    """Compare polygons with the areas of a kind that hold now.

    Parameters
    ----------
    db : Session
        Sees the areas of the caller.
    polygons : sequence of shapely (multi)polygons, EPSG:4326
    kind : str
        Of ``layers.tables.AREA_KINDS``.
    """
    shapes = shapely.make_valid(np.array(list(polygons), dtype=object))
    if not len(shapes):
        return []
    west, south, east, north = (float(each) for each in shapely.total_bounds(shapes))
    areas = read_areas(db, kind=kind, bbox=(west, south, east, north))
    outlines = areas.geometry.to_numpy()
    tree = shapely.STRtree(outlines)
    return [
        _row(number, shape, areas, outlines, tree.query(shape, predicate="intersects"))
        for number, shape in enumerate(shapes, start=1)
    ]


def _row(number: int, shape: Any, areas: Any, outlines: Any, near: Any) -> GuideRow:
    common = [local_area_m2(_land(shapely.intersection(shape, outlines[i]))) for i in near]
    if not common or max(common) <= SAME_M2:
        return GuideRow(number, "no_area", None, None, 0.0, local_area_m2(shape), 0.0, shape)
    best = int(near[int(np.argmax(common))])
    area = areas.iloc[best]
    only_guide = _without_slivers(shapely.difference(shape, outlines[best]))
    only_area = _without_slivers(shapely.difference(outlines[best], shape))
    sizes = (local_area_m2(only_guide), local_area_m2(only_area))
    same = max(sizes) <= max(SAME_M2, SAME_SHARE * max(common))
    pieces = [*shapely.get_parts(only_guide), *shapely.get_parts(only_area)]
    place = None if same or not pieces else max(pieces, key=local_area_m2)
    state = "same" if same else "differs"
    return GuideRow(number, state, str(area["code"]), str(area["name"]), max(common), *sizes, place)


def _without_slivers(shape: Any) -> Any:
    """Return the land of a difference that is wider than rounding."""
    inner = shapely.buffer(_land(shape), -SLIVER_DEG, join_style="mitre")
    return shapely.buffer(inner, SLIVER_DEG, join_style="mitre")


def _land(shape: Any) -> Any:
    """Return the polygons of a geometry; lines and points where outlines touch are no land."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()
