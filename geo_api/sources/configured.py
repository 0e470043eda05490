"""Sources of an installation with everything that a look at them needs."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from geo_api.city_file import Source, read_sources
from geo_api.http.settings import Settings
from geo_api.imports.city_sources import contract_of
from geo_api.sharing.addresses import IpNetwork, networks
from layers.codes import GridProfile
from layers.contracts import Contract
from layers.errors import NotFound


@dataclass(frozen=True)
class SourcesSetup:
    """Everything that runs of sources need.

    Attributes
    ----------
    url : str
        The database.
    city_folder : Path
        Folder of ``city.toml``: files and contracts are relative to it.
    folder : Path
        Of what was delivered.
    secrets : Path
        File of credentials.
    allowed : sequence of networks
        Private networks that are fetched from.
    clock : callable
        The time, with zone.
    """

    url: str
    city_file: Path
    folder: Path
    secrets: Path
    allowed: Sequence[IpNetwork]
    limit_bytes: int
    grid_profile: GridProfile
    clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)

    @property
    def city_folder(self) -> Path:
        """Return the folder that files and contracts are relative to."""
        return self.city_file.parent

    def sources(self) -> list[Source]:
        """Return the sources of the city, in their order; none without a city file.

        Raises
        ------
        geo_api.city_file.WrongCityFile
        """
        return read_sources(self.city_file) if self.city_file.exists() else []

    def source(self, name: str) -> Source:
        """Return a source by its name.

        Raises
        ------
        NotFound
        """
        for source in self.sources():
            if source.name == name:
                return source
        raise NotFound(f"no source {name!r} in {self.city_file.name} 城市文件中没有该数据来源")

    def contract(self, source: Source) -> Contract:
        """Return the contract of a source; without a file one that promises nothing.

        Raises
        ------
        layers.errors.InputError
        """
        return contract_of(source, self.city_folder)

    def kept_file(self, delivery_id: int, file_name: str) -> Path:
        """Return where the content of a delivery lies."""
        return self.folder / f"{delivery_id}" / file_name


def sources_setup(settings: Settings, url: str) -> SourcesSetup:
    """Return what runs of sources need in an installation."""
    return SourcesSetup(
        url=url,
        city_file=settings.city_path(),
        folder=settings.deliveries_folder(),
        secrets=settings.source_secrets or settings.data_dir / "source_secrets.toml",
        allowed=networks(settings.source_networks),
        limit_bytes=settings.source_max_mb * 2**20,
        grid_profile=settings.unit_grid_profile(),
    )
