"""Private PostgreSQL server of a data folder: made, started, watched, stopped, backed up, restored."""

from __future__ import annotations

from layers.private_server.backup import dump as dump_database
from layers.private_server.backup import restore as restore_database
from layers.private_server.binaries import HOW_TO_INSTALL, find_binaries
from layers.private_server.disk_space import DiskSpace
from layers.private_server.folder_backup import dump_folder, restore_folder
from layers.private_server.point_in_time import restore_to
from layers.private_server.rights import closed_path, give_to_owner_of, give_up_root, hand_over
from layers.private_server.server import Cluster, owned_cluster, running_cluster
from layers.private_server.settings import ServerUser, default_data_dir, server_user
from layers.private_server.wal_archive import archive_state, base_backups, remove_old_backups
from layers.private_server.watch import LONGEST_PAUSE_S, MOST_FAILED_STARTS, ServerWatch

__all__ = [
    "HOW_TO_INSTALL",
    "LONGEST_PAUSE_S",
    "MOST_FAILED_STARTS",
    "Cluster",
    "DiskSpace",
    "ServerUser",
    "ServerWatch",
    "archive_state",
    "base_backups",
    "closed_path",
    "default_data_dir",
    "dump_database",
    "dump_folder",
    "find_binaries",
    "give_to_owner_of",
    "give_up_root",
    "hand_over",
    "owned_cluster",
    "remove_old_backups",
    "restore_database",
    "restore_folder",
    "restore_to",
    "running_cluster",
    "server_user",
]
