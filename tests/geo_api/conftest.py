"""The real application over a database of its own, with two towns and a login of each role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from layers.postgres import SYSTEM
from layers.postgres import sessions as database
from tests.support.application import Api, serving
from tests.support.square_town import insert_town


@pytest.fixture
def served(api: Api) -> Iterator[str]:
    """The application behind a real server: its address."""
    with serving(api.settings) as address:
        yield address


@pytest.fixture
def api_engine(api: Api) -> Engine:
    """Engine on the application's database, for looking at what was written."""
    return database.engine(api.url)


@pytest.fixture
def square_city(fresh_database: str) -> str:
    """URL of a database of the test's own with the square town, without a duty list."""
    with database.session(SYSTEM, fresh_database) as db:
        insert_town(db)
    return fresh_database
