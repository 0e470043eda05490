"""Narrow parts of zones: wedges and strips that an edit leaves, which nobody can patrol or find."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from grid.topology.checks import local_area_m2, metres_scale, to_local_metres

NARROW_M = 30.0
"""A part of a zone that is less wide than this is narrow."""
LONG_M = 100.0
"""A narrow part is told from this length on."""
_SIMPLER_M = 0.5


def narrow_parts(shape: Any, before: Sequence[Any] = ()) -> list[tuple[float, float, Any]]:
    """Return the narrow parts of a zone that none of the zones before had.

    Parameters
    ----------
    shape : shapely geometry
        Polygon or multi-polygon, EPSG:4326.
    before : sequence of shapely geometry
        Zones whose narrow parts are known already.

    Returns
    -------
    list of (float, float, shapely geometry)
        Length and mean width in metres, and the part in EPSG:4326; the longest first.
    """
    known = [part for old in before for part in _thin(old)] if (parts := _thin(shape)) else []
    found = []
    for part in parts:
        if any(local_area_m2(part.intersection(old)) > local_area_m2(part) / 2 for old in known):
            continue
        length = _side_m(to_local_metres(part))
        found.append((round(length, 1), round(local_area_m2(part) / length, 1), part))
    return sorted(found, key=lambda one: -one[0])


def _thin(shape: Any) -> list[Any]:
    """Return the parts that a circle of ``NARROW_M`` does not reach, those that are long."""
    west, south, _, north = shapely.bounds(shape)
    scale = metres_scale((south + north) / 2)
    metres = shapely.transform(shape, lambda c: (c - (west, south)) * scale).simplify(_SIMPLER_M)
    reached = metres.buffer(-NARROW_M / 2, join_style="mitre").buffer(NARROW_M / 2 + 0.01, join_style="mitre")
    parts = shapely.get_parts(metres.difference(reached))
    long = [part for part in parts if part.geom_type == "Polygon" and _side_m(part) >= LONG_M]
    return [shapely.transform(part, lambda c: c / scale + (west, south)) for part in long]


def _side_m(part: Any) -> float:
    """Return the longer side of the smallest rectangle around a part in metres."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(part))
    if len(corners) < 3:
        return 0.0
    return float(np.hypot(*np.diff(corners[:3], axis=0).T).max())
