"""The installation that a command works on: its database with the newest schema, and its city in force."""

from __future__ import annotations

import getpass

from geo_api.http.progress import console
from geo_api.http.settings import Settings, read_settings


def migrated_database(settings: Settings | None = None) -> str:
    """URL of the installation's database, with the schema at its newest version and the city of its file in force.

    Parameters
    ----------
    settings : Settings or None
        None: from the environment.
    """
    from geo_api.city_file import migrate_installation

    settings = settings or read_settings()
    url = settings.open_database()
    migrate_installation(settings, url)
    open_told_city(settings, url)
    return url


def open_told_city(settings: Settings, url: str) -> None:
    """Put the city of the installation in force, and say when its file was written because there was none."""
    from geo_api.city_file import open_city

    opened = open_city(settings, url)
    if opened.written_to is not None:
        console.print(f"[yellow]![/] {opened.told}", highlight=False)


def tell_servers() -> None:
    """Let the processes of this machine that serve forget whom they know; others hear it from the database."""
    from geo_api.auth.known_callers import shared_count

    path = read_settings().shared_count()
    if path.exists():
        shared_count(path).increment(0)


def operator() -> str:
    """Account of the machine on which a command runs."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run an id without a name
        return "system"
