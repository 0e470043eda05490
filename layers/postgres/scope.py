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
    """

    role: str = "public"
    city_wide: bool = False
    area_ids: tuple[int, ...] = field(default=())
    username: str | None = None
    domains: tuple[str, ...] = field(default=())
    body: str | None = None

    @property
    def key(self) -> str:
        """Part of every cache key; two callers with the same key see the same rows."""
        areas = "*" if self.city_wide else ",".join(map(str, self.area_ids))
        return f"{self.role}|{areas}|{','.join(self.domains)}"


PUBLIC = Scope()
SYSTEM = Scope(role="service", city_wide=True, username="system")
