"""The city file ``city.toml``: the names, codes, zone and coordinate systems of the city that is served."""

from __future__ import annotations

from geo_api.city_file.document import (
    NOTES,
    CityFault,
    WrongCityFile,
    city_from,
    fields_of,
    read_city,
    set_matter_in_file,
    write_city,
)
from geo_api.city_file.installation import (
    OpenedCity,
    open_city,
    put_file_in_force,
    stored_faults,
    suggested_city,
)

__all__ = [
    "NOTES",
    "CityFault",
    "OpenedCity",
    "WrongCityFile",
    "city_from",
    "fields_of",
    "open_city",
    "put_file_in_force",
    "read_city",
    "set_matter_in_file",
    "stored_faults",
    "suggested_city",
    "write_city",
]
