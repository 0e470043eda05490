"""Databases of a test's own, copied from a template on the cluster of the test process."""

from __future__ import annotations

import contextlib
import itertools
import os
from collections.abc import Iterator

import psycopg

from layers.postgres import libpq_url
from layers.postgres import sessions as database
from layers.private_server import Cluster

_numbers = itertools.count()


def copy_database(cluster: Cluster, name: str, template: str) -> str:
    """Make a database from a template that nobody is connected to: its URL."""
    with psycopg.connect(libpq_url(cluster.url, "postgres"), autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return cluster.url.replace("/wangge?", f"/{name}?")


@contextlib.contextmanager
def own_database(cluster: Cluster, template: str, subject: str = "own") -> Iterator[str]:
    """URL of a database that is gone afterwards."""
    name = f"{subject}_{os.getpid()}_{next(_numbers)}"
    url = copy_database(cluster, name, template)
    try:
        yield url
    finally:
        database.engine(url).dispose()
        with psycopg.connect(libpq_url(cluster.url, "postgres"), autocommit=True) as server:
            server.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
