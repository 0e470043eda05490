"""Transfer of land between larger areas: a zone to another community, a community to another town.

The outline of the giving area is its shape without the land, the outline of the receiving area is the union.
Both first get the corners of the land as nodes, so that the new border is the land's own edge, node by node.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import shapely

from grid.topology.changed_edges import box_around, unshared_edges
from grid.topology.checks import AREA_TOLERANCE_M2, Unit, insert_nodes, local_area_m2, topology_fault
from grid.topology.merge import union_zones


class TransferredLand:
    """Land that moves from one outline to another.

    Attributes
    ----------
    shape : polygon
    units : list of Unit
        Zones or areas of the land, for messages.
    parts_reason : str
        Reason why an outline may get more parts than before; empty: it may not.
    """

    def __init__(self, units: list[Unit], parts_reason: str = "") -> None:
        shapes = [part for unit in units for part in shapely.get_parts(unit.shape)]
        self.shape = shapes[0] if len(shapes) == 1 else union_zones(shapes)
        self.units = units
        self.parts_reason = parts_reason


def check_common_edge(land: TransferredLand, target: Unit) -> None:
    """Raise an error when the land has no common edge with the receiving area.

    Raises
    ------
    TopologyFault
        ``not_neighbours``.
    """
    if land.parts_reason:
        return
    near = _clip_around(target.shape, land.shape)
    if not (_has_common_edge(land.shape, near) or _has_common_edge(land.shape, target.shape)):
        raise topology_fault(
            "not_neighbours",
            [*land.units, target],
            f"{', '.join(u.label for u in land.units)}: no edge in common with {target.label}",
            f"{'、'.join(u.label for u in land.units)} 与 {target.label} 没有公共边",
            land.shape,
        )


def _has_common_edge(land: Any, area: Any) -> bool:
    taken, around = _with_common_nodes(land, area)
    common = taken.intersection(around)
    return bool(common.length > 0) and common.geom_type not in ("Point", "MultiPoint")


def subtract_land(area: Unit, land: TransferredLand) -> Any:
    """Return the outline of an area after it gave land away.

    Raises
    ------
    TopologyFault
        ``empty_parent`` (nothing would be left) or ``multipart`` (it would fall apart).
    """
    rest = remaining_outline(area, land)
    if rest.is_empty:
        raise topology_fault(
            "empty_parent",
            [area],
            f"nothing would be left of {area.label}: give it another parent instead",
            f"{area.label} 将不剩任何网格：请改用上级变更",
            area.shape,
        )
    return _one_part(area, rest, land)


def remaining_outline(area: Unit, land: TransferredLand) -> Any:
    """Return the outline of an area without land; empty when nothing is left."""
    whole, away = _with_common_nodes(area.shape, land.shape)
    return _drop_rounding_parts(shapely.difference(whole, away))


def add_land(area: Unit, land: TransferredLand) -> Any:
    """Return the outline of an area after it received land.

    Raises
    ------
    TopologyFault
        ``multipart``.
    """
    both = list(shapely.get_parts(_with_common_nodes(area.shape, land.shape)))
    shared = unshared_edges(both, box_around(land.shape)).is_empty
    joined = shapely.coverage_union_all(both) if shared else shapely.union_all(both)
    return _one_part(area, _drop_rounding_parts(joined), land)


def exchange_land(area: Unit, gone: Sequence[Any], come: Sequence[Any]) -> Any:
    """Return the outline of an area that gives some shapes away and takes others in their place.

    Parameters
    ----------
    area : Unit
    gone, come : sequence of polygons
        Together they are a changed part of the land; most of both is the same land.

    Raises
    ------
    TopologyFault
        ``empty_parent``, ``multipart``.
    """
    away = TransferredLand([dataclasses.replace(area, shape=shape) for shape in gone], "checked below")
    rest = remaining_outline(area, away)
    taken = TransferredLand([dataclasses.replace(area, shape=shape) for shape in come], "checked below")
    whole = taken.shape if rest.is_empty else add_land(dataclasses.replace(area, shape=rest), taken)
    return _one_part(area, whole, TransferredLand([area]))


def _with_common_nodes(one: Any, other: Any) -> tuple[Any, Any]:
    """Return two shapes, each with the corners of the other on its edges."""
    return (
        insert_nodes(one, shapely.get_coordinates(other)),
        insert_nodes(other, shapely.get_coordinates(one)),
    )


def _clip_around(area: Any, land: Any) -> Any:
    """Return the part of an area around the box of land; its corners may differ in the last digit."""
    box = box_around(land)
    parts = shapely.get_parts(shapely.intersection(area, shapely.box(*box)))
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])


def _one_part(area: Unit, shape: Any, land: TransferredLand) -> Any:
    parts = len(shapely.get_parts(shape))
    if parts > len(shapely.get_parts(area.shape)) and not land.parts_reason:
        raise topology_fault(
            "multipart",
            [area, *land.units],
            f"{area.label} would fall into {parts} parts",
            f"{area.label} 将分成 {parts} 个部分",
            shape,
        )
    return shape


def _drop_rounding_parts(shape: Any) -> Any:
    """Remove parts that are rounding errors."""
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    kept = [part for part in parts if local_area_m2(part) > AREA_TOLERANCE_M2]
    if len(kept) == 1:
        return kept[0]
    return shapely.multipolygons(kept) if kept else shapely.Polygon()
