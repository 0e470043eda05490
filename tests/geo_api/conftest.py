"""The real application over a database of its own, with two towns and a login of each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from layers.postgres import sessions as database
from tests.support.application import Api, serving


@pytest.fixture
def served(api: Api) -> Iterator[str]:
    """The application behind a real server: its address."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture
def api_engine(api: Api) -> Engine:
    """Engine on the application's database, for looking at what was written."""
    return database.engine(api.url)
