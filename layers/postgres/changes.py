"""What committed changes touched, and version counters of tiles that all workers of one server share."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from layers.postgres.listener import ListeningConnection
from layers.postgres.shared_counters import SharedCounters

if TYPE_CHECKING:
    from layers.postgres.scope import Scope

CHANNEL = "wangge_changes"
"""NOTIFY: one payload a transaction and layer, in the order of the commits."""
TOLD = "WG001"
"""SQLSTATE of the notice that a commit gives to the connection that made it."""
CELL_ZOOM = 12
"""Changes name tiles of this zoom; smaller tiles follow the one that they lie in."""
MARGIN = 1 / 64
"""Tiles hold what is so near outside, as a part of their width (64 of 4096 units)."""
LOG = 20_000
"""Numbers of changes that the log keeps at least (``tell_change``)."""
SAME_TABLE = {"areas": ("grids",)}
"""Collections over the table of another one."""
CHANGES_WITH_TIME = frozenset({"cases"})
"""Whether a case is overdue depends on the clock: its tiles are new each minute."""

_LAYERS = "areas,grids,sites,places,alerts,cases,stays,visits,tracks,hot_spots,fences,fence_events".split(",")
_SPARE = 4
_MERGED = 1000
_BUCKETS = 4096
_RING = 1024
_BASE, _RING_AT, _FIRST = 0, 1, 1 + _RING
_WORDS = _FIRST + (len(_LAYERS) + _SPARE) * (1 + _BUCKETS)


@dataclass(frozen=True)
class Change:
    """What one transaction did to one layer.

    Attributes
    ----------
    layer : str
        Name of the collection.
    id : int or None
        Place in the order of commits; None: not from the log.
    touched : frozenset of str, or None
        ``scope|cell`` of each touched row: ``cell`` is column * 4096 + row of a tile of zoom 12 and empty when
        there were too many; ``scope`` is empty for public layers, else the areas of the row and, where rows
        have a domain, the domain: ``12``, ``12,14``, ``12;ecology``. None: everything may have changed.

    Examples
    --------
    >>> Change.parse('{"id": 7, "layer": "sites", "touched": ["|14029230"]}').cells
    frozenset({(3425, 430)})
    """

    layer: str
    id: int | None = None
    touched: frozenset[str] | None = None

    @classmethod
    def parse(cls, payload: str) -> Change:
        """Read a payload of the channel; the bare name of a layer is the whole layer."""
        if not payload.startswith("{"):
            return cls(payload)
        read: dict[str, Any] = json.loads(payload)
        touched = read["touched"]
        return cls(read["layer"], read["id"], None if touched is None else frozenset(touched))

    @cached_property
    def cells(self) -> frozenset[tuple[int, int]] | None:
        """Column and row of the touched tiles of zoom 12; None: anywhere in the layer."""
        if self.touched is None:
            return None
        keys = {key.rpartition("|")[2] for key in self.touched}
        return None if "" in keys else frozenset(divmod(int(key), 2**CELL_ZOOM) for key in keys)

    def seen_by(self, scope: Scope) -> Change | None:
        """The part that is about rows of that scope; None when there is none.

        Where it is not known whose rows were touched, the whole layer is told to whoever may read the layer.
        """
        if self.touched is None:
            return self
        seen = frozenset(key for key in self.touched if _in_scope(key.rpartition("|")[0], scope))
        return Change(self.layer, self.id, seen) if seen else None

    def merged(self, other: Change) -> Change:
        """Both in one; of more than 1000 places only the scopes are kept."""
        newest = max((i for i in (self.id, other.id) if i is not None), default=None)
        if self.touched is None or other.touched is None:
            return Change(self.layer, newest)
        keys = self.touched | other.touched
        if len(keys) > _MERGED:
            keys = frozenset(key.rpartition("|")[0] + "|" for key in keys)
        return Change(self.layer, newest, keys if len(keys) <= _MERGED else None)


def _in_scope(rows: str, scope: Scope) -> bool:
    areas, semicolon, domain = rows.partition(";")
    if semicolon and scope.domains and domain not in scope.domains:
        return False
    return scope.city_wide or all(int(area) in scope.area_ids for area in areas.split(",") if area)


class TileVersions:
    """Version counters of tiles, shared by all workers of one server.

    One counter a layer, and hashed buckets of its tiles of zooms 0 to 12. A change raises the bucket of every tile
    above the places that it touched. Two tiles in one bucket are only made anew together. No step is lost between
    processes, so the sum that ``of`` gives grows with every change. A process that dies within ``bump`` leaves it
    undone, and the others do it again when they hear of the commit.

    To be made after a fork, by each process for itself.

    Parameters
    ----------
    path : Path or None
        File of the counters; None: private to this process.

    ``listening`` is False while the feed of this process has no connection to the database: then no two versions
    are equal, because changes may be missed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._counters = SharedCounters(_WORDS, path)
        self._words = self._counters.words
        self._slots = {name: _FIRST + i * (1 + _BUCKETS) for i, name in enumerate(_LAYERS)}
        self._unique = itertools.count(1)
        self.listening = True
        with self._counters.locked():
            if self._words[_BASE] == 0:  # a later server never repeats the versions of an earlier one
                self._words[_BASE] = time.time_ns()

    def of(self, layer: str, zoom: int, column: int, row: int) -> int:
        """The version of a tile: another number after every committed change that touched it.

        Read it *before* the query of the tile begins, and keep the tile under the number that was read: a change
        that commits while the tile is made may or may not be in it, and raises the version either way.
        """
        if not self.listening:
            return -next(self._unique)
        slot = self._slots.get(layer) or self._slot(layer)
        if zoom > CELL_ZOOM:
            column >>= zoom - CELL_ZOOM
            row >>= zoom - CELL_ZOOM
            zoom = CELL_ZOOM
        words = self._words
        version = words[_BASE] + words[slot] + words[slot + _bucket(zoom, column, row)]
        if layer in CHANGES_WITH_TIME:
            version += int(time.time()) // 60
        return version

    def bump(self, change: Change) -> None:
        """Raise the versions of what a change touched: after its commit, and before it is acknowledged.

        A change with an id is counted once, however many processes tell of it.
        """
        with self._counters.locked():
            ring = _RING_AT + (change.id or 0) % _RING
            if change.id is not None and self._words[ring] == change.id:
                return
            for layer in (change.layer, *SAME_TABLE.get(change.layer, ())):
                slot = self._slots.get(layer) or self._slot(layer)
                for offset in self._offsets(change):
                    self._words[slot + offset] += 1
            if change.id is not None:
                self._words[ring] = change.id

    def bump_all(self) -> None:
        """Everything may have changed: raise the versions of all tiles."""
        with self._counters.locked():
            self._words[_BASE] += 1
            for place in range(_RING_AT, _RING_AT + _RING):
                self._words[place] = 0

    def _offsets(self, change: Change) -> set[int]:
        if change.cells is None:
            return {0}
        return {_bucket(*tile) for cell in change.cells for tile in tiles_over(*cell)}

    def _slot(self, layer: str) -> int:
        """Of a layer that has no place of its own (the sum of its letters is the same in every process)."""
        spare = len(_LAYERS) + sum(layer.encode()) % _SPARE
        return self._slots.setdefault(layer, _FIRST + spare * (1 + _BUCKETS))


def _bucket(zoom: int, column: int, row: int) -> int:
    return 1 + (column * 73_856_093 + row * 19_349_663 + zoom * 83_492_791) % _BUCKETS


def tiles_over(column: int, row: int) -> Iterator[tuple[int, int, int]]:
    """Zoom, column, row of all tiles up to zoom 12 that may show something of a tile of zoom 12.

    Examples
    --------
    >>> [tile for tile in tiles_over(3425, 430) if tile[0] in (0, 11, 12)]
    [(12, 3425, 430), (0, 0, 0), (11, 1712, 214), (11, 1712, 215), (11, 1713, 214), (11, 1713, 215)]
    """
    yield CELL_ZOOM, column, row
    for zoom in range(CELL_ZOOM):
        size, last = 2 ** (CELL_ZOOM - zoom), 2**zoom - 1
        columns = range(max(int(column / size - MARGIN), 0), min(int((column + 1) / size + MARGIN), last) + 1)
        rows = range(max(int(row / size - MARGIN), 0), min(int((row + 1) / size + MARGIN), last) + 1)
        yield from ((zoom, x, y) for x in columns for y in rows)


_shared_files: dict[str, Path] = {}


def share_versions(url: str, path: Path) -> None:
    """Count the versions of a database's tiles in a file that several processes share, before their first use."""
    _shared_files[url] = path


@lru_cache(maxsize=8)
def versions_of(url: str) -> TileVersions:
    """The counters of this process for a database: in the file that :func:`share_versions` named, if any."""
    return TileVersions(_shared_files.get(url))


def watch(engine: Engine, url: str) -> None:
    """Raise the versions of what transactions of this engine touched when they end, before anyone is answered.

    A commit tells its own connection what it touched by a notice (no further query); the connection goes back
    to the pool before the answer leaves, and there the versions are raised. After a commit that failed they are
    raised in vain, which only costs tiles that are made again.
    """

    @event.listens_for(engine, "connect")
    def connect(driver: Any, record: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute("SET wangge.tell = 'on'")
        driver.commit()
        touched: list[str] = []
        driver.add_notice_handler(
            lambda said: touched.append(said.message_primary) if said.sqlstate == TOLD else None
        )
        record.info["wangge_touched"] = touched

    @event.listens_for(engine, "checkin")
    def checkin(driver: Any, record: Any) -> None:
        touched: list[str] = record.info.get("wangge_touched", [])
        while touched:
            versions_of(url).bump(Change.parse(touched.pop(0)))


async def newest_change_id(connection: ListeningConnection) -> int:
    """The id of the newest change in the log; 0 while there is none."""
    newest = await (await connection.execute("SELECT max(id) FROM layer_changes")).fetchone()
    return int(str(newest[0])) if newest and newest[0] is not None else 0


def changes_after(db: Session, after: int, most: int = 1000) -> list[Change] | None:
    """What was committed after the change of that id, in order; None when the log does not say it all.

    An id that the log has not reached yet is of another database.
    """
    first, last = db.execute(
        text("SELECT min(id), max(id) FROM layer_changes WHERE transaction IS NULL")
    ).one()
    if after == (last or 0):
        return []
    if last is None or after > last or (after < first and last > LOG):
        return None
    rows = db.execute(
        text(
            "SELECT id, layer, touched FROM layer_changes WHERE id > :after AND transaction IS NULL"
            " ORDER BY id LIMIT :most"
        ),
        {"after": after, "most": most + 1},
    ).all()
    if len(rows) > most:
        return None
    return [Change(layer, id, None if keys is None else frozenset(keys)) for id, layer, keys in rows]
