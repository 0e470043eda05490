"""Cities that tests put in force: Nantong as in the demo, unless a test says otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from geo_api.second_city import SECOND
from layers.city import City, put_in_force

__all__ = ["BERLIN", "NANTONG", "SECOND", "in_force"]

NANTONG = City(
    name_zh="南通市",
    name_en="Nantong",
    code="320600",
    case_prefix="NT",
    time_zone="Asia/Shanghai",
    metric_epsg=4549,
    served_epsg=4549,
    matters={"illegal_resumption": "ECO-RESUME-001"},
)
BERLIN = City(
    name_zh="柏林", name_en="Berlin", code="110000", case_prefix="BE", time_zone="Europe/Berlin",
    metric_epsg=32633, served_epsg=25833, languages=("en", "zh"),
)  # fmt: skip
"""A city in a zone with summer time."""


@contextmanager
def in_force(city: City) -> Iterator[City]:
    """Put a city in force for a while."""
    before = put_in_force(city)
    try:
        yield city
    finally:
        put_in_force(before)
