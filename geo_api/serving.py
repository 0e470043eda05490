"""Running the server: the private cluster is started with it and stopped with it."""

from __future__ import annotations

import os

import uvicorn

from geo_api.progress import console


def serve_forever(host: str, port: int, workers: int) -> None:
    """Serve until interrupted. The private cluster belongs to this process while it serves.

    Raises
    ------
    layers.errors.ClusterInUse
        Another ``wangge serve`` owns the data folder.
    """
    from layers.database import migrate

    if url := os.environ.get("WANGGE_DATABASE_URL"):
        migrate(url)
        _run(host, port, workers)
        return
    from layers.cluster import owned_cluster

    with owned_cluster() as cluster:
        migrate(cluster.url)
        os.environ["WANGGE_DATABASE_URL"] = cluster.url
        _run(host, port, workers)


def _run(host: str, port: int, workers: int) -> None:
    console.print(f"[green]✓[/] http://{host}:{port}/  (Ctrl+C 停止 stops)")
    uvicorn.run(
        "geo_api.app:create_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
