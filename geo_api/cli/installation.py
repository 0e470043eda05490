"""The database of the installation that a command works on, with the newest schema."""

from __future__ import annotations

from geo_api.http.settings import Settings, read_settings


def migrated_database(settings: Settings | None = None) -> str:
    """URL of the installation's database, with the schema at its newest version.

    Parameters
    ----------
    settings : Settings or None
        None: from the environment.
    """
    from layers.postgres import migrate

    url = (settings or read_settings()).open_database()
    migrate(url)
    return url
