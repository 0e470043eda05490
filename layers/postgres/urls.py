"""URLs of databases in the forms for SQLAlchemy, for libpq and for people."""

from __future__ import annotations

import datetime as dt

from sqlalchemy.engine import make_url

DRIVER = "postgresql+psycopg"


def sqlalchemy_url(given: str) -> str:
    """Convert a database URL to SQLAlchemy's form, with the driver of this service.

    Parameters
    ----------
    given : str
        ``postgresql://…``, ``postgres://…``, or a URL that names a driver already.

    Examples
    --------
    >>> sqlalchemy_url("postgres://li@db/city")
    'postgresql+psycopg://li@db/city'
    >>> sqlalchemy_url("postgresql+psycopg://li@db/city")
    'postgresql+psycopg://li@db/city'
    """
    scheme, separator, rest = given.partition("://")
    return f"{DRIVER}{separator}{rest}" if scheme in ("postgres", "postgresql") else given


def libpq_url(url: str, database: str | None = None) -> str:
    """Convert a database URL to libpq's form, optionally for another database of the same server.

    Examples
    --------
    >>> libpq_url("postgresql+psycopg://wangge@/wangge?host=/run/x&port=5432", "postgres")
    'postgresql://wangge@/postgres?host=%2Frun%2Fx&port=5432'
    """
    found = make_url(url).set(drivername="postgresql")
    return (found.set(database=database) if database else found).render_as_string(hide_password=False)


def database_name(url: str) -> str | None:
    """Return the name of the database in a URL, or None."""
    return make_url(url).database


def url_as_known(url: str, at: dt.datetime) -> str:
    """Return the URL of connections that see a database as it was known at a moment, and that may write nothing.

    What arrived or was replaced later is not seen (``layers/schema/known.sql``).

    Parameters
    ----------
    at : datetime
        With zone.

    Examples
    --------
    >>> noon = dt.datetime(2026, 3, 1, 12, tzinfo=dt.UTC)
    >>> make_url(url_as_known("postgresql+psycopg://li@db/city", noon)).query["options"].split(" -c ")[1:]
    ['default_transaction_read_only=on', 'wangge.known_at=2026-03-01T12:00:00+00:00']
    """
    settings = {
        "search_path": "known,public",
        "default_transaction_read_only": "on",
        "wangge.known_at": at.astimezone(dt.UTC).isoformat(),
    }
    found = make_url(url)
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    before = found.query.get("options", "")
    given = before if isinstance(before, str) else " ".join(before)
    return found.update_query_dict({"options": f"{given} {options}".strip()}).render_as_string(
        hide_password=False
    )


def shown_url(url: str) -> str:
    """Return a database URL without its password, for people.

    Examples
    --------
    >>> shown_url("postgresql://li:secret@db/city")
    'postgresql://li:***@db/city'
    """
    return make_url(url).render_as_string(hide_password=True)
