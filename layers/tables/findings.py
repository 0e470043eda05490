"""Models: their versions and runs, and what they found: alerts with scores, outcomes and budgets, and hot spots."""

from __future__ import annotations

import datetime as dt
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, geometry_column, id_column, mercator_column

ALERT_STATUSES = ("open", "checked", "faded", "joined")
"""Open: in the queue. Checked: an outcome answers it. Faded: the evidence sank below the lowest level. Joined: it is a
former alert of its site, and ``joined_to`` is the live one."""
SCORE_CHANGES = (
    "raised",
    "reopened",
    "returned",
    "faded",
    "higher",
    "lower",
    "refreshed",
)
"""Effects of a scoring on an alert."""
MODEL_STEPS = ("put_in_force", "put_back")
"""Steps of the versions of a model."""
OUTCOMES = ("confirmed", "legal_use", "cannot_tell")
"""What a site check can find."""
HOT_SPOT_PATTERNS = (
    "no_pattern",
    *(f"{name}_{sign}" for sign in ("hot", "cold") for name in (
        "new", "consecutive", "intensifying", "persistent", "diminishing", "sporadic", "oscillating", "historical",
    )),
)  # fmt: skip
"""How the hot and cold steps of a cell can follow each other."""


class ModelRun(Base):
    """One run of a model, with its version and parameters; ``key`` makes a second run find the first.

    ``fingerprint`` holds a value for each table that it read, ``blind_spots`` what it could not see, ``seconds`` the
    time of its steps. Those and the window are empty in runs of before 0041.
    """

    __tablename__ = "model_runs"
    id: Mapped[int] = id_column()
    model: Mapped[str]
    version: Mapped[str]
    key: Mapped[str] = mapped_column(unique=True)
    at: Mapped[dt.datetime]
    parameters: Mapped[dict[str, Any]]
    counts: Mapped[dict[str, Any]]
    finished_at: Mapped[dt.datetime]
    window_from: Mapped[dt.datetime | None]
    window_to: Mapped[dt.datetime | None]
    fingerprint: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")
    blind_spots: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    seconds: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class AlertKind(Base):
    """A kind of alert, its domain and the matter of its cases.

    Without a domain it is for those who see every domain; without an ``item_code`` in the duty list it opens
    no case.
    """

    __tablename__ = "alert_kinds"
    kind: Mapped[str] = mapped_column(primary_key=True)
    domain: Mapped[str | None]
    name_zh: Mapped[str]
    name_en: Mapped[str]
    item_code: Mapped[str | None]


class Alert(Base):
    """A clue (线索), never proof: one live row a site or fence and kind, scored up and down by each run.

    Its place is that of the site, or of the breach at the fence that lasted longest.

    ``raised_at`` is when it was raised, raised to a higher level or raised again; ``opened_at`` when the present matter
    began (None: with ``raised_at``); ``outcome`` the newest of ``alert_outcomes``.
    """

    __tablename__ = "alerts"
    __table_args__ = (
        Index("ix_alerts_area_id", "area_id"),
        Index("uq_alerts_live", "site_id", "kind", unique=True, postgresql_where=text("joined_to IS NULL")),
        Index(
            "uq_alerts_live_fence",
            "fence_id",
            "kind",
            unique=True,
            postgresql_where=text("joined_to IS NULL"),
        ),
        CheckConstraint("num_nonnulls(site_id, fence_id) = 1", "ck_alerts_subject"),
        Index("ix_alerts_joined_to", "joined_to", postgresql_where=text("joined_to IS NOT NULL")),
    )
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("sites.id"))
    fence_id: Mapped[int | None] = mapped_column(ForeignKey("fences.id"))
    kind: Mapped[str] = mapped_column(ForeignKey("alert_kinds.kind"))
    level: Mapped[str]
    score: Mapped[float]
    raised_at: Mapped[dt.datetime]
    evidence: Mapped[list[dict[str, Any]]]
    would_lower: Mapped[list[dict[str, Any]]]
    would_settle: Mapped[list[dict[str, Any]]] = mapped_column(default=list, server_default="[]")
    status: Mapped[str] = mapped_column(default="open", server_default="open")
    outcome: Mapped[str | None]
    opened_at: Mapped[dt.datetime | None]
    joined_to: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    geom: Mapped[WKBElement] = geometry_column("POINT")
    geom_3857: Mapped[Any] = mercator_column("POINT")
    area_id: Mapped[int | None] = mapped_column(BigInteger)


class AlertScore(Base):
    """The score that a run gave an alert; a row is written when anything differs from the row before it.

    ``unexplained_log_odds`` are the log-odds before what notices explain; ``families`` those that counted as a source
    of their own; ``change`` one of ``SCORE_CHANGES``; ``reasons`` the signals that changed, with a sentence each;
    ``contributions`` the log-odds of each signal by family and the prior (None: a score of an older version).
    """

    __tablename__ = "alert_scores"
    __table_args__ = (Index("ix_alert_scores_alert_id", "alert_id"),)
    id: Mapped[int] = id_column()
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    at: Mapped[dt.datetime]
    level: Mapped[str]
    score: Mapped[float]
    log_odds: Mapped[float]
    unexplained_log_odds: Mapped[float]
    families: Mapped[list[str]]
    status: Mapped[str]
    change: Mapped[str]
    reasons: Mapped[list[dict[str, Any]]]
    contributions: Mapped[dict[str, Any] | None]


class AlertOutcome(Base):
    """Outcome of a site check, appended and never changed.

    ``score_id`` is the score that was judged. Who found it is None where an older version did not write it down.
    """

    __tablename__ = "alert_outcomes"
    __table_args__ = (Index("ix_alert_outcomes_alert_id", "alert_id"),)
    id: Mapped[int] = id_column()
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.id"))
    score_id: Mapped[int | None] = mapped_column(ForeignKey("alert_scores.id"))
    outcome: Mapped[str]
    at: Mapped[dt.datetime]
    actor: Mapped[str | None]
    role: Mapped[str | None]
    body: Mapped[str | None]
    note: Mapped[str]
    case_number: Mapped[str | None]


class HotSpot(Base):
    """One H3 cell of one run and field: what was counted around it, and what was to be expected.

    ``value`` and ``exposure`` are those of the cell itself, ``observed`` and ``expected`` those of the cell
    with its neighbours of ``rings`` rings. Rows of earlier versions have ``z``, ``p``, ``q`` and ``gi_bin``
    instead, and no ``level``.
    """

    __tablename__ = "hot_spots"
    __table_args__ = (UniqueConstraint("run_id", "field", "h3"),)
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    field: Mapped[str]
    h3: Mapped[int] = mapped_column(BigInteger)
    value: Mapped[float]
    exposure: Mapped[float | None]
    observed: Mapped[float | None]
    expected: Mapped[float | None]
    ratio: Mapped[float | None]
    p_adjusted: Mapped[float | None]
    level: Mapped[int | None] = mapped_column(SmallInteger)
    rings: Mapped[int | None] = mapped_column(SmallInteger)
    from_day: Mapped[dt.date | None]
    until_day: Mapped[dt.date | None]
    z: Mapped[float | None]
    p: Mapped[float | None]
    q: Mapped[float | None]
    gi_bin: Mapped[int | None] = mapped_column(SmallInteger)
    geom: Mapped[WKBElement] = geometry_column("POLYGON")
    geom_3857: Mapped[Any] = mercator_column("POLYGON")


class EmergingHotSpot(Base):
    """One H3 cell of one run and field over time: its pattern, since when, and the counts of its steps."""

    __tablename__ = "emerging_hot_spots"
    __table_args__ = (UniqueConstraint("run_id", "field", "h3"),)
    id: Mapped[int] = id_column()
    run_id: Mapped[int] = mapped_column(ForeignKey("model_runs.id"))
    field: Mapped[str]
    h3: Mapped[int] = mapped_column(BigInteger)
    pattern: Mapped[str]
    since: Mapped[dt.date | None]
    until_day: Mapped[dt.date]
    step_days: Mapped[int]
    steps: Mapped[int]
    hot_steps: Mapped[int]
    cold_steps: Mapped[int]
    newest: Mapped[float]
    before: Mapped[float]
    trend_z: Mapped[float]
    trend_p: Mapped[float]
    series: Mapped[dict[str, Any]]
    geom: Mapped[WKBElement] = geometry_column("POLYGON")
    geom_3857: Mapped[Any] = mercator_column("POLYGON")


class Snapshot(Base):
    """Rows that an alert was decided from: the hash of the Parquet file that keeps them."""

    __tablename__ = "snapshots"
    __table_args__ = (Index("ix_snapshots_alert_id", "alert_id"),)
    id: Mapped[int] = id_column()
    sha256: Mapped[str]
    alert_id: Mapped[int]
    model: Mapped[str]
    version: Mapped[str]
    made_at: Mapped[dt.datetime]


class ModelVersion(Base):
    """One version of the file of a model. Rows are added, never changed.

    ``document`` is the text of the file, ``based_on`` the version that it was made from (None: the file),
    ``figures`` what was measured when it was made, old against new.
    """

    __tablename__ = "model_versions"
    __table_args__ = (UniqueConstraint("model", "version"),)
    id: Mapped[int] = id_column()
    model: Mapped[str]
    version: Mapped[str]
    document: Mapped[str]
    sha256: Mapped[str]
    based_on: Mapped[str | None]
    made_at: Mapped[dt.datetime]
    made_by: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict, server_default="{}")


class ModelVersionStep(Base):
    """A step by which a version came into force. Rows are added, never changed.

    ``version_id`` is in force from ``at`` on; None: the file.
    """

    __tablename__ = "model_version_steps"
    __table_args__ = (Index("ix_model_version_steps_model", "model"),)
    id: Mapped[int] = id_column()
    model: Mapped[str]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id"))
    action: Mapped[str]
    at: Mapped[dt.datetime]
    actor: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")


class AlertBudget(Base):
    """Number of alerts of a kind that the inspectors of a county can check in a week, from a day to a day."""

    __tablename__ = "alert_budgets"
    __table_args__ = (Index("ix_alert_budgets_area_code", "area_code", "kind"),)
    id: Mapped[int] = id_column()
    area_code: Mapped[str]
    kind: Mapped[str] = mapped_column(ForeignKey("alert_kinds.kind"))
    checks_per_week: Mapped[int] = mapped_column(Integer)
    valid_from: Mapped[dt.date] = mapped_column(Date)
    valid_to: Mapped[dt.date | None] = mapped_column(Date)
    set_at: Mapped[dt.datetime]
    set_by: Mapped[str]
    note: Mapped[str] = mapped_column(default="", server_default="")


class AlertRank(Base):
    """Place of an open alert in the queue of its county; written anew when a score, an outcome or a budget changes it.

    ``checked`` is how many alerts of the county were checked this week before it, ``is_due`` whether it is to be
    checked this week. Alerts of a county without a budget have no row.
    """

    __tablename__ = "alert_ranks"
    alert_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("alerts.id"), primary_key=True, autoincrement=False
    )
    area_code: Mapped[str]
    place: Mapped[int] = mapped_column(Integer)
    checks_per_week: Mapped[int] = mapped_column(Integer)
    checked: Mapped[int] = mapped_column(Integer)
    is_due: Mapped[bool]
