"""Edges that neighbours do not share are found from a box around a change as from all outlines."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from grid.topology import MARGIN_DEG, changed_box, expand_box, union_box, unshared_edges
from grid.topology.changed_edges import EMPTY_BOX
from tests.support.grown_town import voronoi_zones
from tests.support.long_runs import examples

ZONES = [zone for seed in (1, 2) for zone in [voronoi_zones(seed)]]
PICK = st.integers(0, 10**6)


def bent(zone: shapely.Polygon, corner: int, by_deg: float) -> shapely.Polygon:
    """A zone with one corner of its outer ring elsewhere; not at all when ``by_deg`` is NaN."""
    ring = shapely.get_coordinates(zone.exterior)[:-1]
    if np.isnan(by_deg):
        ring = np.delete(ring, corner % len(ring), axis=0)
    else:
        ring[corner % len(ring)] += by_deg
    return shapely.Polygon(ring, zone.interiors)


@examples(150)
@given(st.sampled_from(ZONES), PICK, PICK, st.sampled_from([np.nan, 1e-6, -2e-5, 1e-12]))
def test_a_box_around_the_change_tells_what_the_whole_tells(
    zones: list[shapely.Polygon], which: int, corner: int, by_deg: float
) -> None:
    number = which % len(zones)
    old = zones[number]
    new = bent(old, corner, by_deg)
    if not new.is_valid:
        return
    box = changed_box(old, new)
    after = [*zones[:number], new, *zones[number + 1 :]]
    assert shapely.coverage_is_valid(zones)
    assert unshared_edges(zones, box).is_empty
    found = unshared_edges(after, expand_box(box, MARGIN_DEG))
    assert found.is_empty == shapely.coverage_is_valid(after)
    every = shapely.union_all(shapely.coverage_invalid_edges(after))
    assert found.within(every.buffer(1e-9)) or found.is_empty
    west, south, east, north = shapely.union_all(zones).bounds
    if box[0] > (west + east) / 2 + 1e-4:
        away = (west, south, (west + box[0]) / 2 - 1e-4, north)
        assert unshared_edges(after, away).is_empty


@given(st.sampled_from(ZONES), PICK, PICK, st.sampled_from([np.nan, 1e-6, -2e-5]))
def test_the_changed_box_holds_all_other_land(
    zones: list[shapely.Polygon], which: int, corner: int, by_deg: float
) -> None:
    old = zones[which % len(zones)]
    new = bent(old, corner, by_deg)
    box = changed_box(old, new)
    assert changed_box(new, old) == box
    assert changed_box(old, old.reverse()) == EMPTY_BOX
    if new.is_valid:
        assert shapely.box(*expand_box(box, 1e-12)).covers(old.symmetric_difference(new))


def test_nothing_has_changed_nowhere() -> None:
    assert union_box([]) == EMPTY_BOX
    assert union_box([EMPTY_BOX, (1.0, 2.0, 3.0, 4.0), (0.0, 3.0, 1.0, 9.0)]) == (0.0, 2.0, 3.0, 9.0)
    assert unshared_edges(ZONES[0], EMPTY_BOX).is_empty
    assert unshared_edges([shapely.Polygon()], (0.0, 0.0, 1.0, 1.0)).is_empty
