"""Topology faults of an area file, each with its position.

========================  ==============================================================================
rule                      found when
========================  ==============================================================================
``duplicate``             two areas of a kind have the same shape
``overlap``               two areas of a tiling kind have land in common
``outside_parent``        an area reaches beyond its parent
``gap``                   land of a parent lies in none of its children of a tiling kind
``edge_not_shared``       two neighbours run along each other without the same vertices
``label_outside``         the label point of the file does not lie in its area (swapped boundaries)
========================  ==============================================================================

Tiling kinds are county, town, community and unit grid. Functional zones and water may overlap
and reach beyond their parent.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

if TYPE_CHECKING:
    import geopandas as gpd

TILING_KINDS = ("county", "town", "community", "unit_grid")
OVERLAYS = ("functional_zone", "water")
"""Kinds that may overlap the tiling kinds."""
TOLERANCE_M2 = 0.1
"""Overlaps and gaps up to this area are rounding errors."""
METRES_PER_DEGREE = 111_319.49


@dataclass(frozen=True)
class AreaFault:
    """Topology fault of one or more areas.

    Attributes
    ----------
    areas : tuple of str
        The areas concerned, as ``name (code)``.
    lon, lat : float
        A point on the fault, EPSG:4326.
    area_m2 : float
        Area of the fault; 0 for faults of lines and points.
    """

    rule: str
    kind: str
    areas: tuple[str, ...]
    lon: float
    lat: float
    area_m2: float
    zh: str
    en: str

    def __str__(self) -> str:
        size = f", {self.area_m2:,.1f} m²" if self.area_m2 else ""
        what = f"{self.rule}: {self.kind} {', '.join(self.areas)}: {self.en} {self.zh}"
        return f"{what} @ {self.lon:.6f},{self.lat:.6f}{size}"


def find_topology_faults(frame: gpd.GeoDataFrame, parents: Mapping[str, Any]) -> list[AreaFault]:
    """Find the topology faults of valid polygons, sorted by kind.

    Parameters
    ----------
    frame : GeoDataFrame
        ``code``, ``kind``, ``parent_code`` and polygons, EPSG:4326; optional ``label_lon``, ``label_lat``.
    parents : mapping
        Shapes of stored areas, by code; areas of the frame take precedence.

    Returns
    -------
    list of AreaFault
    """
    large = frame[frame["kind"].isin(("city", "county", "town", "community"))]
    known = dict(parents) | dict(zip(large["code"].astype(str), large.geometry, strict=True))
    faults: list[AreaFault] = []
    for kind, part in frame.groupby("kind", sort=False):
        faults += _duplicates(str(kind), part)
        outside = [] if kind in OVERLAYS else _outside_parent(str(kind), part, known)
        faults += outside
        if kind in TILING_KINDS:
            clashes = _overlaps_and_edges(str(kind), part)
            faults += clashes
            faults += _gaps(str(kind), part, known, apart=not clashes and not outside)
    return faults + _misplaced_labels(frame)


def _square_metres(shape: Any) -> float:
    if shape.is_empty:
        return 0.0
    lat = shapely.bounds(shape)[1]
    return float(shape.area) * METRES_PER_DEGREE**2 * math.cos(math.radians(lat))


def _fault(rule: str, kind: str, areas: tuple[str, ...], place: Any, zh: str, en: str) -> AreaFault:
    point = place.representative_point()
    return AreaFault(rule, kind, areas, point.x, point.y, round(_square_metres(place), 1), zh, en)


def _parts(shape: Any) -> Iterator[Any]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon" and _square_metres(part) > TOLERANCE_M2:
            yield part


def _duplicates(kind: str, part: gpd.GeoDataFrame) -> list[AreaFault]:
    same: dict[bytes, list[int]] = defaultdict(list)
    for position, wkb in enumerate(shapely.to_wkb(shapely.normalize(part.geometry.to_numpy()))):
        same[wkb].append(position)
    codes = _display_names(part)
    return [
        _fault(
            "duplicate", kind, tuple(codes[found]), part.geometry.iloc[found[0]], "图形重复", "the same shape"
        )
        for found in same.values()
        if len(found) > 1
    ]


def _overlaps_and_edges(kind: str, part: gpd.GeoDataFrame) -> list[AreaFault]:
    """Find overlaps, and edges that are not shared where nothing overlaps."""
    shapes, codes = part.geometry.to_numpy(), _display_names(part)
    if shapely.coverage_is_valid(shapes):
        return []
    pairs = shapely.STRtree(shapes).query(shapes, predicate="intersects").T
    pairs = pairs[pairs[:, 0] < pairs[:, 1]]
    common = shapely.intersection(shapes[pairs[:, 0]], shapes[pairs[:, 1]])
    faults, overlapping = [], set()
    for (i, j), shape in zip(pairs.tolist(), common, strict=True):
        for place in _parts(shape):
            overlapping |= {i, j}
            faults.append(_fault("overlap", kind, (codes[i], codes[j]), place, "重叠", "overlap"))
    edges = shapely.coverage_invalid_edges(shapes)
    for i, edge in enumerate(edges):
        if edge is not None and not edge.is_empty and i not in overlapping:
            zh, en = "公共边顶点不一致", "an edge is not shared vertex by vertex"
            faults.append(_fault("edge_not_shared", kind, (codes[i],), edge, zh, en))
    return faults


def _display_names(part: gpd.GeoDataFrame) -> Any:
    return np.array(
        [f"{name} ({code})" for name, code in zip(part["name"], part["code"], strict=True)], dtype=object
    )


def _parent_codes(part: gpd.GeoDataFrame) -> list[str]:
    return ["" if v is None or v != v else str(v) for v in part["parent_code"]]


def _outside_parent(kind: str, part: gpd.GeoDataFrame, known: Mapping[str, Any]) -> list[AreaFault]:
    shapely.prepare([known[code] for code in set(_parent_codes(part)) if code in known])
    faults = []
    for code, parent, shape in zip(_display_names(part), _parent_codes(part), part.geometry, strict=True):
        if parent in known and not known[parent].covers(shape):
            for place in _parts(shape.difference(known[parent])):
                zh, en = f"超出上级 {parent}", f"reaches beyond its parent {parent}"
                faults.append(_fault("outside_parent", kind, (code,), place, zh, en))
    return faults


def _gaps(kind: str, part: gpd.GeoDataFrame, known: Mapping[str, Any], *, apart: bool) -> list[AreaFault]:
    """Find gaps between the children of each parent.

    Areas that lie ``apart`` inside their parent leave no gap when their sizes add up to its size.
    """
    children: dict[str, list[Any]] = defaultdict(list)
    for parent, shape in zip(_parent_codes(part), part.geometry, strict=True):
        children[parent].append(shape)
    faults = []
    for parent, shapes in sorted(children.items()):
        if parent in known and not (apart and _same_size(known[parent], shapes)):
            for place in _parts(known[parent].difference(shapely.union_all(shapes))):
                zh, en = f"{parent} 内有未覆盖的缝隙", f"land of {parent} lies in none of these areas"
                faults.append(_fault("gap", kind, (parent,), place, zh, en))
    return faults


def _same_size(parent: Any, children: list[Any]) -> bool:
    missing = parent.area - float(shapely.area(children).sum())
    return bool(abs(missing) * METRES_PER_DEGREE**2 < TOLERANCE_M2)


def _misplaced_labels(frame: gpd.GeoDataFrame) -> list[AreaFault]:
    if "label_lon" not in frame or "label_lat" not in frame:
        return []
    lon, lat = (frame[name].astype(float).to_numpy() for name in ("label_lon", "label_lat"))
    inside = shapely.contains_xy(frame.geometry.to_numpy(), lon, lat)
    labels = _display_names(frame)
    rows = np.flatnonzero(np.isfinite(lon) & np.isfinite(lat) & ~inside)
    zh, en = "标注点不在区域内", "its label point does not lie in it"
    return [
        AreaFault(
            "label_outside",
            str(frame["kind"].iloc[i]),
            (labels[i],),
            lon[i],
            lat[i],
            0.0,
            zh,
            en,
        )
        for i in rows.tolist()
    ]


def write_fault_report(faults: list[AreaFault], path: Path) -> None:
    """Write the faults as GeoJSON points."""
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [fault.lon, fault.lat]},
            "properties": {
                name: value for name, value in asdict(fault).items() if name not in ("lon", "lat")
            },
        }
        for fault in faults
    ]
    document = {"type": "FeatureCollection", "features": features}
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")
