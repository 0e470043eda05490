"""The scheduled job that adds up what was counted in the cells of tiles."""

from __future__ import annotations

from sqlalchemy import text

from geo_api.http.settings import Settings
from geo_api.jobs.worker import job_app
from layers.postgres import SYSTEM, session
from tests.support.small_town import seed_town


def test_the_worker_settles_every_minute(fresh_database: str) -> None:
    waiting = text("SELECT count(*) FROM sites_cells WHERE NOT settled")
    with session(SYSTEM, fresh_database) as db:
        db.execute(text("SELECT setseed(0.5)"))
        seed_town(db)
        assert db.scalar(waiting) == 2
    app = job_app(fresh_database, Settings())
    task = app.tasks["geo_api.worker.settle_cells"]
    task(timestamp=0)
    with session(SYSTEM, fresh_database) as db:
        assert db.scalar(waiting) == 0
        assert db.scalar(text("SELECT sum(points) FROM sites_cells WHERE zoom = 0")) == 2
    crons = {periodic.task.name: periodic.cron for periodic in app.periodic_registry.periodic_tasks.values()}
    assert crons["geo_api.worker.settle_cells"] == "* * * * *"
