"""Crossings of a zone by a line: the parts of the line that run from outline to outline through the inside."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from grid.topology.checks import ON_EDGE_DEG, metres_scale

SNAP_M = 2.0
"""Distance within which an end of a line, or a crossing, moves onto a corner or an edge, metres."""
Points = NDArray[np.float64]


class LooseEnd(Exception):
    """The end of a line inside a polygon: the line does not run from edge to edge."""

    def __init__(self, place: Points) -> None:
        super().__init__(str(place))
        self.place = place


def crossings(polygon: Any, line: Points) -> list[Points]:
    """Return the parts of a line that cross a polygon, each from a point of the outline to another.

    Parts that stay within ``SNAP_M`` of the outline follow it and are left out.

    Parameters
    ----------
    polygon : shapely polygon
        Degrees.
    line : ndarray of float64, shape (n, 2)
        A simple line, degrees.

    Returns
    -------
    list of ndarray of float64, shape (k, 2)
        The first and the last point are corners or lie on an edge; those between are vertices of the line.

    Raises
    ------
    LooseEnd
        An end of the line lies inside.

    Examples
    --------
    >>> zone = shapely.box(0, 0, 0.01, 0.01)
    >>> [cut.tolist() for cut in crossings(zone, np.array([[-0.005, 0.004], [0.015, 0.004]]))]
    [[[0.0, 0.004], [0.01, 0.004]]]
    >>> crossings(zone, np.array([[0.02, 0.0], [0.02, 0.01]]))
    []
    """
    outline = _Outline(polygon)
    path = outline.with_ends_on_edges(line)
    loose = [end for end in (path[0], path[-1]) if outline.is_inside(end)]
    if loose:
        raise LooseEnd(loose[0])
    cuts = []
    for run in outline.runs_inside(path):
        if not outline.leaves_outline(run):
            continue
        cut = outline.ending_at_corners(run)
        if cut is not None:
            cuts.append(cut)
    return cuts


class _Outline:
    """Rings of a polygon, with lengths in local metres."""

    def __init__(self, polygon: Any) -> None:
        rings = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
        self.start = np.vstack([ring[:-1] for ring in rings])
        self.step = np.vstack([np.diff(ring, axis=0) for ring in rings])
        self.end = np.vstack([ring[1:] for ring in rings])
        self.scale = metres_scale(polygon.centroid.y)
        self.polygon = polygon
        self.turned = shapely.transform(polygon, lambda points: points[:, ::-1])
        shapely.prepare([polygon, self.turned])
        self.boundary_m = shapely.transform(polygon.boundary, lambda points: points * self.scale)
        shapely.prepare(self.boundary_m)
        self.edges = shapely.STRtree(shapely.linestrings(np.stack([self.start, self.end], axis=1)))

    def with_ends_on_edges(self, line: Points) -> Points:
        """Move an end of the line that lies within ``SNAP_M`` of the outline onto it."""
        moved = line.copy()
        for end, beside in ((0, 1), (-1, -2)):
            moved[end] = self._onto_outline(line[end])
            if np.array_equal(moved[end], moved[beside]):
                moved[end] = line[end]
        return moved

    def _onto_outline(self, point: Points) -> Points:
        corner_m = np.hypot(*((self.start - point) * self.scale).T)
        nearest = int(np.argmin(corner_m))
        if corner_m[nearest] <= SNAP_M:
            return np.asarray(self.start[nearest])
        step_m = self.step * self.scale
        length2 = np.maximum((step_m**2).sum(axis=1), 1e-18)
        along = np.clip((((point - self.start) * self.scale) * step_m).sum(axis=1) / length2, 0, 1)
        foot = self.start + along[:, None] * self.step
        edge_m = np.hypot(*((foot - point) * self.scale).T)
        nearest = int(np.argmin(edge_m))
        return np.asarray(foot[nearest] if edge_m[nearest] <= SNAP_M else point)

    def is_inside(self, point: Points) -> bool:
        """Return whether a point lies inside, not on the outline."""
        return bool(shapely.contains_xy(self.polygon, *point)) and not self._lies_on_outline(point[None])[0]

    def runs_inside(self, path: Points) -> list[Points]:
        """Return the longest parts of a path between two points of the outline that run through the inside."""
        points, on_outline = self._noded(path)
        middles = (points[:-1] + points[1:]) / 2
        inside = self._contains(middles) & ~self._lies_on_outline(middles)
        runs: list[Points] = []
        begin: int | None = None
        for k in range(len(inside)):
            if not inside[k]:
                begin = None
                continue
            if on_outline[k]:
                begin = k
            if on_outline[k + 1] and begin is not None:
                runs.append(points[begin : k + 2])
                begin = None
        return runs

    def _contains(self, points: Points) -> NDArray[np.bool_]:
        """Return which points lie inside.

        GEOS compares a point with all edges at its height. Along an edge with many corners from west to east these
        are all of them, so that the zone is turned first.
        """
        wide, high = np.ptp(points * self.scale, axis=0)
        found: Any = (
            shapely.contains_xy(self.turned, points[:, ::-1])
            if wide > high
            else shapely.contains_xy(self.polygon, points)
        )
        return np.asarray(found, dtype=np.bool_)

    def _lies_on_outline(self, points: Points) -> NDArray[np.bool_]:
        tolerance_m = ON_EDGE_DEG * float(np.max(self.scale))
        lies: Any = shapely.dwithin(self.boundary_m, shapely.points(points * self.scale), tolerance_m)
        return np.asarray(lies, dtype=np.bool_)

    def _noded(self, path: Points) -> tuple[Points, NDArray[np.bool_]]:
        """Return the vertices of a path with its meetings with the outline, and which of them lie on it."""
        segments = shapely.linestrings(np.stack([path[:-1], path[1:]], axis=1))
        segment, edge = self.edges.query(segments, predicate="dwithin", distance=ON_EDGE_DEG)
        a, along = path[segment], path[segment + 1] - path[segment]
        step, offset = self.step[edge], self.start[edge] - path[segment]
        determinant = along[:, 0] * step[:, 1] - along[:, 1] * step[:, 0]
        with np.errstate(divide="ignore", invalid="ignore"):
            t = (offset[:, 0] * step[:, 1] - offset[:, 1] * step[:, 0]) / determinant
            u = (offset[:, 0] * along[:, 1] - offset[:, 1] * along[:, 0]) / determinant
        crosses = np.isfinite(t) & (t >= 0) & (t <= 1) & (u >= 0) & (u <= 1)
        place = self.start[edge] + np.clip(np.nan_to_num(u), 0, 1)[:, None] * step
        # corners on the segment: parallel edges meet it there
        corner_t = ((self.start[edge] - a) * along).sum(axis=1) / (along**2).sum(axis=1)
        foot = a + corner_t[:, None] * along
        touches = (
            (np.abs(foot - self.start[edge]).max(axis=1) <= ON_EDGE_DEG) & (corner_t >= 0) & (corner_t <= 1)
        )
        found = [
            *zip(segment[crosses], t[crosses], place[crosses], strict=True),
            *zip(segment[touches], corner_t[touches], self.start[edge][touches], strict=True),
        ]
        vertex_on = self._lies_on_outline(path)
        rows = [(k, 0.0, point, bool(vertex_on[k])) for k, point in enumerate(path)]
        rows += [(int(k), float(at), point, True) for k, at, point in found]
        rows.sort(key=lambda row: (row[0], row[1]))
        kept: list[Points] = []
        meets: list[bool] = []
        for _, _, point, on in rows:
            if kept and np.abs(point - kept[-1]).max() <= ON_EDGE_DEG:
                if on and not meets[-1]:
                    kept[-1], meets[-1] = point, True
                continue
            kept.append(point)
            meets.append(on)
        return np.array(kept), np.array(meets)

    def leaves_outline(self, run: Points) -> bool:
        """Return whether a run is anywhere further than ``SNAP_M`` from the outline."""
        line = shapely.LineString(run * self.scale)
        if line.length <= 2 * SNAP_M:  # both ends lie on the outline
            return False
        samples = shapely.get_coordinates(shapely.segmentize(line, max(line.length / 64, SNAP_M / 4)))
        return not shapely.dwithin(self.boundary_m, shapely.points(samples), SNAP_M).all()

    def ending_at_corners(self, run: Points) -> Points | None:
        """Return a run whose ends lie at the nearer corner of the crossed edge, where one is within ``SNAP_M``.

        An end that cannot move without leaving the inside or making the run cross itself stays; None: nothing of the
        run is left.
        """
        cut = run
        for end in (0, -1):
            moved = cut.copy()
            moved[end] = self._corner_of_edge(cut[end])
            if not np.array_equal(moved[end], cut[end]) and self._runs_inside_alone(moved):
                cut = moved
        return None if np.array_equal(cut[0], cut[-1]) and len(cut) < 4 else cut

    def _corner_of_edge(self, point: Points) -> Points:
        edge = self.edges.query(shapely.Point(point), predicate="dwithin", distance=ON_EDGE_DEG)
        corners = np.vstack([self.start[edge], self.end[edge]])
        if not len(corners):
            return point
        corner_m = np.hypot(*((corners - point) * self.scale).T)
        nearest = int(np.argmin(corner_m))
        return np.asarray(corners[nearest] if corner_m[nearest] <= SNAP_M else point)

    def _runs_inside_alone(self, cut: Points) -> bool:
        """Return whether a cut is simple and meets the outline with its ends only."""
        if len(cut) < 2 or any(np.array_equal(a, b) for a, b in itertools.pairwise(cut)):
            return False
        runs = self.runs_inside(cut)
        return len(runs) == 1 and np.array_equal(runs[0], cut) and bool(shapely.LineString(cut).is_simple)
