"""The quickest ways over the road network."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

from geo_api.demo_city.roads import SPEED_KMH, RoadNetwork
from geo_api.demo_city.tessellation import Floats, Ints


class Router:
    """Finds ways; those from one place are computed once."""

    def __init__(self, roads: RoadNetwork) -> None:
        self._roads = roads
        self._graph = roads.graph(roads.length_m / SPEED_KMH[roads.kind])
        self._nodes = cKDTree(roads.nodes)
        self._edge = {pair: i for i, pair in enumerate(map(tuple, roads.edges.tolist()))}
        self._before: dict[int, Ints] = {}
        self._ways: dict[tuple[int, int], Floats] = {}

    def way(self, a: Floats, b: Floats) -> Floats:
        """Return the line from ``a`` to ``b``: to the nearest node, along roads, and from the last node.

        Shape (k, 2).
        """
        first, last = (int(self._nodes.query(point)[1]) for point in (a, b))
        line = self._between(first, last) if first != last else self._roads.nodes[[first]]
        return np.concatenate([[a], line, [b]])

    def _between(self, first: int, last: int) -> Floats:
        if (first, last) not in self._ways:
            if first not in self._before and last in self._before:
                return self._between(last, first)[::-1]
            self._ways[first, last] = self._along(self._nodes_between(first, last))
        return self._ways[first, last]

    def _nodes_between(self, first: int, last: int) -> list[int]:
        if first not in self._before:
            _, self._before[first] = dijkstra(self._graph, indices=first, return_predecessors=True)
        before, way = self._before[first], [last]
        while way[-1] != first:
            way.append(int(before[way[-1]]))
        return way[::-1]

    def _along(self, way: list[int]) -> Floats:
        """Lines of the edges between nodes, one after the other."""
        parts = [self._roads.nodes[way[:1]]]
        for a, b in pairwise(way):
            edge = self._edge.get((a, b))
            shape = self._roads.shapes[self._edge[b, a]][::-1] if edge is None else self._roads.shapes[edge]
            parts.append(shape[1:])
        return np.concatenate(parts)
