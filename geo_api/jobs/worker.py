"""Scheduled jobs on the same PostgreSQL: ``wangge worker`` runs them.

Two workers never analyse at once: the queueing lock keeps one waiting job, the advisory lock one running analysis.
"""

from __future__ import annotations

import asyncio

import structlog
from procrastinate import App, PsycopgConnector

from geo_api.city_file import open_city
from geo_api.http.settings import Settings
from layers.postgres import SYSTEM, libpq_url, migrate, session

log = structlog.get_logger()


def job_app(url: str, settings: Settings) -> App:
    """The queue's application on this database."""
    app = App(connector=PsycopgConnector(conninfo=libpq_url(url), max_size=4))

    @app.periodic(cron=settings.analyse_cron)
    @app.task(
        name="geo_api.worker.analyse",
        queue="models",
        queueing_lock="analyse",
        lock="analyse",
        pass_context=False,
    )
    def analyse(timestamp: int) -> None:
        """Run the main job on what arrived since the last run."""
        from geo_api.jobs.analysis import Analysis

        result = Analysis(url).run()
        log.info("analysed", at=str(result.at), unchanged=result.unchanged, **result.counts)
        if (left := result.without_case) is not None:
            log.warning(
                "alerts_without_case",
                alerts=left.alerts,
                kind=left.matter.kind,
                item_code=left.matter.item_code,
                en=left.message_en,
                zh=left.message_zh,
            )

    @app.periodic(cron=settings.due_changes_cron)
    @app.task(
        name="geo_api.worker.due_changes",
        queue="models",
        queueing_lock="due_changes",
        lock="due_changes",
        pass_context=False,
    )
    def due_changes(timestamp: int) -> None:
        """Put change sets into force whose date has come."""
        from geo_api.areas.due_change_sets import apply_due_changes

        apply_due_changes(url, settings.unit_grid_profile())

    @app.periodic(cron=settings.old_log_cron)
    @app.task(
        name="geo_api.worker.old_log_rows",
        queue="models",
        queueing_lock="old_log_rows",
        lock="old_log_rows",
        pass_context=False,
    )
    def old_log_rows(timestamp: int) -> None:
        """Remove rows of the access log that are older than the installation keeps them."""
        from geo_api.auth.access_records import remove_old_rows

        log.info("old_log_rows", removed=remove_old_rows(url, settings.access_log_days))

    @app.periodic(cron=settings.settle_cron)
    @app.task(
        name="geo_api.worker.settle_cells",
        queue="models",
        queueing_lock="settle_cells",
        lock="settle_cells",
        pass_context=False,
    )
    def settle_cells(timestamp: int) -> None:
        """Add up what was counted in the cells of tiles since the last time."""
        from layers.collections import settle_cells

        with session(SYSTEM, url) as db:
            settle_cells(db)

    return app


def run_worker(settings: Settings, *, once: bool = False) -> None:
    """Work off the queue until interrupted; ``once`` puts one analysis in, does what waits, and stops."""
    url = settings.open_database()
    migrate(url)
    opened = open_city(settings, url)
    if opened.written_to is not None:
        log.warning("city_file_written", told=opened.told)
    app = job_app(url, settings)

    async def work() -> None:
        async with app.open_async():
            if once:
                await app.configure_task(
                    "geo_api.worker.due_changes", queue="models", lock="due_changes"
                ).defer_async(timestamp=0)
                await app.configure_task(
                    "geo_api.worker.analyse", queue="models", lock="analyse"
                ).defer_async(timestamp=0)
            await app.run_worker_async(queues=["models"], wait=not once, install_signal_handlers=True)

    asyncio.run(work())
