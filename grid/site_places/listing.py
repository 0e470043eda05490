"""Lists of sites without place, as the caller sees them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session


@dataclass(frozen=True)
class UnplacedSite:
    """Site of which an address is known and no coordinates.

    Attributes
    ----------
    address : str or None
        None: a place that was taken back, of a site that never had an address.
    area_code, area_name : str or None
        Town, else county, that the address names; None: the city level sees it alone.
    batch_id : int or None
        Import that brought it.
    """

    site_id: str
    kind: str
    uscc: str
    enterprise_name: str
    hazard: str
    status: str
    address: str | None
    area_code: str | None
    area_name: str | None
    batch_id: int | None


def read_unplaced(
    db: Session,
    limit: int,
    *,
    after: str | None = None,
    words: str | None = None,
    site_ids: Sequence[str] | None = None,
) -> list[UnplacedSite]:
    """Return sites without place that the caller sees, by their id.

    Parameters
    ----------
    after : str, optional
        Ids above it only.
    words : str, optional
        Part of an id, of the name of the enterprise, of its code or of the address.
    site_ids : sequence of str, optional
        Only these.
    """
    asked = _asked(words, site_ids) | {"after": after, "limit": limit}
    return [UnplacedSite(*row) for row in db.execute(_LIST, asked)]


def count_matching(db: Session, words: str | None = None) -> int:
    """Return the number of sites without place that the caller sees; ``words`` as of :func:`read_unplaced`."""
    return int(db.scalar(_COUNT, _asked(words, None)) or 0)


def _asked(words: str | None, site_ids: Sequence[str] | None) -> dict[str, object]:
    return {"words": words, "ids": None if site_ids is None else list(site_ids)}


_FROM = """
FROM sites s JOIN enterprises e ON e.id = s.enterprise_id LEFT JOIN areas a ON a.id = s.area_id
WHERE s.geom IS NULL AND (CAST(:ids AS text[]) IS NULL OR s.site_id = ANY(:ids))
  AND (CAST(:words AS text) IS NULL
       OR strpos(lower(concat_ws(' ', s.site_id, e.name, e.uscc, s.address)), lower(:words)) > 0)
"""
_COUNT = text(f"SELECT count(*) {_FROM}")
_LIST = text(f"""
SELECT s.site_id, s.kind, e.uscc, e.name, e.hazard, e.status, s.address, a.code, a.name, s.batch_id {_FROM}
  AND (CAST(:after AS text) IS NULL OR s.site_id > :after)
ORDER BY s.site_id LIMIT :limit
""")
