"""The demo city: Nantong's real outline, everything inside it invented by a seed.

See ``README.md`` beside this file for what is real. ``make_city`` writes files in the import formats.
"""

from geo_api.demo_city.boundaries import CITY
from geo_api.demo_city.city import FILES, MORE_FILES, STEPS, DemoCity, make_city
from geo_api.demo_city.sizes import END_DAY

__all__ = ["CITY", "END_DAY", "FILES", "MORE_FILES", "STEPS", "DemoCity", "make_city"]
