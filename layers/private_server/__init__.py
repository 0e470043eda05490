"""The private PostgreSQL of a data folder: make, start, stop, back up."""

from __future__ import annotations

from layers.private_server.binaries import HOW_TO_INSTALL, find_binaries
from layers.private_server.server import Cluster, owned_cluster, running_cluster
from layers.private_server.settings import server_user

__all__ = ["HOW_TO_INSTALL", "Cluster", "find_binaries", "owned_cluster", "running_cluster", "server_user"]
