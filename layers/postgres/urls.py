"""URLs of databases: the form that SQLAlchemy takes, the form that libpq takes, the form that may be shown."""

from __future__ import annotations

from sqlalchemy.engine import make_url

DRIVER = "postgresql+psycopg"


def sqlalchemy_url(given: str) -> str:
    """URL of a database as SQLAlchemy takes it, with the driver of this service.

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
    """URL of a database as libpq and its programs take it, for another database of the same server if named.

    Examples
    --------
    >>> libpq_url("postgresql+psycopg://wangge@/wangge?host=/run/x&port=5432", "postgres")
    'postgresql://wangge@/postgres?host=%2Frun%2Fx&port=5432'
    """
    found = make_url(url).set(drivername="postgresql")
    return (found.set(database=database) if database else found).render_as_string(hide_password=False)


def database_name(url: str) -> str | None:
    """Name of the database that a URL leads to; None when it names none."""
    return make_url(url).database


def shown_url(url: str) -> str:
    """URL of a database without its password, for people.

    Examples
    --------
    >>> shown_url("postgresql://li:secret@db/city")
    'postgresql://li:***@db/city'
    """
    return make_url(url).render_as_string(hide_password=True)
