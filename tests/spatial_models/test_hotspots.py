"""Gi* against esda, neighbourhoods against h3, false-discovery rate by hand."""

from __future__ import annotations

from typing import Any

import h3
import numpy as np
import pytest
from esda.getisord import G_Local
from hypothesis import given
from hypothesis import strategies as st
from libpysal.weights import W
from scipy import sparse, stats

from spatial_models.errors import InputFrameError, ParameterError, StudyAreaError
from spatial_models.hotspots import getis_ord_star, ring_weights
from spatial_models.hotspots.getis_ord import false_discovery_q
from tests.support.long_runs import count, examples

CENTRE = h3.latlng_to_cell(32.0, 120.9, 8)


def disk(k: int) -> np.ndarray:
    return np.array(sorted(h3.str_to_int(c) for c in h3.grid_disk(CENTRE, k)), dtype=np.uint64)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_rings_are_those_of_h3(k: int) -> None:
    rng = np.random.default_rng(k)
    cells = rng.permutation(disk(9))[:200]  # with holes, in no order
    weights = ring_weights(cells, k)
    names = [h3.int_to_str(int(c)) for c in cells]
    for row, name in enumerate(names):
        near = set(h3.grid_disk(name, k))
        expected = {i for i, other in enumerate(names) if other in near}
        assert set(weights[[row]].indices.tolist()) == expected
    assert (weights.data == 1.0).all() and (weights != weights.T).nnz == 0


def test_pentagon_has_five_neighbours() -> None:
    pentagon = next(iter(h3.get_pentagons(5)))
    cells = np.array([h3.str_to_int(c) for c in h3.grid_disk(pentagon, 1)], dtype=np.uint64)
    assert sorted(ring_weights(cells).sum(axis=1).tolist()) == [4.0] * 5 + [6.0]


def test_signed_cells_and_star_form() -> None:
    cells = disk(3)
    signed = ring_weights(cells.astype(np.int64))
    assert (signed != ring_weights(cells)).nnz == 0
    assert ring_weights(cells, include_self=False).diagonal().sum() == 0
    assert ring_weights(cells).diagonal().sum() == len(cells)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (np.array([1, 2], dtype=np.uint64), "no H3 cell"),
        (np.append(disk(1), disk(1)[:1]), "2 times"),
        (
            np.array([disk(1)[0], h3.str_to_int(h3.latlng_to_cell(32.0, 120.9, 7))], dtype=np.uint64),
            "resolutions",
        ),
        (np.array([0.5]), "integers"),
    ],
)
def test_study_area_is_checked(cells: Any, message: str) -> None:
    with pytest.raises(StudyAreaError, match=message):
        ring_weights(cells)


def esda_star(values: np.ndarray, weights: sparse.csr_array) -> G_Local:
    rows = {i: weights[[i]].indices.tolist() for i in range(len(values))}
    return G_Local(values, W(rows, silence_warnings=True), transform="B", star=True, permutations=0)


@examples(30)
@given(st.integers(0, 2**31), st.sampled_from(["poisson", "normal", "sparse"]), st.integers(1, 3))
def test_equal_to_esda(seed: int, kind: str, k: int) -> None:
    rng = np.random.default_rng(seed)
    cells = disk(7)
    values = {
        "poisson": rng.poisson(2.0, len(cells)),
        "normal": rng.normal(100.0, 3.0, len(cells)),
        "sparse": (rng.uniform(size=len(cells)) < 0.05) * rng.integers(1, 9, len(cells)),
    }[kind].astype(float)
    values[0] += 1.0
    weights = ring_weights(cells, k)
    found, reference = getis_ord_star(values, weights), esda_star(values, weights)
    assert np.abs(found["z"].to_numpy() - reference.Zs).max() < 1e-9
    assert np.abs(found["p"].to_numpy() - 2 * reference.p_norm).max() < 1e-9


@examples(50)
@given(st.integers(0, 2**31), st.floats(0.1, 1000), st.floats(-1000, 1000))
def test_scale_and_shift_change_nothing_and_the_sign_mirrors(seed: int, scale: float, shift: float) -> None:
    values = np.random.default_rng(seed).poisson(3.0, 127).astype(float)
    values[0] += 1.0
    weights = ring_weights(disk(6))
    z = getis_ord_star(values, weights)["z"].to_numpy()
    assert np.allclose(getis_ord_star(values * scale + shift, weights)["z"].to_numpy(), z, atol=1e-6)
    assert np.allclose(getis_ord_star(-values, weights)["z"].to_numpy(), -z, atol=1e-9)
    order = np.random.default_rng(seed).permutation(127)
    turned = getis_ord_star(values[order], ring_weights(disk(6)[order]))["z"].to_numpy()
    assert np.allclose(turned, z[order], atol=1e-9)


def test_planted_hot_spot_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(11)
    cells = disk(20)
    values = rng.poisson(2.0, len(cells)).astype(float)
    assert (getis_ord_star(values, ring_weights(cells))["gi_bin"] != 0).sum() <= len(cells) * 0.01
    hot = np.isin(cells, [h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 2)])
    values[hot] += 8
    found = getis_ord_star(values, ring_weights(cells))
    assert (found["gi_bin"].to_numpy()[hot] == 3).all()
    cold = values.copy()
    assert getis_ord_star(-cold, ring_weights(cells))["gi_bin"].to_numpy()[hot].max() == -3


def test_rate_against_exposure_does_not_see_busy_roads() -> None:
    rng = np.random.default_rng(2)
    cells = disk(12)
    exposure = np.where(rng.uniform(size=len(cells)) < 0.5, 200.0, 20.0)
    hot = np.isin(cells, [h3.str_to_int(c) for c in h3.grid_disk(CENTRE, 2)])
    exposure[hot] = 2000.0
    values = np.round(exposure * 0.1)
    weights = ring_weights(cells)
    assert getis_ord_star(values, weights)["gi_bin"].to_numpy()[hot].min() == 3
    rated = getis_ord_star(values, weights, exposure=exposure)
    assert (rated["gi_bin"] == 0).all() and rated["value"].to_list() == pytest.approx([0.1] * len(cells))


def test_cells_without_exposure_take_no_part() -> None:
    cells = disk(6)
    values = np.random.default_rng(1).poisson(3.0, len(cells)).astype(float)
    exposure = np.ones(len(cells))
    exposure[:20] = 0.0
    found = getis_ord_star(values, ring_weights(cells), exposure=exposure)
    smaller = getis_ord_star(values[20:], ring_weights(cells[20:]))
    assert np.allclose(found["z"].to_numpy()[20:], smaller["z"].to_numpy())
    assert found["z"].to_list()[:20] == [0.0] * 20 and found["p"].to_list()[:20] == [1.0] * 20


def test_false_discovery_rate_is_scipys() -> None:
    rng = np.random.default_rng(4)
    for n in (1, 2, 100):
        p = rng.uniform(size=n) ** 2
        assert np.allclose(false_discovery_q(p), stats.false_discovery_control(p), atol=1e-15)
    assert false_discovery_q(np.empty(0)).tolist() == []


def test_permutations_are_seeded_and_agree_with_the_normal_form() -> None:
    rng = np.random.default_rng(8)
    cells = disk(12)
    values = rng.normal(50.0, 5.0, len(cells))
    weights = ring_weights(cells)

    def once(seed: int) -> Any:
        return getis_ord_star(values, weights, permutations=999, rng=np.random.default_rng(seed))

    one = once(1)
    assert one["p_sim"].to_list() == once(1)["p_sim"].to_list() != once(2)["p_sim"].to_list()
    apart = np.abs(one["p_sim"] - one["p"])
    assert apart.mean() < 0.03 and apart.max() < 0.15  # normal values: the normal form is right
    assert (one["p_adjusted"] >= one["p_sim"] - 0.05).all() and one["p_sim"].max() <= 1.0


@pytest.mark.parametrize("far", [0, 3_000])
def test_permutation_p_is_the_exact_one_for_a_tiny_area(far: int) -> None:
    """A path of four: the window of cell 0 is itself and one neighbour, of 9, 5, 2 and 1.

    12 ordered pairs; 14 is the greatest sum, of 2 of them: two-sided 2 x 2 / 12. With ``far`` more cells of
    no weight the field is a large one, which is drawn in blocks: then the sum of two of all.
    """
    path = sparse.csr_array(np.array([[1.0, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 1, 1]]))
    w = sparse.csr_array(sparse.block_diag([path, sparse.eye_array(far)])) if far else path
    x = np.array([9.0, 5.0, 2.0, 1.0, *(np.arange(far) % 7)])
    found = getis_ord_star(x, w, permutations=20_000 if not far else 2_000, rng=np.random.default_rng(0))
    if not far:
        assert found["p_sim"][0] == pytest.approx(1 / 3, abs=0.02)
    else:
        two = np.random.default_rng(1).choice(x, (200_000, 2))
        assert found["p_sim"][1] == pytest.approx(
            2 * (np.random.default_rng(2).choice(x, (200_000, 3)).sum(axis=1) >= 16).mean(), abs=0.004
        )
        assert found["p_sim"][0] == pytest.approx(2 * (two.sum(axis=1) >= 14).mean(), abs=0.004)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["sparse", "counts by exposure"])
def test_fields_of_chance_show_nothing(kind: str) -> None:
    """Of 200 fields of chance at most 16 show any cell of level 95, where the normal q shows most of them."""
    cells, shown, by_q = disk(18), 0, 0
    weights = ring_weights(cells)
    for seed in range(200):
        rng = np.random.default_rng([3, seed])
        if kind == "sparse":
            values, exposure = np.bincount(rng.choice(len(cells), 8), minlength=len(cells)), None
        else:
            exposure = rng.lognormal(0.0, 1.0, len(cells))
            values = rng.poisson(exposure)
        found = getis_ord_star(values, weights, exposure=exposure, permutations=count(99), rng=rng)
        shown += bool((found["level"].abs() >= 95).any())
        by_q += bool((found["gi_bin"].abs() >= 2).any())
    assert shown <= 16
    assert by_q >= 100


def test_flat_empty_and_wrong_input() -> None:
    weights = ring_weights(disk(3))
    flat = getis_ord_star(np.full(37, 7.0), weights)
    assert flat["z"].to_list() == [0.0] * 37 and flat["gi_bin"].to_list() == [0] * 37
    assert getis_ord_star([], ring_weights([])).height == 0
    with pytest.raises(InputFrameError, match="row 3"):
        getis_ord_star([*range(3), np.nan, *range(33)], weights)
    with pytest.raises(InputFrameError, match="weights"):
        getis_ord_star([1.0, 2.0], weights)
    with pytest.raises(InputFrameError, match="exposure"):
        getis_ord_star(np.ones(37), weights, exposure=-np.ones(37))
    with pytest.raises(ParameterError, match="rng"):
        getis_ord_star(np.arange(37.0), weights, permutations=9)
    with pytest.raises(InputFrameError, match="counts"):
        getis_ord_star(
            np.full(37, 0.5), weights, exposure=np.ones(37), permutations=9, rng=np.random.default_rng(1)
        )
    with pytest.raises(ParameterError, match="k must"):
        ring_weights(disk(1), 0)


def test_missing_diagonal_is_filled() -> None:
    values = np.random.default_rng(6).poisson(3.0, 127).astype(float)
    star, ring = ring_weights(disk(6)), ring_weights(disk(6), include_self=False)
    assert getis_ord_star(values, ring).equals(getis_ord_star(values, star))
