"""Conversions against published points, other libraries' figures and their own inverses."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.codes import crs, gcj_region
from layers.errors import InputError, UnknownCrs

NANTONG = (120.2, 31.68, 121.93, 32.72)
METRES_PER_DEGREE = 111_320.0
ROOT = Path(__file__).parents[2]
PLACES = ROOT / "tests" / "maps" / "gcj02.json"


def nantong_grid(n: int = 140) -> tuple[np.ndarray, np.ndarray]:
    lon, lat = np.meshgrid(np.linspace(NANTONG[0], NANTONG[2], n), np.linspace(NANTONG[1], NANTONG[3], n))
    return lon.ravel(), lat.ravel()


def metres(lon_a, lat_a, lon_b, lat_b):
    east = (np.asarray(lon_a) - lon_b) * METRES_PER_DEGREE * np.cos(np.radians(lat_b))
    return np.hypot(east, (np.asarray(lat_a) - lat_b) * METRES_PER_DEGREE)


# A point computed independently with coord-convert 0.2.1 and prcoords 1.0.2, which agree to the last digit.
WGS = (120.8645, 32.0163)
GCJ = (120.86874685954173, 32.01414816576245)
BD = (120.87522168320417, 32.02016694038599)


def test_golden_point_forward():
    assert np.allclose(np.ravel(crs.wgs84_to_gcj02(*WGS)), GCJ, atol=1e-11, rtol=0)
    assert np.allclose(np.ravel(crs.gcj02_to_bd09(*GCJ)), BD, atol=1e-11, rtol=0)
    assert np.allclose(np.ravel(crs.from_storage(*WGS, "bd09")), BD, atol=1e-11, rtol=0)


def test_golden_point_backward_is_better_than_a_centimetre():
    for name, point in (("gcj02", GCJ), ("bd09", BD)):
        lon, lat = crs.to_storage(*point, name)
        assert metres(lon, lat, *WGS).max() < 0.001


def test_mean_shift_in_nantong_is_477_m():
    lon, lat = nantong_grid()
    shift = metres(*crs.wgs84_to_gcj02(lon, lat), lon, lat)
    assert shift.mean() == pytest.approx(477, abs=6)
    assert shift.max() == pytest.approx(499, abs=4)


@pytest.mark.parametrize("name", ["gcj02", "bd09", "EPSG:4549", "EPSG:3857", "EPSG:32651"])
def test_round_trip_over_the_city(name):
    lon, lat = nantong_grid()
    back = crs.to_storage(*crs.from_storage(lon, lat, name), name)
    assert metres(*back, lon, lat).max() < 0.001


@given(st.floats(74, 134), st.floats(4, 53))
def test_round_trip_in_china(lon, lat):
    for name in ("gcj02", "bd09"):
        back = crs.to_storage(*crs.from_storage(lon, lat, name), name)
        assert metres(*back, lon, lat).max() < 0.01


@given(st.floats(-180, 180), st.floats(-85, 85))
def test_round_trip_everywhere(lon, lat):
    for name in ("gcj02", "bd09") if abs(lat) > 1 else ("gcj02",):
        back = crs.to_storage(*crs.from_storage(lon, lat, name), name)
        assert metres(*back, lon, lat).max() < 0.01


@given(
    st.sampled_from(["edge of the rectangle", "edge of the outline"]), st.floats(0, 1), st.floats(-0.5, 0.5)
)
def test_round_trip_near_every_edge(of, along, off):
    outline = shapely.box(*np.array(crs.GCJ_RECTANGLE)[[0, 1, 2, 3]]) if "rect" in of else gcj_region.OUTLINE
    edges = shapely.get_parts(shapely.boundary(outline))
    edge = edges[int(along * (len(edges) - 1))]
    place = shapely.line_interpolate_point(edge, along, normalized=True)
    lon, lat = place.x + off, place.y - off / 2
    back = crs.to_storage(*crs.from_storage(lon, lat, "gcj02"), "gcj02")
    assert metres(*back, lon, lat).max() < 0.01


@pytest.mark.parametrize(
    ("place", "is_shifted"),
    [
        ((126.98, 37.57), False),  # Seoul
        ((135.50, 34.69), False),  # Osaka
        ((105.85, 21.03), False),  # Hanoi
        ((77.21, 28.61), False),  # Delhi
        ((76.95, 43.24), False),  # Almaty
        ((131.90, 43.12), False),  # Vladivostok
        ((116.40, 39.90), True),  # Beijing
        ((87.62, 43.82), True),  # Urumqi
        ((114.17, 22.30), True),  # Hong Kong
        ((110.33, 20.03), True),  # Haikou
        ((127.53, 50.24), True),  # Heihe, on the border
        ((97.86, 24.01), True),  # Ruili, on the border
        ((75.99, 39.47), True),  # Kashgar
    ],
)
def test_gcj_is_the_system_of_places_in_china(place, is_shifted):
    moved = metres(*crs.wgs84_to_gcj02(*place), *place).max()
    assert (100 < moved < 1_000) if is_shifted else moved == 0


def test_gcj_shifts_only_inside_its_rectangle():
    lon = np.array([71.9, 137.9, 120.0, 120.0, -122.4])
    lat = np.array([32.0, 32.0, 0.5, 56.0, 37.8])
    x, y = crs.wgs84_to_gcj02(lon, lat)
    assert (x == lon).all() and (y == lat).all()
    x, y = crs.gcj02_to_wgs84(lon, lat)
    assert (x == lon).all() and (y == lat).all()
    assert crs.in_gcj_rectangle([72.1, np.nan], [1.0, 32.0]).tolist() == [True, False]


@pytest.mark.parametrize("name", ["wgs84", "CGCS2000", "EPSG:4326", "epsg:4490"])
def test_equal_systems_change_nothing(name):
    lon, lat = crs.to_storage([120.1234567], [32.7654321], name)
    assert (lon[0], lat[0]) == (120.1234567, 32.7654321)


def test_metric_origin_lies_on_its_central_meridian():
    # EPSG:4549: central meridian 120 E, false easting 500 km, scale 1; a quarter meridian to 32 N by the
    # series.
    x, y = crs.to_metric(120.0, 32.0, 4549)
    assert float(x) == pytest.approx(500_000, abs=1e-3)
    assert float(y) == pytest.approx(3_542_000, abs=1_000)


def test_nan_stays_nan_and_misfits_become_infinite():
    for name in ("wgs84", "gcj02", "bd09", "EPSG:4549"):
        lon, lat = crs.to_storage([np.nan, 120.0 if "EPSG" not in name else 5e5], [np.nan, 32.0], name)
        assert np.isnan(lon[0]) and np.isnan(lat[0]) and np.isfinite(lon[1])
    lon, _ = crs.from_storage([120.0], [200.0], "EPSG:3857")
    assert not np.isfinite(lon[0])


def test_input_is_left_alone():
    lon, lat = np.array([120.8645]), np.array([32.0163])
    crs.from_storage(lon, lat, "gcj02")[0][0] = 0.0
    crs.from_storage(lon, lat, "wgs84")[0][0] = 0.0
    assert lon[0] == 120.8645


@pytest.mark.parametrize("name", ["", "gps", "EPSG:", "EPSG:999999", "4326", "GCJ-02"])
def test_unknown_names_are_refused(name):
    with pytest.raises(UnknownCrs):
        crs.to_storage([120.0], [32.0], name)
    assert issubclass(UnknownCrs, InputError)


def test_metric_crs_must_be_metric():
    with pytest.raises(UnknownCrs, match="metres"):
        crs.metric_transformer(4490)


@pytest.mark.parametrize(
    "case", json.loads(PLACES.read_text(encoding="utf-8")), ids=lambda case: case["place"]
)
def test_browser_and_server_shift_the_same_places_alike(case):
    """The browser's test reads the same file; Shanghai's pair is a published one."""
    (lon, lat), (x, y) = case["wgs84"], case["gcj02"]
    assert metres(*crs.wgs84_to_gcj02(lon, lat), x, y).max() < 0.001
    assert metres(*crs.gcj02_to_wgs84(x, y), lon, lat).max() < 0.01
    if case["place"] in ("Seoul", "Osaka", "Hanoi", "Delhi", "San Francisco"):
        assert [x, y] == [lon, lat]


def test_the_browser_has_the_region_of_the_server():
    script = runpy.run_path(str(ROOT / "scripts" / "write_gcj_region.py"))
    kept = json.loads(script["TARGET"].read_text(encoding="utf-8"))
    assert kept == script["document"](), "run scripts/write_gcj_region.py"
