"""Import of one file, read as its source says: named by a person, or delivered on a schedule."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from geo_api.city_file import Source
from geo_api.imports.import_file import ImportReport, import_file
from geo_api.imports.source_parts import Choice
from layers.ground import GROUND_LAYERS
from layers.tables import AREA_KINDS


def import_source_file(
    source: Source,
    path: Path,
    folder: Path,
    *,
    skip_bad: bool | None = None,
    origin: dict[str, Any],
    **options: Any,
) -> ImportReport:
    """Import a file of a source in one transaction, as one batch that names the source.

    Parameters
    ----------
    folder : Path
        Folder of ``city.toml``, for the tables that columns are looked up in.
    skip_bad : bool, optional
        Write the good rows of a file with bad ones; by default as the source says.
    origin : dict
        Facts that the batch keeps: the delivery, or the digest of the source.
    **options
        Further options of :func:`geo_api.imports.import_file.import_file`.

    Raises
    ------
    layers.errors.InputError
        Nothing was written.
    """
    named = {name: value for name in ("department", "tz") if (value := getattr(source, name))}
    return import_file(
        source.kind,
        path,
        crs=source.crs,
        crs_use="override" if source.ignore_file_crs else "check",
        choice=Choice(source.layer, source.sheet),
        zone=ZoneInfo(source.tz) if source.tz else None,
        skip_bad=source.skip_bad if skip_bad is None else skip_bad,
        add_bodies=source.add_bodies,
        indicative=(*AREA_KINDS, *GROUND_LAYERS) if source.indicative else (),
        column_map=source.column_map(folder),
        more_options={"named_source": source.name, **origin, **named},
        **options,
    )
