"""Snapshots: the rows that an alert and its case were decided from, kept as Parquet, and the decision made again.

A snapshot is one Parquet file named by its SHA-256; each row is one table (its name, its rows as Parquet). The
first event of the case names the hash, so that the chain proves the rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import fsspec
import polars as pl
from sqlalchemy.orm import Session

from grid.cases import assign_again, assignment_rows
from grid.cases.hash_chain import canonical
from grid.errors import GridError
from layers.postgres import SYSTEM, session
from layers.records import StoredSnapshot, add_snapshot, find_snapshot
from spatial_models.suspicion import DEFAULT_CONFIG, score_sites, use_after_closure

Tables = dict[str, pl.DataFrame]
QUESTION = "question"
DECIDED_BY = {("illegal_resumption", "2")}
"""Models and versions that this program decides with."""


class SnapshotFault(GridError):
    """A snapshot that is missing, was changed, or was decided by a version that this program does not have."""


@dataclass(frozen=True)
class SnapshotStore:
    """A folder of snapshots: any address of fsspec (a path, ``s3://…``)."""

    address: str

    def put(self, content: bytes) -> str:
        """Keep a snapshot; returns its SHA-256."""
        digest = sha256(content).hexdigest()
        with fsspec.open(f"{self.address}/{digest}.parquet", "wb", auto_mkdir=True) as file:
            file.write(content)
        return digest

    def read(self, digest: str) -> bytes:
        """Return a snapshot.

        Raises
        ------
        SnapshotFault
            It is missing, or its bytes are not those that were kept.
        """
        try:
            with fsspec.open(f"{self.address}/{digest}.parquet", "rb") as file:
                content: bytes = file.read()
        except FileNotFoundError as error:
            raise SnapshotFault(f"snapshot {digest} is missing", f"快照 {digest} 缺失") from error
        if (found := sha256(content).hexdigest()) != digest:
            raise SnapshotFault(
                f"snapshot {digest}: its bytes were changed, they are {found}", f"快照 {digest} 的内容已改动"
            )
        return content


def pack_tables(tables: Mapping[str, pl.DataFrame]) -> bytes:
    """Return the tables of a snapshot as one Parquet file."""
    contents = {name: _parquet(frame) for name, frame in tables.items()}
    return _parquet(pl.DataFrame({"table": list(contents), "rows": list(contents.values())}))


def unpack_tables(content: bytes) -> Tables:
    """Return the tables of a snapshot by name."""
    bundle = pl.read_parquet(io.BytesIO(content))
    return {name: pl.read_parquet(io.BytesIO(rows)) for name, rows in bundle.iter_rows()}


def _parquet(frame: pl.DataFrame) -> bytes:
    made = io.BytesIO()
    frame.write_parquet(made)
    return made.getvalue()


@dataclass(frozen=True)
class SnapshotMaker:
    """Keeps the snapshot of a site of one run.

    Attributes
    ----------
    closed, readings, visits, notices : polars.DataFrame
        As the model took them, of all sites.
    question : mapping
        ``model``, ``version``, ``at``, ``config``, ``item_code``.
    """

    store: SnapshotStore
    closed: pl.DataFrame
    readings: pl.DataFrame
    visits: pl.DataFrame
    notices: pl.DataFrame
    question: Mapping[str, Any]

    def keep(self, db: Session, site_id: str, alert_id: int) -> str:
        """Keep the rows of a site and note them with its alert; returns the SHA-256."""
        own = pl.col("site_id") == site_id
        tables = {
            "site": self.closed.filter(own),
            "readings": self.readings.filter(own),
            "visits": self.visits.filter(own),
            "notices": self.notices.filter(own),
        }
        site = tables["site"].row(0, named=True)
        at = dt.datetime.fromisoformat(self.question["at"])
        place = {"lon": site["lon"], "lat": site["lat"], "enterprise_uscc": site["uscc"]}
        code = self.question["item_code"]
        rows = {} if code is None else assignment_rows(db, item_code=code, at=at, **place)
        tables |= {
            name: pl.DataFrame({"row": found}, schema={"row": pl.Utf8}) for name, found in rows.items()
        }
        question = json.dumps(dict(self.question) | place, sort_keys=True)
        tables[QUESTION] = pl.DataFrame({"question": [question]})
        digest = self.store.put(pack_tables(tables))
        stored = StoredSnapshot(digest, alert_id, self.question["model"], self.question["version"])
        add_snapshot(db, stored, at)
        return digest


def decide_again(url: str, content: bytes) -> bytes:
    """Decide again from a snapshot alone; returns the decision as canonical JSON.

    Raises
    ------
    SnapshotFault
        The model or its version is not one of this program.
    """
    tables = unpack_tables(content)
    asked = json.loads(tables[QUESTION]["question"][0])
    if (asked["model"], asked["version"]) not in DECIDED_BY:
        raise SnapshotFault(
            f"decided by {asked['model']} {asked['version']}, which this program does not have",
            f"模型 {asked['model']} {asked['version']} 不在本程序中",
        )
    at = dt.datetime.fromisoformat(asked["at"])
    config = dataclasses.replace(DEFAULT_CONFIG, local_zone=asked["local_zone"])
    site, notices = tables["site"], tables["notices"]
    signals = use_after_closure(tables["readings"], site, notices, at=config.local_day(at))
    scored = score_sites(site, signals, tables["visits"], notices, at=at, config=config).sites
    found = scored.row(0, named=True)
    rows = {name: list(frame["row"]) for name, frame in tables.items() if frame.columns == ["row"]}
    place = {name: asked[name] for name in ("lon", "lat", "enterprise_uscc")}
    assignment = None
    if asked["item_code"] is not None:
        with session(SYSTEM, url) as db:
            assignment = assign_again(db, rows, item_code=asked["item_code"], at=at, **place)
    decision = {
        "model": asked["model"],
        "version": asked["version"],
        "at": asked["at"],
        **{name: found[name] for name in ("site_id", "level", "score", "evidence", "would_lower")},
        "assignment": assignment,
    }
    return json.dumps(
        canonical(json.loads(json.dumps(decision, default=str))),
        sort_keys=True, ensure_ascii=False, separators=(",", ":"),
    ).encode()  # fmt: skip


def replay(url: str, store: SnapshotStore, which: str) -> bytes:
    """Decide a case (by number) or an alert (by id) again from its snapshot.

    Raises
    ------
    layers.errors.NotFound
        No such case or alert, or it has no snapshot.
    SnapshotFault
    """
    with session(SYSTEM, url) as db:
        digest = find_snapshot(db, which)
    return decide_again(url, store.read(digest))
