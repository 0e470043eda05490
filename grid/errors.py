"""Errors of areas, responsibility and cases.

::

    GridError
    ├── TopologyFault       an edit would not leave a partition (rule, zones, place)
    ├── EditConflict        somebody else changed the same zones in the meantime
    ├── DraftChanged        a draft has a newer version than the one that was read
    ├── TooManyDrafts       the account has as many drafts as it may
    ├── CodeNotKept         a corrected grid keeps too little of its land to keep its code
    ├── UnknownArea         no such area, or none at that time
    ├── UnknownItem         no such item in the duty list, at any time
    ├── UnknownEntry        no such body, officer or matter in the register
    ├── EntryInUse          an entry of a register cannot change so: something rests on it, or the day is taken
    ├── EntryOutOfReach     an entry of a register outside of the account's area or domains
    ├── AreaOutOfReach      an edit changes areas outside of the account's own
    ├── ApprovalRefused     a change set is approved by a higher level than its author's
    ├── IllegalTransition   this step is not possible now, or not for this person
    ├── SecondCase          the site has an open case of the item already
    ├── StaleCase           the case has a newer step than the one that was read
    ├── ChainBroken         the hash chain of a case has a fault
    └── CalendarUnknown     the working days of that year are not published yet
"""

from __future__ import annotations

from typing import Any


class GridError(Exception):
    """Base of this package's errors; the text is English, ``message_zh`` Chinese where there is one."""

    def __init__(self, message_en: str, message_zh: str = "") -> None:
        super().__init__(message_en)
        self.message_en = message_en
        self.message_zh = message_zh


class TopologyFault(GridError):
    """An edit would not leave a partition.

    Attributes
    ----------
    rule : str
        ``line_does_not_cross``, ``line_crosses_itself``, ``gap``, ``overlap``, ``sliver``,
        ``not_neighbours``, ``multipart``, ``outside_parent``, ``edge_not_shared``, ``border_frozen``,
        ``corner_needed`` or ``invalid``.
    zones : list of str
        The zones concerned, as ``name (code)``.
    message_en, message_zh : str
    geometry : dict or None
        The place of the clash as GeoJSON, EPSG:4326.
    """

    def __init__(
        self,
        rule: str,
        zones: list[str],
        message_en: str,
        message_zh: str,
        geometry: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message_en, message_zh)
        self.rule = rule
        self.zones = zones
        self.geometry = geometry


class EditConflict(GridError):
    """Somebody else changed the same zones in the meantime; ``zones`` names them."""

    def __init__(self, message_en: str, message_zh: str = "", zones: list[str] | None = None) -> None:
        super().__init__(message_en, message_zh)
        self.zones = zones or []


class DraftChanged(GridError):
    """A draft was saved in another tab or on another device meanwhile; ``stored_version`` is the one that is kept."""

    def __init__(self, message_en: str, message_zh: str = "", stored_version: int = 0) -> None:
        super().__init__(message_en, message_zh)
        self.stored_version = stored_version


class TooManyDrafts(GridError):
    """The account has as many drafts as it may have at a time."""


class CodeNotKept(GridError):
    """A corrected grid keeps too little of its land to keep its code; the text has the share and the limit."""

    rule = "code_not_kept"

    def __init__(self, message_en: str, message_zh: str, zones: list[str]) -> None:
        super().__init__(message_en, message_zh)
        self.zones = zones


class UnknownArea(GridError):
    """No such area, or none at that time."""


class UnknownItem(GridError):
    """No such item in the duty list, at any time."""


class UnknownEntry(GridError):
    """No such body, officer or matter in the register; ``nearest`` has the names that are most like it."""

    def __init__(self, message_en: str, message_zh: str = "", nearest: list[str] | None = None) -> None:
        super().__init__(message_en, message_zh)
        self.nearest = nearest or []


class EntryInUse(GridError):
    """An entry of a register cannot change so; ``rests_on`` has kinds, counts and first names of what uses it."""

    def __init__(
        self, message_en: str, message_zh: str = "", rests_on: list[dict[str, Any]] | None = None
    ) -> None:
        super().__init__(message_en, message_zh)
        self.rests_on = rests_on or []


class EntryOutOfReach(GridError):
    """An entry of a register lies outside of the account's area or domains."""


class AreaOutOfReach(GridError):
    """An edit changes areas outside of the account's own; the text names them and who may change them."""


class ApprovalRefused(GridError):
    """The account may not approve or undo this change set: a higher level than its author's is needed."""


class IllegalTransition(GridError):
    """A step that is not possible now, or not for this person."""


class SecondCase(GridError):
    """A site has an open case of the item already."""


class StaleCase(GridError):
    """A case has a newer step than the one that the caller has read."""


class ChainBroken(GridError):
    """The hash chain of a case has a fault."""


class CalendarUnknown(GridError):
    """The working days of that year are not published yet."""
