"""``wangge analyse stays --from … --to …``: stays of Parquet files, without the database."""

from __future__ import annotations

from typing import Any

from geo_api.analysis import STAY_PARAMETERS
from geo_api.progress import step
from layers.errors import InputError
from spatial_models.bulk import stays_of_files
from spatial_models.partitioned import run_partitioned


def analyse_files(source: str | None, target: str | None, scheduler: str | None) -> dict[str, Any]:
    """Stays of a Parquet file or folder, in this process or on a cluster.

    Parameters
    ----------
    source, target : str
        Paths or URLs. On a cluster the source is partitioned by day and bucket and the target is a folder.
    scheduler : str or None
        ``tcp://host:port`` of a Dask scheduler, ``local`` for a cluster on this machine, None for this process.

    Returns
    -------
    dict
        ``stays``, ``quality`` and ``seconds``; of a cluster also ``parts``.

    Raises
    ------
    layers.errors.InputError
        One of ``--from`` and ``--to`` is missing.
    """
    if source is None or target is None:
        raise InputError("--from 与 --to 须一起给出 --from and --to belong together")
    seconds: dict[str, float] = {}
    with step(f"停留 stays of {source}", seconds, "stays") as tell:
        if scheduler is None:
            streamed = stays_of_files(source, target, progress=tell, **STAY_PARAMETERS)
            document = {"stays": streamed.stays, "quality": streamed.quality}
        else:
            address = None if scheduler == "local" else scheduler
            run = run_partitioned(source, target, scheduler=address, progress=tell, **STAY_PARAMETERS)
            document = {"stays": run.stays, "parts": run.parts, "quality": run.quality}
    return document | {"seconds": seconds}
