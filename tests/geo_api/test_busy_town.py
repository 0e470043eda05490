"""What tests of every collection stand on: a collection that is new gets a feature without being named."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from layers.collections import COLLECTIONS
from tests.support.busy_town import ensure_feature


@pytest.mark.parametrize("name", [name for name in COLLECTIONS if name != "tracks"])
def test_a_feature_follows_from_the_columns(db: Session, name: str) -> None:
    """Tracks need a partition of their day, so that they are written by their own code."""
    found = COLLECTIONS[name]
    assert not db.scalar(select(func.count()).select_from(found.source))
    ensure_feature(db, found)
    assert db.scalar(select(func.count(found.key)).select_from(found.source)) == 1
    assert db.scalar(select(found.geom_3857.is_not(None)).select_from(found.source))
