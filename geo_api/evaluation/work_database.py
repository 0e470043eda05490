"""The database in which evaluations work: a private one of their own, never that of the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from geo_api.http.progress import step
from geo_api.http.settings import Settings
from layers.postgres import engine


@contextmanager
def work_database(settings: Settings) -> Iterator[str]:
    """URL of an own private database under the data folder; its server stops afterwards.

    Parameters
    ----------
    settings : Settings
        Of the installation: only its folder and the programs of PostgreSQL are used.
    """
    own = settings.model_copy(
        update={"data_dir": settings.data_dir / "evaluation", "database_url": None, "wal_archive": "off"}
    )
    with step("数据库 database"):
        url = own.open_database()
    try:
        yield url
    finally:
        engine(url).dispose()
        own.cluster().stop(force=True)
