"""Scope of a transaction: the rows that its caller may see."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Scope:
    """Rows that the caller of a transaction may see.

    Parameters
    ----------
    role : str
        One of ``layers.tables.ROLES`` or ``public``.
    city_wide : bool
        True: every row. False: rows whose ``area_id`` is in ``area_ids``.
    area_ids : tuple of int
        The caller's area and all areas below it down to communities.
    username : str or None
        For events and the access log.
    domains : tuple of str
        Cases and alerts of these domains only; empty: all domains.
    body : str or None
        Body that the caller acts for.
    body_id : int or None
        Its key in the register: the cases to which it is a party are seen, too.
    """

    role: str = "public"
    city_wide: bool = False
    area_ids: tuple[int, ...] = field(default=())
    username: str | None = None
    domains: tuple[str, ...] = field(default=())
    body: str | None = None
    body_id: int | None = None

    @property
    def key(self) -> str:
        """Part of every cache key; two callers with the same key see the same rows."""
        areas = "*" if self.city_wide else ",".join(map(str, self.area_ids))
        party = "" if self.body_id is None or self.sees_every_case else f"|@{self.body_id}"
        return f"{self.role}|{areas}|{','.join(self.domains)}{party}"

    @property
    def sees_every_case(self) -> bool:
        """Return whether area and domains shut out no case."""
        return self.city_wide and not self.domains


PUBLIC = Scope()
SYSTEM = Scope(role="service", city_wide=True, username="system")
