"""Keys of service accounts, sent as ``Authorization: Bearer wk_…``; shown once, stored as a hash."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from geo_api.auth.accounts import token_hash
from grid.areas import scope_area_ids
from layers.errors import InputError
from layers.postgres import Scope
from layers.records import accounts
from layers.tables import ApiKey, User

PREFIX = "wk_"
KEY_IN_QUERY_PATHS = ("/v1/tracks/osmand",)
"""Paths of devices that cannot send a header: there ``?key=`` is read too."""
USED_EVERY = dt.timedelta(minutes=1)
"""How exact ``last_used_at`` is: not every call writes it."""
KEY_ROLES: Mapping[str, frozenset[str] | None] = {
    "service": None,
    "viewer": None,
    "sender": frozenset({"write_tracks"}),
}
"""What a key may be: all of its account, a reader, or a sender of fixes that reads no row of an area (for devices
whose key stands in addresses). Not None: the only permissions of it.
"""


@dataclass(frozen=True)
class KeyTerms:
    """Permissions of a key, within those of its account."""

    role: str
    area_code: str | None
    expires_at: dt.datetime | None
    name: str

    def rights(self) -> tuple[str, frozenset[str] | None]:
        """Role for the database, and the permissions when they are not those of the role."""
        return self.role, KEY_ROLES[self.role]


def create_key(
    db: Session,
    username: str,
    *,
    name: str = "",
    role: str = "service",
    area_code: str | None = None,
    days: int | None = None,
) -> str:
    """Return a new key of a service account; this is the only time that it can be read.

    Parameters
    ----------
    role : str
        Of ``KEY_ROLES``.
    area_code : str or None
        Less than the account's area.
    days : int or None
        After so many days it ends; None: when it is revoked.

    Raises
    ------
    InputError
        There is no such account, it is not one of a service, or the key would do more than the account.
    """
    user = _service_account(db, username)
    if role not in KEY_ROLES:
        raise InputError(f"role: {role!r} is none of {', '.join(KEY_ROLES)}")
    if days is not None and not 0 < days <= 3_650:
        raise InputError(f"days: {days} is not between 1 and 3650")
    if area_code is not None:
        wanted = set(scope_area_ids(db, area_code))
        if user.area_code is not None and not wanted <= set(scope_area_ids(db, user.area_code)):
            raise InputError(f"area_code: {area_code} is not inside {user.area_code}")
    now = dt.datetime.now(dt.UTC)
    key = PREFIX + secrets.token_urlsafe(32)
    stored = ApiKey(
        key_hash=token_hash(key),
        user_id=user.id,
        created_at=now,
        name=name,
        role=None if role == "service" else role,
        area_code=area_code,
        expires_at=None if days is None else now + dt.timedelta(days=days),
    )
    accounts.add_key(db, stored)
    return key


def revoke_keys(db: Session, username: str, name: str | None = None) -> int:
    """End every key of the account at once, or those of a name; returns how many there were."""
    return accounts.revoke_keys(db, _service_account(db, username).id, name)


def find_key(db: Session, key: str) -> tuple[User, KeyTerms] | None:
    """Return the active service account that a key stands for, and the key's own terms."""
    now = dt.datetime.now(dt.UTC)
    row = accounts.find_key(db, token_hash(key), now)
    if row is None:
        return None
    user, found = row
    if found.last_used_at is None or now - found.last_used_at > USED_EVERY:
        found.last_used_at = now
    return user, KeyTerms(found.role or "service", found.area_code, found.expires_at, found.name)


def narrowed(scope: Scope, areas: tuple[int, ...]) -> Scope:
    """Return the scope inside those areas only.

    Examples
    --------
    >>> narrowed(Scope("service", False, (1, 2)), (2, 3)).area_ids, narrowed(Scope(city_wide=True), (5,)).city_wide
    ((2,), False)
    """
    ids = areas if scope.city_wide else tuple(sorted(set(areas) & set(scope.area_ids)))
    return replace(scope, city_wide=False, area_ids=ids)


def _service_account(db: Session, username: str) -> User:
    user = accounts.find_account(db, username)
    if user is None:
        raise InputError(f"username: there is no account {username!r}")
    if user.role != "service":
        raise InputError(f"username: {username!r} has role {user.role}; keys are for role service")
    return user
