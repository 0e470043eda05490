"""Snapshots: the rows that an alert and its case were decided from, kept as Parquet, and the decision made again.

A snapshot is one Parquet file named by its SHA-256; each row is one table (its name, its rows as Parquet). The
first event of the case names the hash, so that the chain proves the rows.
"""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import fsspec
import polars as pl
from sqlalchemy.orm import Session

from geo_api.jobs.scored_findings import with_starts
from grid.cases import assign_again, assignment_rows
from grid.cases.proof.hash_chain import canonical
from grid.errors import GridError
from layers.postgres import SYSTEM, session
from layers.records import StoredSnapshot, add_snapshot, find_snapshot
from spatial_models.suspicion import model_of, score_subjects

Tables = dict[str, pl.DataFrame]
QUESTION = "question"


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
    """Keeps the snapshot of a site or fence of one run.

    Attributes
    ----------
    places : mapping of str to mapping
        ``lon``, ``lat`` and ``enterprise_uscc`` (of a fence None) by the id of the site or fence.
    subjects : polars.DataFrame
        What the model looks at, as it took it.
    tables : mapping of str to polars.DataFrame
        ``signals``, ``notices``, ``active_days`` and ``starts``, from which it is decided again;
        ``readings``, ``visits`` and ``breaches`` behind them. ``site_id`` may be that of a fence.
    question : mapping
        ``model``, ``version``, ``document``, ``at``, ``local_zone``, ``item_code``.
    """

    store: SnapshotStore
    places: Mapping[str, Mapping[str, Any]]
    subjects: pl.DataFrame
    tables: Mapping[str, pl.DataFrame]
    question: Mapping[str, Any]

    def keep(self, db: Session, subject_id: str, alert_id: int) -> str:
        """Keep the rows of a site or fence and note them with its alert; returns the SHA-256."""
        own = pl.col("site_id") == subject_id
        tables = {"site": self.subjects.filter(own)}
        tables |= {name: frame.filter(own) for name, frame in self.tables.items()}
        at = dt.datetime.fromisoformat(self.question["at"])
        place = dict(self.places[subject_id])
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
        It was decided by a model that was no file, which this program does not have.
    """
    tables = unpack_tables(content)
    asked = json.loads(tables[QUESTION]["question"][0])
    if "document" not in asked:
        raise SnapshotFault(
            f"decided by {asked['model']} {asked['version']}, which this program does not have: the model was no file",
            f"模型 {asked['model']} {asked['version']} 不在本程序中（当时模型尚非文件）",
        )
    at = dt.datetime.fromisoformat(asked["at"])
    today = at.astimezone(ZoneInfo(asked["local_zone"])).date()
    model = model_of(asked["document"])
    scored = score_subjects(
        model,
        tables["site"],
        tables["signals"],
        tables["notices"],
        today=today,
        active_days=tables["active_days"],
    )
    found = scored.row(0, named=True)
    found["evidence"] = with_starts(found["evidence"], tables.get("starts"))
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
        **{
            name: found[name]
            for name in ("site_id", "level", "score", "evidence", "would_lower", "would_settle")
        },
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
