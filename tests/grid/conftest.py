"""The square town, as most tests of grid need it."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from tests.support.square_town import insert_duties, insert_town


@pytest.fixture
def ids(db: Session) -> dict[str, int]:
    """Ids of the areas of the square town by code."""
    return insert_town(db)


@pytest.fixture
def duties(db: Session) -> None:
    """The duty list of the square town."""
    insert_duties(db)
