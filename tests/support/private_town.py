"""A data folder with a private cluster of its own, which holds the small town, its logins and an open
case.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import text

from grid.cases import open_case
from grid.responsibility import assign
from layers.postgres import SYSTEM
from layers.postgres import sessions as database
from layers.private_server import Cluster, server_user
from tests.support.application import fill_town
from tests.support.small_town import BOXES, RAISED


@dataclass(frozen=True)
class PrivateTown:
    """The folder, its cluster (stopped or served by somebody), and what was seeded."""

    folder: Path
    cluster: Cluster
    ids: dict[str, Any]
    case_number: str

    def copy(self, folder: Path) -> PrivateTown:
        """The same town in another folder; nobody may serve this one meanwhile."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("run", "log"))
        if os.geteuid() == 0:
            for path in (folder / "postgres", *(folder / "postgres").rglob("*")):
                os.chown(path, server_user().uid, server_user().gid, follow_symlinks=False)
        return PrivateTown(folder, Cluster(folder), self.ids, self.case_number)


def make_private_town(folder: Path) -> PrivateTown:
    """Make it; the cluster keeps what it commits, also when it is killed."""
    cluster = Cluster(folder)
    with cluster:
        database.migrate(cluster.url)
        ids = fill_town(cluster.url)
        number = open_case_of(cluster.url, ids)
        database.engine(cluster.url).dispose()
    return PrivateTown(folder, cluster, ids, number)


def open_case_of(url: str, ids: dict[str, Any], letter: str = "A") -> str:
    """Open a case at the plant of a town: its number. A second open one is of the place alone, not of the site."""
    lon, lat = BOXES[letter][0] + 0.1, 31.2
    with database.session(SYSTEM, url) as db:
        known = {"site": ids[f"site_{letter}"]}
        is_second = db.scalar(text("SELECT EXISTS (SELECT FROM cases WHERE site_id = :site)"), known)
        return open_case(
            db,
            title=f"{letter} 疑似非法复工",
            item_code="ECO-001",
            assignment=assign(db, lon=lon, lat=lat, item_code="ECO-001", at=RAISED),
            lon=lon,
            lat=lat,
            opened_at=RAISED,
            due_at=RAISED + dt.timedelta(days=7),
            alert_id=ids[f"alert_{letter}"],
            site_id=None if is_second else ids[f"site_{letter}"],
        ).number
