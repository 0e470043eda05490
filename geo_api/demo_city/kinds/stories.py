"""Parts of which a planted kind is told: work, other uses, faults of meters, visits, what stands beside.

A range is drawn from for every site anew, so that no two sites of a kind are alike.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Range = tuple[float, float]

DAY_PATTERNS = (
    "daily",
    "workdays",
    "weekends",
    "second",
    "third",
    "week",
    "fortnights",
    "once",
    "outage",
)
"""Days of work or of visits, counted from the start; ``outage``: the day on which an operator falls silent."""


@dataclass(frozen=True)
class Works:
    """Work that a meter shows, as a share of a normal working day before the closing.

    Attributes
    ----------
    level : range
    days : one of DAY_PATTERNS
    ramp_days, lasts_days : range
        Days in which it grows to its level, and after which it ends; None: it goes on.
    hours : {"round", "day", "night"}
        Hours of the use; seen in hourly readings only.
    starts : {"start", "closing"}
        From the site's start on, or since the day of closing.
    """

    level: Range
    days: str = "daily"
    ramp_days: Range = (1, 5)
    lasts_days: Range | None = None
    hours: str = "round"
    starts: str = "start"


@dataclass(frozen=True)
class Other:
    """A use that is no work: ``heating``, ``frost``, ``cooling``, ``trend``, ``leak``, ``drill`` or ``sun``."""

    of: str
    level: Range


@dataclass(frozen=True)
class Meter:
    """Meter of a site after the closing.

    Attributes
    ----------
    idle : range
        Use at rest, as a share of a normal working day.
    works : tuple of Works
    others : tuple of Other
    fault : str
        ``""``, ``old_estimates`` (values of before the closing), ``flat_estimates`` (the idle value copied),
        ``swap`` and ``rollover`` (of a register), ``unit`` (a unit of ten times from one day on), ``typo`` (one
        value times a hundred), ``removed`` (no readings since the closing).
    """

    idle: Range = (0.02, 0.07)
    works: tuple[Works, ...] = ()
    others: tuple[Other, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Visits:
    """Visits of vehicles.

    Attributes
    ----------
    fleet : str
        Name in ``FLEETS``.
    days : one of DAY_PATTERNS
    clock : range
        Hour of arrival; above 24 is the next morning.
    minutes : range
    crew : range
        Different vehicles that take turns.
    at_once : range
        Vehicles on one day.
    where : {"inside", "gate", "beside", "road"}
        ``beside``: at what stands beside it; ``road``: 30 to 120 m from the fence.
    dark : bool
        The terminal falls silent within minutes of the arrival, and wakes with the departure.
    share : float
        Share of the days on which somebody comes.
    starts : {"start", "window"}
        From the site's start on, or in the whole window of the tracks.
    lasts_days : range or None
    """

    fleet: str
    days: str = "daily"
    clock: Range = (8, 17)
    minutes: Range = (35, 120)
    crew: Range = (2, 4)
    at_once: Range = (1, 1)
    where: str = "inside"
    dark: bool = False
    share: float = 1.0
    starts: str = "start"
    lasts_days: Range | None = None


@dataclass(frozen=True)
class Beside:
    """Something beside the site.

    ``open_site`` is an enterprise of its own with a register entry and meters; ``home`` is where the crew of the visits
    lives; the others are places on the list (``petrol``, ``service_area``, ``licensed_parking``, ``gate_queue``).
    """

    what: str
    distance_m: Range
    hazard: str = "none"


@dataclass(frozen=True)
class Paper:
    """A registered reason, or a licence; days count from the start of the story, None: open end.

    ``begins`` and ``ends`` are ranges of days after the start, negative ones before it; ``lead_days`` is
    counted from the closing when ``since_closing`` is set.
    """

    kind: str
    begins: Range = (-12, -3)
    ends: Range | None = (60, 150)
    since_closing: bool = False


@dataclass(frozen=True)
class Kind:
    """A planted kind or a decoy: what is told of each of its sites.

    Attributes
    ----------
    name, zh, en : str
    guilty : bool
        It is an illegal resumption.
    shows : str
        The source in which a person sees it.
    families : tuple of str
        Families of signals that speak: ``meters``, ``vehicles``; none for a decoy that shows nothing.
    blind : tuple of str
        Families that cannot speak, by construction.
    closed_days, start_days : range
        Days before the end of the data of the closing, and of what is unusual.
    power, water, gas : Meter or None
        None: no such meter.
    supply : {"daily", "monthly", "hourly", "register"}
    visits, papers : tuple
    beside : Beside or None
    hazard : str
        Kind of hazard in the register; ``none``: nobody entered one.
    dated : bool
        The register knows since when it is closed.
    hard : str
        Why even a person would hesitate; empty: nobody would.
    """

    name: str
    zh: str
    en: str
    guilty: bool
    shows: str
    families: tuple[str, ...] = ()
    blind: tuple[str, ...] = ()
    closed_days: Range = (110, 420)
    start_days: Range = (22, 48)
    power: Meter | None = field(default_factory=Meter)
    water: Meter | None = field(default_factory=lambda: Meter(idle=(0.005, 0.03)))
    gas: Meter | None = None
    supply: str = "daily"
    visits: tuple[Visits, ...] = ()
    papers: tuple[Paper, ...] = ()
    beside: Beside | None = None
    hazard: str = "chemical"
    dated: bool = True
    hard: str = ""

    @property
    def expected(self) -> str:
        """The finding that is right: a ``case``, ``attention`` where one family is blind, ``nothing`` of a decoy."""
        if not self.guilty:
            return "nothing"
        return "case" if len(self.families) > 1 else "attention"
