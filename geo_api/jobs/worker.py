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
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status

from geo_api.city_file import migrate_installation, open_city
from geo_api.http.settings import Settings
from geo_api.http.unprivileged import leave_root
from geo_api.sharing.addresses import networks
from geo_api.sharing.deliveries import Sender, deliver_due, deliver_for_ever
from layers.postgres import SYSTEM, libpq_url, session
from layers.sharing import remove_old_messages
from layers.tasks import end_task

if TYPE_CHECKING:
    from geo_api.jobs.analysis import AnalysisResult

log = structlog.get_logger()
STALLED_S = 30
"""A worker that lives says so three times in this span."""


def job_app(url: str, settings: Settings) -> App:
    """Return the queue's application on this database."""
    app = App(connector=PsycopgConnector(conninfo=libpq_url(url), max_size=4))

    _add_analysis(app, url, settings)
    _add_sources(app, url, settings)

    @_scheduled(app, "due_changes", settings.due_changes_cron)
    def due_changes(timestamp: int) -> None:
        """Put change sets into force whose date has come."""
        from geo_api.areas.due_change_sets import apply_due_changes

        apply_due_changes(url, settings.unit_grid_profile(), settings.kept_code_land_share)

    @_scheduled(app, "deadlines", settings.deadlines_cron)
    def deadlines(timestamp: int) -> None:
        """Record which cases became late, tell the superior, and reckon deadlines whose calendar has come."""
        from geo_api.cases.deadline_watch import watch_deadlines

        watch_deadlines(url)

    @_scheduled(app, "old_log_rows", settings.old_log_cron)
    def old_log_rows(timestamp: int) -> None:
        """Remove rows of the access log and drafts that are older than the installation keeps them."""
        from geo_api.auth.access_records import remove_old_rows
        from grid.change_sets.drafts import remove_old_drafts

        log.info("old_log_rows", removed=remove_old_rows(url, settings.access_log_days))
        with session(SYSTEM, url) as db:
            log.info("old_messages", removed=remove_old_messages(db, dt.datetime.now(dt.UTC)))
            log.info("old_drafts", removed=remove_old_drafts(db, dt.datetime.now(dt.UTC)))

    @_scheduled(app, "publish", settings.settle_cron)
    def publish(timestamp: int) -> None:
        """Publish what was decided, and withdraw what no longer is."""
        from grid.cases import publish_decided

        with session(SYSTEM, url) as db:
            published, withdrawn = publish_decided(db, dt.datetime.now(dt.UTC))
        if published or withdrawn:
            log.info("published", cases=published, withdrawn=withdrawn)

    @app.periodic(cron=settings.settle_cron)
    @app.task(name="geo_api.worker.resume", queue="models", queueing_lock="resume", pass_context=False)
    async def resume(timestamp: int) -> None:
        """Put the jobs of workers back that died: their locks would keep others out for ever."""
        await resume_stalled(app)

    @_scheduled(app, "queue", settings.settle_cron)
    def queue(timestamp: int) -> None:
        """Write the places of the queue anew: a new week has begun, or a budget came into force or ended."""
        from grid.alerts import refresh_queue

        with session(SYSTEM, url) as db:
            refresh_queue(db, dt.datetime.now(dt.UTC))

    @_scheduled(app, "settle_cells", settings.settle_cron)
    def settle_cells(timestamp: int) -> None:
        """Add up what was counted in the cells of tiles since the last time."""
        from layers.collections import settle_cells

        with session(SYSTEM, url) as db:
            settle_cells(db)

    return app


def _add_analysis(app: App, url: str, settings: Settings) -> None:
    @_scheduled(app, "analyse", settings.analyse_cron)
    def analyse(timestamp: int) -> None:
        """Run the main job on what arrived since the last run."""
        from geo_api.jobs.analysis import Analysis
        from geo_api.jobs.snapshots import SnapshotStore

        store = SnapshotStore(str(settings.snapshots_folder()))
        result = Analysis(url, snapshots=store, models_folder=settings.models_folder()).run()
        log.info("analysed", at=str(result.at), unchanged=result.unchanged, **result.counts)
        _log_unseen(result)


def _add_sources(app: App, url: str, settings: Settings) -> None:
    @_scheduled(app, "sources", settings.sources_cron)
    def sources(timestamp: int) -> None:
        """Look at the sources whose time has come, and finish what was left."""
        from geo_api.sources.configured import sources_setup
        from geo_api.sources.runs import run_due

        run_due(sources_setup(settings, url))


async def resume_stalled(app: App) -> int:
    """Put jobs back whose worker has not been heard of for half a minute; return their number.

    Where the next one of the same task waits already, that one does the work.
    """
    manager = app.job_manager
    stalled = list(await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S))
    for job in stalled:
        log.warning("job_resumed", job=job.id, task=job.task_name)
        try:
            await manager.retry_job(job)
        except UniqueViolation:
            await manager.finish_job(job, Status.FAILED, delete_job=False)
    return len(stalled)


def _log_unseen(result: AnalysisResult) -> None:
    """Log what the run could not see, and alerts that have no case."""
    if result.visits_unjudged is not None:
        log.warning("visits_unjudged", **result.visits_unjudged)
    for spot in result.blind_spots:
        log.warning("blind_spot", **spot)
    for left in result.without_cases:
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
    """Work off the queue until interrupted; ``once`` puts one analysis in, does what waits, and stops.

    Delivered files are read here: as root it works with the rights of the account of the database.
    """
    url = settings.open_database()
    migrate_installation(settings, url)
    opened = open_city(settings, url)
    if opened.written_to is not None:
        log.warning("city_file_written", told=opened.told)
    leave_root(settings)
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
