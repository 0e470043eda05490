"""Stays of Parquet files, without the database: ``wangge analyse stays --from … --to …``."""

from __future__ import annotations

from typing import Any

from geo_api.http.progress import step
from geo_api.jobs.parameters import STAY_PARAMETERS
from layers.errors import InputError
from spatial_models.out_of_core import detect_stays_in_files, partition_fixes, run_partitioned


def partition_files(source: str, target: str, buckets: int) -> dict[str, Any]:
    """Partition the fixes of a Parquet file or folder by UTC day and bucket of vehicles.

    Returns
    -------
    dict
        ``rows``, ``buckets`` and ``seconds``.
    """
    seconds: dict[str, float] = {}
    with step(f"分区 partition {source}", seconds, "partition") as tell:
        rows = partition_fixes(source, target, buckets=buckets, progress=tell)
    return {"rows": rows, "buckets": buckets, "seconds": seconds}


def analyse_files(
    source: str | None,
    target: str | None,
    scheduler: str | None,
    *,
    days: tuple[str | None, str | None] = (None, None),
    states: str | None = None,
) -> dict[str, Any]:
    """Detect the stays of a Parquet file or folder, in this process or on a cluster.

    Parameters
    ----------
    source, target : str
        Paths or URLs. On a cluster the source is partitioned by day and bucket and the target is a folder.
    scheduler : str or None
        ``tcp://host:port`` of a Dask scheduler, ``local`` for a cluster on this machine, None for this
        process.
    days, states
        Of a cluster: first and last day, and the folder of states; see
        `spatial_models.out_of_core.partitioned.run_partitioned`.

    Returns
    -------
    dict
        ``stays``, ``quality`` and ``seconds``; of a cluster also ``parts``.

    Raises
    ------
    layers.errors.InputError
        One of ``--from`` and ``--to`` is missing, or an option is given that only a cluster has.
    """
    if source is None or target is None:
        raise InputError("--from 与 --to 须一起给出 --from and --to belong together")
    if scheduler is None and (states, *days) != (None, None, None):
        raise InputError(
            "--first-day、--last-day、--states 须与 --scheduler 一起使用 belong to a run with --scheduler"
        )
    seconds: dict[str, float] = {}
    with step(f"停留 stays of {source}", seconds, "stays") as tell:
        if scheduler is None:
            streamed = detect_stays_in_files(source, target, progress=tell, **STAY_PARAMETERS)
            document = {"stays": streamed.stays, "quality": streamed.quality}
        else:
            address = None if scheduler == "local" else scheduler
            run = run_partitioned(
                source,
                target,
                scheduler=address,
                first_day=days[0],
                last_day=days[1],
                states=states,
                progress=tell,
                **STAY_PARAMETERS,
            )
            document = {"stays": run.stays, "parts": run.parts, "quality": run.quality}
    return document | {"seconds": seconds}
