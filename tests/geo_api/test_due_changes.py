"""The job queue applies change sets whose date has come."""

from __future__ import annotations

import asyncio
import datetime as dt

import tests.support.change_sets as editing
from geo_api.http.settings import Settings
from geo_api.jobs.worker import job_app
from layers.postgres import SYSTEM, session
from layers.tables import ChangeSet
from tests.support.change_sets import make_due
from tests.support.square_town import insert_town, unit_code, x, y


def test_the_worker_applies_what_is_due(fresh_database: str) -> None:
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    line = {"type": "LineString", "coordinates": [[x(0.5), y(0)], [x(0.5), y(1)]]}
    with session(SYSTEM, fresh_database) as db:
        ids = insert_town(db)
        operation = {"op": "split", "area_id": ids[unit_code(0, 0)], "line": line}
        number = editing.draft(db, [operation], "anna", effective_at=tomorrow).id
        assert editing.apply(db, number, "boss").status == "approved"
    with session(SYSTEM, fresh_database) as db:
        date = make_due(db, number)
    app = job_app(fresh_database, Settings())

    async def work() -> None:
        async with app.open_async():
            task = app.configure_task("geo_api.worker.due_changes", queue="models", lock="due_changes")
            await task.defer_async(timestamp=0)
            await app.run_worker_async(queues=["models"], wait=False, install_signal_handlers=False)

    asyncio.run(work())
    with session(SYSTEM, fresh_database) as db:
        row = db.get(ChangeSet, number)
        assert row is not None and (row.status, row.applied_at) == ("applied", date)
