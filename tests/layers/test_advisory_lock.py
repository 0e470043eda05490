"""Named locks: who has to wait is told once, and waits."""

from __future__ import annotations

from sqlalchemy.orm import Session

from layers.postgres import SYSTEM, advisory_lock, session
from layers.postgres.sessions import engine


def test_who_has_to_wait_is_told_before_it_waits(database_url: str) -> None:
    told: list[str] = []
    with Session(engine(database_url)) as holder:
        with advisory_lock(holder, "import", lambda: told.append("first")):
            pass

        def end_the_first() -> None:
            told.append("second")
            holder.commit()

        with session(SYSTEM, database_url) as db, advisory_lock(db, "import", end_the_first):
            assert told == ["second"]
    with session(SYSTEM, database_url) as db, advisory_lock(db, "import", lambda: told.append("third")):
        assert told == ["second"]
