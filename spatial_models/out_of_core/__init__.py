"""Stays of data larger than memory: streamed, or partitioned on a cluster."""

from __future__ import annotations

from spatial_models.out_of_core.partitioned import partition_fixes, run_partitioned
from spatial_models.out_of_core.streamed import detect_stays_in_files

__all__ = ["detect_stays_in_files", "partition_fixes", "run_partitioned"]
