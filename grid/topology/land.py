"""Land that changes its larger area: a zone goes to another community, a community to another town.

The outline of the area that gives is its shape without the land, that of the area that takes is their union. Both get
the corners of the land as nodes first, so that the new border is the land's own edge, node by node.
"""

from __future__ import annotations

from typing import Any

import shapely

from grid.topology.changed_edges import box_around, unshared_edges
from grid.topology.checks import AREA_TOLERANCE_M2, Unit, fault, insert_nodes, local_area_m2
from grid.topology.merge import united


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
        self.shape = shapes[0] if len(shapes) == 1 else united(shapes)
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
    near = _beside(target.shape, land.shape)
    if not (_has_common_edge(land.shape, near) or _has_common_edge(land.shape, target.shape)):
        raise fault(
            "not_neighbours",
            [*land.units, target],
            f"{', '.join(u.label for u in land.units)}: no edge in common with {target.label}",
            f"{'、'.join(u.label for u in land.units)} 与 {target.label} 没有公共边",
            land.shape,
        )


def _has_common_edge(land: Any, area: Any) -> bool:
    taken, around = _noded(land, area)
    common = taken.intersection(around)
    return bool(common.length > 0) and common.geom_type not in ("Point", "MultiPoint")


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
    whole, away = _noded(area.shape, land.shape)
    return _clean(shapely.difference(whole, away))


def with_land(area: Unit, land: Land) -> Any:
    """The outline of an area that takes land.

    Raises
    ------
    TopologyFault
        ``multipart``.
    """
    both = list(shapely.get_parts(_noded(area.shape, land.shape)))
    shared = unshared_edges(both, box_around(land.shape)).is_empty
    joined = shapely.coverage_union_all(both) if shared else shapely.union_all(both)
    return _one_part(area, _clean(joined), land)


def _noded(one: Any, other: Any) -> tuple[Any, Any]:
    """Two shapes, each with the corners of the other on its edges."""
    return (
        insert_nodes(one, shapely.get_coordinates(other)),
        insert_nodes(other, shapely.get_coordinates(one)),
    )


def _beside(area: Any, land: Any) -> Any:
    """What an area has around the box of land; cut out, its corners may differ in the last digit."""
    box = box_around(land)
    parts = shapely.get_parts(shapely.intersection(area, shapely.box(*box)))
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])


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
