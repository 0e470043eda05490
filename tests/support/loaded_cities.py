"""The demo city and the second one, each loaded from its files in the documented format and analysed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas
import polars as pl
from sqlalchemy import make_url, text

from geo_api.auth.access import create_user
from geo_api.cli.demo import Login
from geo_api.demo_city import make_city
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.second_city import make_second_city
from grid.alerts import put_matters
from layers.city import City
from layers.imports import FILE_KINDS
from layers.postgres import SYSTEM, session, sessions
from layers.private_server import Cluster
from tests.support.application import PASSWORD
from tests.support.cities import NANTONG, SECOND, in_force
from tests.support.databases import copy_database, own_database


@dataclass(frozen=True)
class LoadedCity:
    """A database with every file of a city, analysed; who may log in; and the files themselves."""

    city: City
    url: str
    files: dict[str, Path]
    town: str
    """Code of the town with the most alerts: that of the officer and of the grid manager."""

    @property
    def logins(self) -> tuple[Login, ...]:
        return (
            Login("dispatcher", PASSWORD, "dispatcher"),
            Login("supervisor", PASSWORD, "supervisor"),
            Login("officer", PASSWORD, "officer", self.town),
            Login("grid", PASSWORD, "grid_manager", self.town),
        )

    def areas(self, kind: str) -> geopandas.GeoDataFrame:
        """Areas of a kind that hold today, as their file has them.

        One that another one followed has ended.
        """
        found = shapes_of(self.files["areas"])
        before = found["predecessor_codes"].dropna() if "predecessor_codes" in found else ()
        followed = {code for codes in before for code in codes.split(";")}
        return found[(found["kind"] == kind) & ~found["code"].isin(followed)]

    def rows(self, kind: str) -> int:
        """How many rows a file has."""
        path = self.files[kind]
        if path.suffix == ".csv":
            return pl.read_csv(path, infer_schema_length=0).height
        return pl.read_parquet(path).height if path.suffix == ".parquet" else len(shapes_of(path))


def shapes_of(path: Path) -> geopandas.GeoDataFrame:
    """Features of a file."""
    return geopandas.read_parquet(path) if path.suffix == ".parquet" else geopandas.read_file(path)


def _demo(folder: Path) -> Path:
    make_city(folder, seed=3, grids=300, size="small")
    return folder


def _second(folder: Path) -> Path:
    return make_second_city(folder).plain


MOST_ALERTS = """
SELECT a.code FROM alerts t JOIN sites s ON s.id = t.site_id JOIN areas a ON a.kind = 'town' AND a.valid_to IS NULL
AND ST_Covers(a.geom, s.geom) GROUP BY a.code ORDER BY count(*) DESC, a.code LIMIT 1
"""
MAKERS: dict[str, tuple[City, Callable[[Path], Path]]] = {
    "demo": (NANTONG, _demo),
    "second": (SECOND, _second),
}
"""Name of a city to the city and to what makes its files."""


_analysed: dict[tuple[Path, str], LoadedCity] = {}
"""Cities of this test process by the server's folder and name: databases that nobody is connected to."""


@contextlib.contextmanager
def loaded_city(cluster: Cluster, template: str, name: str) -> Iterator[LoadedCity]:
    """A city in a database of its own, in force as long as the context is open.

    Loading and analysing take a minute: they are done once a test process, and each test module gets a copy.
    """
    key = (cluster.data_dir, name)
    if key not in _analysed:
        _analysed[key] = _analyse(cluster, template, name)
    made = _analysed[key]
    with (
        own_database(cluster, str(make_url(made.url).database), f"loaded_{name}") as url,
        in_force(made.city),
    ):
        yield replace(made, url=url)


def _analyse(cluster: Cluster, template: str, name: str) -> LoadedCity:
    """Load every file of a city, analyse it and make the logins."""
    city, make = MAKERS[name]
    (folder := cluster.data_dir.parent / f"files_{name}").mkdir()
    made = make(folder)
    url = copy_database(cluster, f"analysed_{name}", template)
    with in_force(city):
        files = {kind: found[0] for kind in FILE_KINDS if (found := sorted(made.glob(f"{kind}.*")))}
        for kind, path in files.items():
            import_file(kind, path, crs="wgs84", url=url)
        with session(SYSTEM, url) as db:
            put_matters(db, city.matters)
        Analysis(url).run()
        with session(SYSTEM, url) as db:
            loaded = LoadedCity(city, url, files, str(db.execute(text(MOST_ALERTS)).scalar_one()))
            for login in loaded.logins:
                create_user(
                    db,
                    username=login.username,
                    password=login.password,
                    role=login.role,
                    area_code=login.area_code,
                )
    sessions.engine(url).dispose()
    return loaded
