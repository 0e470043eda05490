"""Tables as SQLAlchemy classes, one module a subject; importing this package makes the metadata whole.

Storage CRS is EPSG:4326 (x is longitude). Times are UTC. ``area_id`` on a row is the *scope area*: the
smallest of community, town, county, city that holds the place; row-level security compares it with the
caller's areas.
"""

from __future__ import annotations

from layers.tables.accounts import ROLES, AccessLog, ApiKey, LoginSession, RecoveryCode, SecondFactor, User
from layers.tables.areas import AREA_KINDS, CHANGE_SET_STATUSES, Area, AreaSuccession, ChangeSet
from layers.tables.base import Base
from layers.tables.batches import BATCH_SOURCES, BATCH_STATES, HISTORY_TABLES, NATURAL_KEYS, Batch
from layers.tables.cases import (
    CASE_STATES,
    CLUE_SOURCES,
    CLUE_STATES,
    DISPATCH_STATES,
    DOMAINS,
    OPEN_DISPATCH_STATES,
    PART_STATES,
    PARTS,
    Attachment,
    Case,
    CaseEvent,
    CaseFacts,
    CaseParty,
    ChainEntry,
    ChainHead,
    Clue,
    ClueReporter,
    Dispatch,
    DutyItem,
    PublishedCase,
)
from layers.tables.changes import (
    DELIVERY_STATES,
    LayerChange,
    Outbox,
    RowChange,
    Webhook,
    WebhookDelivery,
)
from layers.tables.enterprises import Enterprise, MeterReading, Notice, Place, Site
from layers.tables.fences import BREACH_BEGINS, BREACH_ENDS, Fence, FenceEvent
from layers.tables.findings import (
    ALERT_STATUSES,
    HOT_SPOT_PATTERNS,
    OUTCOMES,
    SCORE_CHANGES,
    Alert,
    AlertKind,
    AlertOutcome,
    AlertScore,
    EmergingHotSpot,
    HotSpot,
    ModelRun,
    Snapshot,
)
from layers.tables.ground import Building, PlaceGram, PlaceName, PlaceSource, Road, Waterway
from layers.tables.movement import STAY_ENDS, Fix, Stay, Vehicle, Visit
from layers.tables.readers import CLOSED_TABLES, PUBLIC_TABLES
from layers.tables.registers import BODY_LEVELS, STAGES, URGENCIES, Body, CalendarDay, Matter, Officer
from layers.tables.schema_versions import SchemaInForce
from layers.tables.tile_cells import CELL_TABLES
from layers.tables.tracks import Track, TrackDay

__all__ = [
    "ALERT_STATUSES",
    "AREA_KINDS",
    "BATCH_SOURCES",
    "BATCH_STATES",
    "BODY_LEVELS",
    "BREACH_BEGINS",
    "BREACH_ENDS",
    "CASE_STATES",
    "CELL_TABLES",
    "CHANGE_SET_STATUSES",
    "CLOSED_TABLES",
    "CLUE_SOURCES",
    "CLUE_STATES",
    "DELIVERY_STATES",
    "DISPATCH_STATES",
    "DOMAINS",
    "HISTORY_TABLES",
    "HOT_SPOT_PATTERNS",
    "NATURAL_KEYS",
    "OPEN_DISPATCH_STATES",
    "OUTCOMES",
    "PARTS",
    "PART_STATES",
    "PUBLIC_TABLES",
    "ROLES",
    "SCORE_CHANGES",
    "STAGES",
    "STAY_ENDS",
    "URGENCIES",
    "AccessLog",
    "Alert",
    "AlertKind",
    "AlertOutcome",
    "AlertScore",
    "ApiKey",
    "Area",
    "AreaSuccession",
    "Attachment",
    "Base",
    "Batch",
    "Body",
    "Building",
    "CalendarDay",
    "Case",
    "CaseEvent",
    "CaseFacts",
    "CaseParty",
    "ChainEntry",
    "ChainHead",
    "ChangeSet",
    "Clue",
    "ClueReporter",
    "Dispatch",
    "DutyItem",
    "EmergingHotSpot",
    "Enterprise",
    "Fence",
    "FenceEvent",
    "Fix",
    "HotSpot",
    "LayerChange",
    "LoginSession",
    "Matter",
    "MeterReading",
    "ModelRun",
    "Notice",
    "Officer",
    "Outbox",
    "Place",
    "PlaceGram",
    "PlaceName",
    "PlaceSource",
    "PublishedCase",
    "RecoveryCode",
    "Road",
    "RowChange",
    "SchemaInForce",
    "SecondFactor",
    "Site",
    "Snapshot",
    "Stay",
    "Track",
    "TrackDay",
    "User",
    "Vehicle",
    "Visit",
    "Waterway",
    "Webhook",
    "WebhookDelivery",
]
