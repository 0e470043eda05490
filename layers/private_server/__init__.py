"""Private PostgreSQL server of a data folder: make, start, watch, stop, back up and restore it."""

from __future__ import annotations

from layers.private_server.binaries import HOW_TO_INSTALL, find_binaries
from layers.private_server.disk_space import DiskSpace
from layers.private_server.server import Cluster, owned_cluster, running_cluster
from layers.private_server.settings import default_data_dir, server_user
from layers.private_server.watch import MOST_FAILED_STARTS, ServerWatch

__all__ = [
    "HOW_TO_INSTALL",
    "MOST_FAILED_STARTS",
    "Cluster",
    "DiskSpace",
    "ServerWatch",
    "default_data_dir",
    "find_binaries",
    "owned_cluster",
    "running_cluster",
    "server_user",
]
