"""Committed changes of layers, and version counters of tiles that all workers of one server share."""

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
"""NOTIFY channel: one payload per transaction and layer, in the order of the commits."""
CHANGE_SQLSTATE = "WG001"
"""SQLSTATE of the notice by which a commit reports its changes to its own connection."""
CELL_ZOOM = 12
"""Zoom of the tiles that changes name; tiles of higher zooms have the version of their tile of this zoom."""
TILE_MARGIN = 1 / 64
"""Margin around a tile whose features the tile contains, as a part of its width (64 of 4096 units)."""
MIN_LOG_CHANGES = 20_000
"""Least number of changes that the log keeps (SQL function ``tell_change``)."""
SAME_TABLE = {"areas": ("grids",)}
"""Collections that show rows of another collection's table."""
CHANGES_WITH_TIME = frozenset({"cases"})
"""Collections whose tiles change every minute, because being overdue depends on the time."""

_LAYERS = [
    *"areas,grids,sites,places,alerts,cases,stays,visits,tracks,fences,fence_events,silences,encounters".split(
        ","
    ),
    "hot_spots",
    "emerging_hot_spots",
]
_SPARE = 4
_MERGED = 1000
_BUCKETS = 4096
_RING = 1024
_BASE, _RING_AT, _FIRST = 0, 1, 1 + _RING
_WORDS = _FIRST + (len(_LAYERS) + _SPARE) * (1 + _BUCKETS)


@dataclass(frozen=True)
class CommittedChange:
    """Change of one layer by one committed transaction.

    Attributes
    ----------
    layer : str
        Name of the collection.
    id : int or None
        Sequence number in the order of commits; None: not from the log.
    touched : frozenset of str, or None
        ``scope|cell`` of each touched row: ``cell`` is column * 4096 + row of a tile of zoom 12, and empty
        when there were too many; ``scope`` is empty for public layers, else the areas of the row and, where
        rows have a domain, the domain: ``12``, ``12,14``, ``12;ecology``; or a body that is a
        party: ``@7``. None: everything may have changed.

    Examples
    --------
    >>> CommittedChange.parse('{"id": 7, "layer": "sites", "touched": ["|14029230"]}').cells
    frozenset({(3425, 430)})
    >>> CommittedChange.parse("sites").cells is None
    True
    """

    layer: str
    id: int | None = None
    touched: frozenset[str] | None = None

    @classmethod
    def parse(cls, payload: str) -> CommittedChange:
        """Parse a payload of the channel; the bare name of a layer means the whole layer."""
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

    def visible_to(self, scope: Scope) -> CommittedChange | None:
        """Return the part of the change about rows of the scope, or None without any.

        When the scopes of the touched rows are unknown, the whole layer is reported to every reader of the
        layer.
        """
        if self.touched is None:
            return self
        seen = frozenset(key for key in self.touched if _in_scope(key.rpartition("|")[0], scope))
        return CommittedChange(self.layer, self.id, seen) if seen else None

    def merge(self, other: CommittedChange) -> CommittedChange:
        """Merge two changes of a layer; above 1000 cells only the scopes are kept."""
        newest = max((i for i in (self.id, other.id) if i is not None), default=None)
        if self.touched is None or other.touched is None:
            return CommittedChange(self.layer, newest)
        keys = self.touched | other.touched
        if len(keys) > _MERGED:
            keys = frozenset(key.rpartition("|")[0] + "|" for key in keys)
        return CommittedChange(self.layer, newest, keys if len(keys) <= _MERGED else None)


def _in_scope(rows: str, scope: Scope) -> bool:
    if rows.startswith("@"):
        return scope.body_id is not None and int(rows[1:]) == scope.body_id
    areas, semicolon, domain = rows.partition(";")
    if semicolon and scope.domains and domain not in scope.domains:
        return False
    return scope.city_wide or all(int(area) in scope.area_ids for area in areas.split(",") if area)


class TileVersions:
    """Version counters of tiles, shared by all workers of one server.

    There is one counter per layer, and hashed buckets of its tiles of zooms 0 to 12. A change increments the
    bucket of every tile above the cells that it touched. Two tiles in one bucket are only rebuilt together.
    No increment is lost between processes, so the sum that ``version`` returns grows with every change. A
    process that dies inside ``bump`` leaves it undone, and the others repeat it when they are notified of the
    commit.

    Each process must make its own object, after a fork.

    Parameters
    ----------
    path : Path or None
        File of the counters; None: private to this process.

    Attributes
    ----------
    listening : bool
        False while the change feed of this process has no connection to the database. Changes may then be
        missed, so no two versions are equal.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._counters = SharedCounters(_WORDS, path)
        self._words = self._counters.words
        self._slots = {name: _FIRST + i * (1 + _BUCKETS) for i, name in enumerate(_LAYERS)}
        self._unique = itertools.count(1)
        self.listening = True
        with self._counters.locked():
            if self._words[_BASE] == 0:  # so that a later server never repeats the versions of an earlier one
                self._words[_BASE] = time.time_ns()

    def version(self, layer: str, zoom: int, column: int, row: int) -> int:
        """Return the version of a tile: another number after every committed change that touched it.

        Read it before the query of the tile begins, and cache the tile under that number: a change that
        commits during the query may or may not be in the tile, and increments the version in both cases.
        """
        if not self.listening:
            return -next(self._unique)
        slot = self._slots.get(layer) or self._layer_slot(layer)
        if zoom > CELL_ZOOM:
            column >>= zoom - CELL_ZOOM
            row >>= zoom - CELL_ZOOM
            zoom = CELL_ZOOM
        words = self._words
        version = words[_BASE] + words[slot] + words[slot + _bucket(zoom, column, row)]
        if layer in CHANGES_WITH_TIME:
            version += int(time.time()) // 60
        return version

    def bump(self, change: CommittedChange) -> None:
        """Increment the versions of the tiles that a change touched.

        Call it after the commit and before the commit is acknowledged. A change with an id is counted once,
        even if several processes report it.
        """
        with self._counters.locked():
            ring = _RING_AT + (change.id or 0) % _RING
            if change.id is not None and self._words[ring] == change.id:
                return
            for layer in (change.layer, *SAME_TABLE.get(change.layer, ())):
                slot = self._slots.get(layer) or self._layer_slot(layer)
                for offset in self._counter_offsets(change):
                    self._words[slot + offset] += 1
            if change.id is not None:
                self._words[ring] = change.id

    def bump_all(self) -> None:
        """Increment the versions of all tiles, when everything may have changed."""
        with self._counters.locked():
            self._words[_BASE] += 1
            for place in range(_RING_AT, _RING_AT + _RING):
                self._words[place] = 0

    def _counter_offsets(self, change: CommittedChange) -> set[int]:
        if change.cells is None:
            return {0}
        return {_bucket(*tile) for cell in change.cells for tile in covering_tiles(*cell)}

    def _layer_slot(self, layer: str) -> int:
        """Return the slot of a layer that has no slot of its own; it is the same in every process."""
        spare = len(_LAYERS) + sum(layer.encode()) % _SPARE
        return self._slots.setdefault(layer, _FIRST + spare * (1 + _BUCKETS))


def _bucket(zoom: int, column: int, row: int) -> int:
    return 1 + (column * 73_856_093 + row * 19_349_663 + zoom * 83_492_791) % _BUCKETS


def covering_tiles(column: int, row: int) -> Iterator[tuple[int, int, int]]:
    """Yield zoom, column, row of all tiles up to zoom 12 that may show content of a tile of zoom 12.

    Examples
    --------
    >>> [tile for tile in covering_tiles(3425, 430) if tile[0] in (0, 11, 12)]
    [(12, 3425, 430), (0, 0, 0), (11, 1712, 214), (11, 1712, 215), (11, 1713, 214), (11, 1713, 215)]
    """
    yield CELL_ZOOM, column, row
    for zoom in range(CELL_ZOOM):
        size, last = 2 ** (CELL_ZOOM - zoom), 2**zoom - 1
        columns = range(
            max(int(column / size - TILE_MARGIN), 0), min(int((column + 1) / size + TILE_MARGIN), last) + 1
        )
        rows = range(
            max(int(row / size - TILE_MARGIN), 0), min(int((row + 1) / size + TILE_MARGIN), last) + 1
        )
        yield from ((zoom, x, y) for x in columns for y in rows)


_shared_files: dict[str, Path] = {}


def share_versions(url: str, path: Path) -> None:
    """Keep the tile versions of a database in a file that several processes share, before their first use."""
    _shared_files[url] = path


@lru_cache(maxsize=8)
def tile_versions(url: str) -> TileVersions:
    """Return this process's version counters for a database.

    They are shared with other processes when :func:`share_versions` was called before.
    """
    return TileVersions(_shared_files.get(url))


def bump_on_commit(engine: Engine, url: str) -> None:
    """Register hooks on an engine that increment tile versions when its transactions end.

    A commit reports the touched rows to its own connection by a notice (no further query). The connection
    returns to the pool before the answer is sent, and the versions are incremented there. After a failed
    commit they are incremented without need, which only means that some tiles are rebuilt.
    """

    @event.listens_for(engine, "connect")
    def connect(driver: Any, record: Any) -> None:
        with driver.cursor() as cursor:
            cursor.execute("SET wangge.tell = 'on'")
        driver.commit()
        touched: list[str] = []
        driver.add_notice_handler(
            lambda said: touched.append(said.message_primary) if said.sqlstate == CHANGE_SQLSTATE else None
        )
        record.info["wangge_touched"] = touched

    @event.listens_for(engine, "checkin")
    def checkin(driver: Any, record: Any) -> None:
        touched: list[str] = record.info.get("wangge_touched", [])
        while touched:
            tile_versions(url).bump(CommittedChange.parse(touched.pop(0)))


async def newest_change_id(connection: ListeningConnection) -> int:
    """Return the id of the newest change in the log; 0 without any."""
    newest = await (await connection.execute("SELECT max(id) FROM layer_changes")).fetchone()
    return int(str(newest[0])) if newest and newest[0] is not None else 0


def changes_after(db: Session, after: int, most: int = 1000) -> list[CommittedChange] | None:
    """Return the changes committed after a change id, in order; None when the log is incomplete.

    An id that the log has not reached yet belongs to another database.

    Parameters
    ----------
    db : Session
    after : int
        Id of a change.
    most : int
        Greatest number of changes; with more the result is None.
    """
    first, last = db.execute(
        text("SELECT min(id), max(id) FROM layer_changes WHERE transaction IS NULL")
    ).one()
    if after == (last or 0):
        return []
    if last is None or after > last or (after < first and last > MIN_LOG_CHANGES):
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
    return [CommittedChange(layer, id, None if keys is None else frozenset(keys)) for id, layer, keys in rows]
