"""Scheduled jobs on the same PostgreSQL: ``wangge worker`` runs them.

Two workers never analyse at once: the queueing lock keeps one waiting job, the advisory lock one running
analysis.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog
from procrastinate import App, PsycopgConnector

from geo_api.city_file import open_city
from geo_api.http.settings import Settings
from geo_api.sharing.addresses import networks
from geo_api.sharing.deliveries import Sender, deliver_due, deliver_for_ever
from layers.postgres import SYSTEM, libpq_url, migrate, session
from layers.sharing import remove_old_messages
from layers.tasks import end_task

if TYPE_CHECKING:
    from geo_api.jobs.analysis import AnalysisResult

log = structlog.get_logger()


def job_app(url: str, settings: Settings) -> App:
    """Return the queue's application on this database."""
    app = App(connector=PsycopgConnector(conninfo=libpq_url(url), max_size=4))

    @_scheduled(app, "analyse", settings.analyse_cron)
    def analyse(timestamp: int) -> None:
        """Run the main job on what arrived since the last run."""
        from geo_api.jobs.analysis import Analysis
        from geo_api.jobs.snapshots import SnapshotStore

        result = Analysis(url, snapshots=SnapshotStore(str(settings.snapshots_folder()))).run()
        log.info("analysed", at=str(result.at), unchanged=result.unchanged, **result.counts)
        _log_unseen(result)

    @_scheduled(app, "due_changes", settings.due_changes_cron)
    def due_changes(timestamp: int) -> None:
        """Put change sets into force whose date has come."""
        from geo_api.areas.due_change_sets import apply_due_changes

        apply_due_changes(url, settings.unit_grid_profile())

    @_scheduled(app, "deadlines", settings.deadlines_cron)
    def deadlines(timestamp: int) -> None:
        """Record which cases became late, tell the superior, and reckon deadlines whose calendar has come."""
        from geo_api.cases.deadline_watch import watch_deadlines

        watch_deadlines(url)

    @_scheduled(app, "old_log_rows", settings.old_log_cron)
    def old_log_rows(timestamp: int) -> None:
        """Remove rows of the access log that are older than the installation keeps them."""
        from geo_api.auth.access_records import remove_old_rows

        log.info("old_log_rows", removed=remove_old_rows(url, settings.access_log_days))
        with session(SYSTEM, url) as db:
            log.info("old_messages", removed=remove_old_messages(db, dt.datetime.now(dt.UTC)))

    @_scheduled(app, "publish", settings.settle_cron)
    def publish(timestamp: int) -> None:
        """Publish what was decided, and withdraw what no longer is."""
        from grid.cases import publish_decided

        with session(SYSTEM, url) as db:
            published, withdrawn = publish_decided(db, dt.datetime.now(dt.UTC))
        if published or withdrawn:
            log.info("published", cases=published, withdrawn=withdrawn)

    @_scheduled(app, "settle_cells", settings.settle_cron)
    def settle_cells(timestamp: int) -> None:
        """Add up what was counted in the cells of tiles since the last time."""
        from layers.collections import settle_cells

        with session(SYSTEM, url) as db:
            settle_cells(db)

    return app


def _log_unseen(result: AnalysisResult) -> None:
    """Log what the run could not see, and alerts that have no case."""
    if result.visits_unjudged is not None:
        log.warning("visits_unjudged", **result.visits_unjudged)
    for spot in result.blind_spots:
        log.warning("blind_spot", **spot)
    if (left := result.without_case) is not None:
        log.warning(
            "alerts_without_case",
            alerts=left.alerts,
            kind=left.matter.kind,
            item_code=left.matter.item_code,
            en=left.message_en,
            zh=left.message_zh,
        )


def _scheduled(app: App, name: str, cron: str) -> Callable[[Callable[[int], None]], object]:
    """Return a decorator that registers a periodic task, of which one waits and one runs at most.

    The stored name is ``geo_api.worker.NAME``, so that queued jobs of an older installation still run.
    """

    def register(task: Callable[[int], None]) -> object:
        stored = app.task(
            name=f"geo_api.worker.{name}", queue="models", queueing_lock=name, lock=name, pass_context=False
        )
        return app.periodic(cron=cron)(stored(task))

    return register


def run_worker(settings: Settings, *, once: bool = False) -> None:
    """Work off the queue until interrupted; ``once`` puts one analysis in, does what waits, and stops."""
    url = settings.open_database()
    migrate(url)
    opened = open_city(settings, url)
    if opened.written_to is not None:
        log.warning("city_file_written", told=opened.told)
    app = job_app(url, settings)
    sender = Sender(url, settings.signing_key(), networks(settings.webhook_networks))

    async def work() -> None:
        async with app.open_async():
            if once:
                await app.configure_task(
                    "geo_api.worker.due_changes", queue="models", lock="due_changes"
                ).defer_async(timestamp=0)
                await app.configure_task(
                    "geo_api.worker.analyse", queue="models", lock="analyse"
                ).defer_async(timestamp=0)
            sending = None if once else asyncio.create_task(deliver_for_ever(sender), name="webhooks")
            try:
                await app.run_worker_async(queues=["models"], wait=not once, install_signal_handlers=True)
            finally:
                if sending is not None:
                    await end_task(sending)
        if once:
            await asyncio.to_thread(deliver_due, sender)

    asyncio.run(work())
