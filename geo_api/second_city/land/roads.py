"""Roads of the second city: hubs joined to their neighbours, good enough to drive along."""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from geo_api.second_city.land.ground import XY, Ground

Floats = NDArray[np.float64]
DIRECT_M = 2_500.0
"""Nearer places are joined by a lane of their own."""


class Roads:
    """A net of hubs.

    Parameters
    ----------
    ground
        Hands out places for the hubs, away from what was placed before.
    hubs
        How many there are.
    """

    def __init__(self, ground: Ground, hubs: int = 26) -> None:
        self.hubs = np.array([ground.free(700) for _ in range(hubs)])
        apart = np.hypot(*(self.hubs[:, None, :] - self.hubs[None, :, :]).transpose(2, 0, 1))
        self._joined = {hub: [int(other) for other in np.argsort(apart[hub])[1:5]] for hub in range(hubs)}
        for hub, others in list(self._joined.items()):
            for other in others:
                if hub not in self._joined[other]:
                    self._joined[other].append(hub)
        self._apart = apart

    def way(self, start: XY, end: XY) -> Floats:
        """Corners of the way from one place to another."""
        if np.hypot(end[0] - start[0], end[1] - start[1]) < DIRECT_M:
            return np.array([start, end])
        chain = self._shortest(self._nearest(start), self._nearest(end))
        return np.array([start, *(tuple(self.hubs[hub]) for hub in chain), end])

    def _nearest(self, xy: XY) -> int:
        return int(np.argmin(np.hypot(self.hubs[:, 0] - xy[0], self.hubs[:, 1] - xy[1])))

    def _shortest(self, first: int, last: int) -> list[int]:
        queue: list[tuple[float, int, list[int]]] = [(0.0, first, [first])]
        seen: set[int] = set()
        while queue:
            length, hub, chain = heapq.heappop(queue)
            if hub == last:
                return chain
            if hub in seen:
                continue
            seen.add(hub)
            for other in self._joined[hub]:
                if other not in seen:
                    heapq.heappush(queue, (length + float(self._apart[hub, other]), other, [*chain, other]))
        return [first, last]
