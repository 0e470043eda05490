"""Planted kinds of illegal resumption and decoys, as a city really has them, for any city's ground.

Written from the domain alone, before any model was fitted. :func:`plant` makes registers, readings, vehicles and fixes.
"""

from geo_api.demo_city.kinds.extension import KINDS, SELECTIONS, Planted, chosen_kinds, plant
from geo_api.demo_city.kinds.land import Land
from geo_api.demo_city.kinds.other_models import OTHER_KINDS
from geo_api.demo_city.kinds.stories import Kind
from geo_api.demo_city.kinds.weather import COLD, MILD

__all__ = [
    "COLD",
    "KINDS",
    "MILD",
    "OTHER_KINDS",
    "SELECTIONS",
    "Kind",
    "Land",
    "Planted",
    "chosen_kinds",
    "plant",
]
