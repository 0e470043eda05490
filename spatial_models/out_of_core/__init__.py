"""Stays of data larger than memory: streamed, partitioned, on a cluster."""

from __future__ import annotations

from spatial_models.out_of_core.partitioned import partition_fixes, run_partitioned
from spatial_models.out_of_core.streamed import stays_of_files

__all__ = ["partition_fixes", "run_partitioned", "stays_of_files"]
