"""The application, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files
from pathlib import Path

import anyio.to_thread
import structlog
from fastapi import Depends, FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from geo_api.areas import routes_change_sets as change_sets
from geo_api.areas import routes_drafts as drafts
from geo_api.areas import routes_guides as guides
from geo_api.areas import routes_history as area_history
from geo_api.areas import routes_sheet as grid_sheets
from geo_api.auth import routes_access_log as access_log
from geo_api.auth import routes_account as account
from geo_api.auth import routes_login as login
from geo_api.auth.access_records import AccessRecords
from geo_api.auth.known_callers import KnownCallers
from geo_api.auth.oidc import TokenVerifier
from geo_api.cases import routes_alerts as alerts
from geo_api.cases import routes_attachments as attachments
from geo_api.cases import routes_cases as cases
from geo_api.cases import routes_hot_spots as hot_spots
from geo_api.cases import routes_indicators as indicators
from geo_api.cases import routes_publication as publication
from geo_api.cases.chain_keys import ChainKeys
from geo_api.cases.head_making import HeadMaker
from geo_api.cases.kept_reports import KeptReports
from geo_api.city_file import put_file_in_force
from geo_api.credentials import LoginThrottle
from geo_api.dispatch import routes_dispatches as dispatches
from geo_api.dispatch import routes_relocation as relocation
from geo_api.features import routes_changes as changes
from geo_api.features import routes_collections as collections
from geo_api.features import routes_edits as feature_edits
from geo_api.features import routes_events as events
from geo_api.features import routes_exports as exports
from geo_api.features import routes_items as items
from geo_api.features import routes_tiles as tiles
from geo_api.features import routes_vehicles as vehicles
from geo_api.features.change_feed import ChangeFeed
from geo_api.features.exports import ExportGate
from geo_api.features.live_tiles import LiveTiles, TileShortcut
from geo_api.features.tile_cache import TileCache
from geo_api.ground import routes_base_maps as base_maps
from geo_api.ground.base_maps import base_maps_of
from geo_api.http import errors
from geo_api.http.database_slots import database_slots
from geo_api.http.logs import configure_logs
from geo_api.http.parameters import known_parameters
from geo_api.http.representations import page
from geo_api.http.settings import Settings, installed_version, read_settings
from geo_api.imports import routes_imports as imports
from geo_api.intake import routes_clues as clues
from geo_api.intake import routes_reports as public_reports
from geo_api.models import routes_budgets as budgets
from geo_api.models import routes_models as models
from geo_api.models import routes_runs as model_runs
from geo_api.models import routes_versions as model_versions
from geo_api.open311 import routes_georeport as open311
from geo_api.registers import routes_registers as registers
from geo_api.responsibility import routes_assign as assign
from geo_api.responsibility import routes_duties as duties
from geo_api.responsibility import routes_duty_proposals as duty_proposals
from geo_api.search import routes_search as search
from geo_api.server import routes_landing as landing
from geo_api.server.allowed_hosts import AllowedHosts
from geo_api.server.cross_origin import allow_origins
from geo_api.server.disk_reserve import DiskMetric, DiskReserve
from geo_api.server.middleware import Metrics, RequestFrame, TransportSecurity
from geo_api.server.openapi import operation_id, written_description
from geo_api.server.rate_limits import RateLimits, limits_of, networks_of
from geo_api.server.request_limits import RequestLimits
from geo_api.server.serving import told_of_the_end
from geo_api.server.worker_processes import SharedPlaces, end_with_parent
from geo_api.sharing import routes_webhooks as webhooks
from geo_api.site_places import routes_site_places as site_places
from geo_api.sources import routes_sources as sources
from geo_api.tracks import routes_tracks as tracks
from geo_api.tracks.ingest_gate import IngestGate
from layers.attachments import AttachmentStore
from layers.postgres import AsyncReader, Readiness, share_versions, tile_versions

log = structlog.get_logger("geo_api.server")
THREADS = 16
"""Requests that work at once: no more than the pool has connections, so that none waits for one in vain."""
ABOUT = "哪里有问题、谁负责、结果如何 · where is something wrong, who is responsible, and what became of it"
ROUTERS = (
    landing,
    collections,
    items,
    changes,
    feature_edits,
    tiles,
    exports,
    login,
    account,
    access_log,
    assign,
    alerts,
    budgets,
    vehicles,
    tracks,
    search,
    clues,
    public_reports,
    open311,
    cases,
    attachments,
    dispatches,
    relocation,
    change_sets,
    drafts,
    area_history,
    grid_sheets,
    guides,
    duties,
    duty_proposals,
    registers,
    imports,
    site_places,
    sources,
    hot_spots,
    model_runs,
    models,
    model_versions,
    indicators,
    events,
    base_maps,
    webhooks,
    publication,
)


def create_app(settings: Settings | None = None, shared: SharedPlaces | None = None) -> FastAPI:
    """One application over one database.

    Parameters
    ----------
    settings : Settings or None
        None: from the environment.
    shared : SharedPlaces or None
        What this process shares with others of the same service; None: it serves alone.
    """
    settings = settings or read_settings()
    configure_logs(settings.log_level)
    put_file_in_force(settings)
    app = FastAPI(
        title="网格 wangge",
        generate_unique_id_function=operation_id,
        description=ABOUT,
        version=installed_version(),
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.openapi = written_description  # type: ignore[method-assign]
    _fill_state(app, settings, shared)
    errors.register(app)
    for module in ROUTERS:
        app.include_router(module.router, dependencies=[Depends(known_parameters)])
    app.mount("/static", StaticFiles(packages=[("geo_api", "static")]), name="static")
    _mount_map(app)
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    app.add_middleware(TileShortcut, tiles=app.state.live_tiles)
    if app.state.private_server is not None:
        app.add_middleware(DiskReserve, disk=app.state.disk_space)
    app.add_middleware(RequestLimits)
    app.add_middleware(
        RateLimits,
        limits=limits_of(settings.rate_limits),
        trusted=networks_of(settings.trusted_proxies),
    )
    app.add_middleware(AllowedHosts, names=settings.host_names())
    allow_origins(app, settings)
    app.add_middleware(
        RequestFrame,
        records=app.state.access_records,
        metrics=app.state.metrics,
        tile_origin=" ".join(app.state.base_maps.origins),
    )
    app.add_middleware(TransportSecurity)
    return app


def _fill_state(app: FastAPI, settings: Settings, shared: SharedPlaces | None) -> None:
    app.state.settings = settings
    app.state.shared = shared
    app.state.url = settings.open_database()
    app.state.base_maps = base_maps_of(settings)
    if app.state.base_maps.problem:
        log.warning("base_map_left_out", reason=app.state.base_maps.problem)
    if shared is not None:
        share_versions(app.state.url, shared.tile_versions)
    app.state.signing_key = settings.signing_key()
    app.state.disk_space = settings.disk_space()
    app.state.private_server = settings.served_cluster()
    app.state.metrics = Metrics(DiskMetric(app.state.disk_space))
    app.state.access_records = AccessRecords(
        app.state.url, app.state.metrics.access_log_lost, journals=settings.call_journals_folder()
    )
    app.state.chain_keys = ChainKeys(settings.chain_keys_folder())
    app.state.attachment_store = AttachmentStore(settings.attachments_place())
    app.state.head_maker = HeadMaker(app.state.url, app.state.chain_keys)
    app.state.known_callers = KnownCallers(app.state.url, settings.shared_count())
    app.state.token_verifier = TokenVerifier(settings) if settings.oidc_issuer else None
    app.state.login_throttle = LoginThrottle(settings.login_failures, settings.login_window_s)
    app.state.ingest_gate = IngestGate(
        settings.ingest_max_bytes_at_once,
        settings.ingest_max_bytes,
        settings.ingest_batches,
        settings.ingest_writers,
    )
    app.state.export_gate = ExportGate(settings.exports)
    app.state.tile_versions = tile_versions(app.state.url)
    app.state.feed = ChangeFeed(app.state.url, app.state.tile_versions)
    app.state.reader = AsyncReader(
        app.state.url, size=settings.limits().live, statement_timeout_s=settings.statement_timeout_s
    )
    app.state.live_tiles = LiveTiles(
        app.state.reader, TileCache(settings.tile_cache_mb * 2**20), tile_versions(app.state.url)
    )
    app.state.kept_reports = KeptReports()
    app.state.kept_indicators = KeptReports(64)
    app.state.readiness = Readiness(app.state.url)
    app.state.database_slots = database_slots(settings.limits())


@contextlib.asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    most = app.state.settings.limits().pool
    anyio.to_thread.current_default_thread_limiter().total_tokens = min(THREADS, most)
    app.state.access_records.start()
    app.state.chain_keys.ensure()
    app.state.head_maker.start()
    app.state.reader.start()
    app.state.feed.start()
    app.state.known_callers.start()
    shared: SharedPlaces | None = app.state.shared
    watch = asyncio.create_task(end_with_parent(shared.parent)) if shared is not None else None
    try:
        with told_of_the_end(app.state.feed.end_streams):
            yield
    finally:
        if watch is not None:
            watch.cancel()
        await app.state.known_callers.stop()
        await app.state.feed.stop()
        await app.state.reader.stop()
        await app.state.access_records.stop()
        await app.state.head_maker.stop()


def _mount_map(app: FastAPI) -> None:
    """``/map/``: the built console, or a page that says how to build it (decided at each request)."""
    dist = Path(str(files("maps"))) / "web" / "dist"

    @app.get("/map", include_in_schema=False)
    def map_without_slash() -> Response:
        return RedirectResponse("/map/")

    if (dist / "index.html").is_file():
        app.mount("/map", StaticFiles(directory=dist, html=True), name="map")
        return

    @app.get("/map/", include_in_schema=False)
    def map_missing(request: Request) -> Response:
        return HTMLResponse(page("map_missing", request), status_code=503)
