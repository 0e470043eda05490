"""A city with its registers, and a month of invented cases that was worked in it."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from geo_api.demo_month import MonthReport, work_month
from geo_api.imports.import_file import import_file
from grid.gazetteer import refresh_place_names
from layers.attachments import AttachmentStore
from layers.city import City
from layers.imports import FILE_KINDS
from layers.postgres import SYSTEM, session
from layers.private_server import Cluster
from tests.support.cities import in_force
from tests.support.databases import own_database

KINDS = ("areas", "enterprises", "sites", "bodies", "duties", "officers", "matters")
"""Files that a month needs; a city may lack some of them."""


@dataclass(frozen=True)
class CityForMonth:
    """A database with the registers of a city, and the moment at which its month ends."""

    url: str
    until: dt.datetime
    store: AttachmentStore

    def work(self, reports: int, seed: int = 1) -> MonthReport:
        """Work a month of so many reports."""
        with session(SYSTEM, self.url) as db:
            return work_month(db, self.store, seed=seed, until=self.until, reports=reports)


@contextlib.contextmanager
def city_for_month(
    cluster: Cluster, template: str, city: City, files: Path, folder: Path, last_day: dt.date
) -> Iterator[CityForMonth]:
    """A city in a database of its own, from the files of a folder, in force as long as the context is open."""
    with own_database(cluster, template, f"month_{city.code}") as url, in_force(city):
        for kind in FILE_KINDS:
            if kind in KINDS and (found := sorted(files.glob(f"{kind}.*"))):
                import_file(kind, found[0], crs="wgs84", url=url)
        with session(SYSTEM, url) as db:
            refresh_place_names(db)
        until = dt.datetime.combine(last_day + dt.timedelta(days=1), dt.time(), city.zone)
        yield CityForMonth(url, until, AttachmentStore(str(folder / "attachments")))
