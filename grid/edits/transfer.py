"""Land that changes its larger area: a zone goes to another community, a community to another town.

The outline of the area that gives is its shape without the land, that of the area that takes is their union. Both get
the corners of the land as nodes first, so that the new border is the land's own edge, node by node.
"""

from __future__ import annotations

from typing import Any

import shapely

from grid.topology import AREA_TOLERANCE_M2, Unit, fault, insert_nodes, local_area_m2


class Land:
    """Land on its way from one outline to another.

    Attributes
    ----------
    shape : polygon
    units : list of Unit
        The zones or areas that it consists of, for messages.
    parts_reason : str
        Why an outline may fall into more parts than before; empty: it may not.
    """

    def __init__(self, units: list[Unit], parts_reason: str = "") -> None:
        shapes = [part for unit in units for part in shapely.get_parts(unit.shape)]
        joined = (
            shapely.coverage_union_all(shapes)
            if shapely.coverage_is_valid(shapes)
            else shapely.union_all(shapes)
        )
        parts = shapely.get_parts(joined)
        self.shape = parts[0] if len(parts) == 1 else joined
        self.units = units
        self.parts_reason = parts_reason


def check_touches(land: Land, target: Unit) -> None:
    """Refuse land that has no edge in common with the area that is to take it.

    Raises
    ------
    TopologyFault
        ``not_neighbours``.
    """
    if land.parts_reason:
        return
    corners = shapely.get_coordinates([land.shape, target.shape])
    common = insert_nodes(land.shape, corners).intersection(insert_nodes(target.shape, corners))
    if common.length <= 0 or common.geom_type in ("Point", "MultiPoint"):
        raise fault(
            "not_neighbours",
            [*land.units, target],
            f"{', '.join(u.label for u in land.units)}: no edge in common with {target.label}",
            f"{'、'.join(u.label for u in land.units)} 与 {target.label} 没有公共边",
            land.shape,
        )


def without_land(area: Unit, land: Land) -> Any:
    """The outline of an area that gives land away.

    Raises
    ------
    TopologyFault
        ``empty_parent`` (nothing would be left) or ``multipart`` (it would fall apart).
    """
    rest = left_over(area, land)
    if rest.is_empty:
        raise fault(
            "empty_parent",
            [area],
            f"nothing would be left of {area.label}: give it another parent instead",
            f"{area.label} 将不剩任何网格：请改用上级变更",
            area.shape,
        )
    return _one_part(area, rest, land)


def left_over(area: Unit, land: Land) -> Any:
    """The outline of an area without land; empty when nothing is left."""
    corners = shapely.get_coordinates([area.shape, land.shape])
    rest = shapely.difference(insert_nodes(area.shape, corners), insert_nodes(land.shape, corners))
    return _clean(rest)


def with_land(area: Unit, land: Land) -> Any:
    """The outline of an area that takes land.

    Raises
    ------
    TopologyFault
        ``multipart``.
    """
    corners = shapely.get_coordinates([area.shape, land.shape])
    both = [*shapely.get_parts(insert_nodes(area.shape, corners))]
    both += [*shapely.get_parts(insert_nodes(land.shape, corners))]
    joined = shapely.coverage_union_all(both) if shapely.coverage_is_valid(both) else shapely.union_all(both)
    return _one_part(area, _clean(joined), land)


def _one_part(area: Unit, shape: Any, land: Land) -> Any:
    parts = len(shapely.get_parts(shape))
    if parts > len(shapely.get_parts(area.shape)) and not land.parts_reason:
        raise fault(
            "multipart",
            [area, *land.units],
            f"{area.label} would fall into {parts} parts",
            f"{area.label} 将分成 {parts} 个部分",
            shape,
        )
    return shape


def _clean(shape: Any) -> Any:
    """Without parts that are rounding."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    kept = [part for part in parts if local_area_m2(part) > AREA_TOLERANCE_M2]
    if len(kept) == 1:
        return kept[0]
    return shapely.multipolygons(kept) if kept else shapely.Polygon()
