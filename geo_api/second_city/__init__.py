"""A second small city for tests, invented from the domain by somebody who did not know the models.

Same seed, same city, the same bytes (see README.md for what that rests on). Two forms of it: `office/` as
offices deliver, `plain/` in the documented format; and `truth.json`, which is never imported.
"""

from geo_api.second_city.city import DEFAULT_SEED, SECOND, SecondCity, make_second_city
from geo_api.second_city.planted import PlantedCity, make_planted_second_city

__all__ = [
    "DEFAULT_SEED",
    "SECOND",
    "PlantedCity",
    "SecondCity",
    "make_planted_second_city",
    "make_second_city",
]
