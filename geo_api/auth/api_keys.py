"""API keys, sent as ``Authorization: Bearer wk_…``; shown once, stored as a hash.

Those of services are made by the operator. A person makes keys of the own account, which act as that account does.
"""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from geo_api.auth.accounts import token_hash
from geo_api.credentials import has_factor
from geo_api.http.errors import Problem
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
"""Kinds of keys of a service: all of its account, a reader, or a sender of fixes that reads no row of an area.

Senders are for devices whose key stands in addresses. Not None: the only permissions of it.
"""
READER = "reader"
"""Stored role of a person's key that only reads: rows are those of the account, unsafe methods are refused."""
MOST_KEYS = 20
"""Keys of a person that hold at the same time."""
MOST_DAYS = 366
"""A person's key ends after so many days at most."""


@dataclass(frozen=True)
class KeyTerms:
    """Permissions of a key, within those of its account.

    Attributes
    ----------
    role : str
        For the database.
    granted : frozenset of str or None
        The permissions when they are not those of the role.
    read_only : bool
        Unsafe methods are refused.
    """

    role: str
    granted: frozenset[str] | None
    read_only: bool
    area_code: str | None
    expires_at: dt.datetime | None
    name: str


def terms_of(user: User, key: ApiKey) -> KeyTerms:
    """Return the permissions of a key: never more than its account has now."""
    stored = key.role
    read_only = stored == READER
    role = user.role if stored is None or read_only else stored
    granted = KEY_ROLES.get(stored or "")
    return KeyTerms(role, granted, read_only, key.area_code, key.expires_at, key.name)


def create_own_key(
    db: Session, user: User, *, name: str, days: int, read_only: bool = False
) -> tuple[str, ApiKey]:
    """Make a key of a person's own account; returns it and its row. It can be read this once.

    Parameters
    ----------
    name : str
        What the key is for; no other key of the account that holds has it.
    days : int
        After so many days it ends; ``MOST_DAYS`` at most.
    read_only : bool
        It only reads.

    Raises
    ------
    InputError
        An empty name, or days out of bounds.
    Problem
        The name is taken, or there are ``MOST_KEYS`` keys.
    """
    now, name = dt.datetime.now(dt.UTC), name.strip()
    if not name:
        raise InputError("name: is empty", "name：名称不能为空")
    if not 1 <= days <= MOST_DAYS:
        raise InputError(
            f"days: {days} is not between 1 and {MOST_DAYS}", f"days：有效天数应为 1 至 {MOST_DAYS}"
        )
    accounts.lock_account(db, user.id)
    there = accounts.keys_of(db, user.id, now)
    if any(each.name == name for each in there):
        raise Problem("conflict", f"name: a key {name!r} is there: end it first.", "已有同名密钥，请先吊销。")
    if len(there) >= MOST_KEYS:
        raise Problem(
            "conflict", f"{MOST_KEYS} keys are there: end one first.", f"密钥已达 {MOST_KEYS} 个，请先吊销。"
        )
    key = PREFIX + secrets.token_urlsafe(32)
    stored = ApiKey(
        key_hash=token_hash(key),
        user_id=user.id,
        created_at=now,
        name=name,
        role=READER if read_only else None,
        expires_at=now + dt.timedelta(days=days),
    )
    accounts.add_key(db, stored)
    return key, stored


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
    """End every key of the account at once, or those of a name; returns how many there were.

    Raises
    ------
    InputError
        There is no such account.
    """
    return accounts.revoke_keys(db, _account(db, username).id, name)


def find_key(
    db: Session, key: str, *, second_factor_roles: Collection[str] = ()
) -> tuple[User, KeyTerms] | None:
    """Return the active account that a key stands for, and the key's own terms.

    Parameters
    ----------
    second_factor_roles : collection of str
        Roles that need a second factor: without one an account has no key that works.
    """
    now = dt.datetime.now(dt.UTC)
    row = accounts.find_key(db, token_hash(key), now)
    if row is None:
        return None
    user, found = row
    if user.role in second_factor_roles and not has_factor(db, user):
        return None
    if found.last_used_at is None or now - found.last_used_at > USED_EVERY:
        found.last_used_at = now
    return user, terms_of(user, found)


def narrowed(scope: Scope, areas: tuple[int, ...]) -> Scope:
    """Return the scope inside those areas only.

    Examples
    --------
    >>> narrowed(Scope("service", False, (1, 2)), (2, 3)).area_ids, narrowed(Scope(city_wide=True), (5,)).city_wide
    ((2,), False)
    """
    ids = areas if scope.city_wide else tuple(sorted(set(areas) & set(scope.area_ids)))
    return replace(scope, city_wide=False, area_ids=ids)


def _account(db: Session, username: str) -> User:
    user = accounts.find_account(db, username)
    if user is None:
        raise InputError(f"username: there is no account {username!r}")
    return user


def _service_account(db: Session, username: str) -> User:
    user = _account(db, username)
    if user.role != "service":
        raise InputError(
            f"username: {username!r} has role {user.role}; a person makes the keys of the own account"
            " 个人密钥由本人在账号页创建"
        )
    return user
