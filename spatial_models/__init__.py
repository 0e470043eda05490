"""Numbers: pure models over arrays and frames.

Frame in, frame out: no database, no HTTP, no files (but for ``bulk``, ``partitioning`` and ``partitioned``, which stream Parquet that
is larger than memory). Neighbourhood, clock and random generator are arguments; units
stand in names; coordinates are WGS 84 longitude and latitude in degrees, times are UTC. A score is a clue (线索),
never proof.
"""

from __future__ import annotations

__all__ = [
    "attribution",
    "bulk",
    "cleaning_kernels",
    "distances",
    "encounter_kernels",
    "encounters",
    "errors",
    "evaluation",
    "evidence",
    "fence_crossings",
    "fence_events",
    "fence_kernels",
    "fence_shapes",
    "fences",
    "frames",
    "hotspots",
    "kernels",
    "meter_series",
    "meters",
    "nearness",
    "ordering",
    "parameter_checks",
    "partitioned",
    "partitioning",
    "stay_states",
    "stays",
    "suspicion",
    "suspicion_config",
    "time_tables",
    "visit_inputs",
    "visits",
    "weights",
]
