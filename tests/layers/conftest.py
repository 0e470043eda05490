"""The small town, as most tests of layers need it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.orm import Session

from tests.support.small_town import seed_town


@pytest.fixture
def town(db: Session) -> dict[str, Any]:
    """Ids of what the small town holds, by name."""
    return seed_town(db)
