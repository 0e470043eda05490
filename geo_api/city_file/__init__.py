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
    migrate_installation,
    open_city,
    put_file_in_force,
    stored_faults,
    suggested_city,
)
from geo_api.city_file.sources import (
    FromTable,
    FromUrl,
    Source,
    map_of_fields,
    read_sources,
    sources_schema,
)

__all__ = [
    "NOTES",
    "CityFault",
    "FromTable",
    "FromUrl",
    "OpenedCity",
    "Source",
    "WrongCityFile",
    "city_from",
    "fields_of",
    "map_of_fields",
    "migrate_installation",
    "open_city",
    "put_file_in_force",
    "read_city",
    "read_sources",
    "set_matter_in_file",
    "sources_schema",
    "stored_faults",
    "suggested_city",
    "write_city",
]
