from __future__ import annotations

import h3
import numpy as np
import pytest
import shapely

from grid.areas import cell_boundaries, cells_of, parents_of
from grid.areas.cells import resolutions_of
from grid.errors import GridError


@pytest.fixture(scope="module")
def points() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return rng.uniform(-180, 180, 300), rng.uniform(-89, 89, 300)


@pytest.mark.parametrize("res", [0, 5, 9, 10, 15])
def test_cells_equal_those_of_the_reference_library(points: tuple[np.ndarray, np.ndarray], res: int) -> None:
    expected = [h3.str_to_int(h3.latlng_to_cell(lat, lon, res)) for lon, lat in zip(*points, strict=True)]
    cells = cells_of(*points, res)
    assert cells.dtype == np.uint64 and cells.tolist() == expected
    assert set(resolutions_of(cells)) == {res}


def test_parents_and_boundaries_equal_those_of_the_reference_library(
    points: tuple[np.ndarray, np.ndarray],
) -> None:
    cells = cells_of(*points, 9)
    texts = [h3.int_to_str(int(cell)) for cell in cells]
    assert parents_of(cells, 6).tolist() == [h3.str_to_int(h3.cell_to_parent(t, 6)) for t in texts]
    for text, shape in zip(texts[:40], cell_boundaries(cells[:40]), strict=True):
        other = shapely.Polygon([(lon, lat) for lat, lon in h3.cell_to_boundary(text)])
        assert shapely.get_num_coordinates(shape) == shapely.get_num_coordinates(other)
        assert shape.exterior.hausdorff_distance(other.exterior) < 1e-9


def test_what_is_no_point_has_no_cell() -> None:
    assert cells_of([np.nan, np.inf, 200, 120, 120], [30, 30, 30, 91, np.nan], 9).tolist() == [0] * 5
    assert parents_of([0], 3).tolist() == [0]
    assert len(cell_boundaries([])) == 0


def test_faulty_resolutions() -> None:
    with pytest.raises(GridError, match="16"):
        cells_of([120], [30], 16)
    with pytest.raises(GridError, match="coarser"):
        parents_of(cells_of([120], [30], 5), 9)
