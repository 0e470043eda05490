"""Scheduled jobs on the same PostgreSQL: ``wangge worker`` runs them.

Two workers never analyse at once: the queueing lock keeps one waiting job, the advisory lock one running analysis.
"""

from __future__ import annotations

import asyncio
import os

import structlog
from procrastinate import App, PsycopgConnector

from layers.database import database_url, migrate

log = structlog.get_logger()
ANALYSE_CRON = os.environ.get("WANGGE_ANALYSE_CRON", "0 18 * * *")
"""When the analysis runs (UTC): by default at 02:00 in China."""


def job_app(url: str) -> App:
    """The queue's application on this database."""
    conninfo = url.replace("postgresql+psycopg://", "postgresql://", 1)
    app = App(connector=PsycopgConnector(conninfo=conninfo, max_size=4))

    @app.periodic(cron=ANALYSE_CRON)
    @app.task(queue="models", queueing_lock="analyse", lock="analyse", pass_context=False)
    def analyse(timestamp: int) -> None:
        """Run the main job on what arrived since the last run."""
        from geo_api.analysis import Analysis

        result = Analysis(url).run()
        log.info("analysed", at=str(result.at), unchanged=result.unchanged, **result.counts)

    return app


def run_worker(*, once: bool = False) -> None:
    """Work off the queue until interrupted; ``once`` puts one analysis in, does what waits, and stops."""
    url = database_url()
    migrate(url)
    app = job_app(url)

    async def work() -> None:
        async with app.open_async():
            if once:
                await app.configure_task(
                    "geo_api.worker.analyse", queue="models", lock="analyse"
                ).defer_async(timestamp=0)
            await app.run_worker_async(queues=["models"], wait=not once, install_signal_handlers=True)

    asyncio.run(work())
