"""Keys of service accounts, sent as ``Authorization: Bearer wk_…``; shown once, stored as a hash."""

from __future__ import annotations

import datetime as dt
import secrets

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from starlette.requests import Request

from geo_api.accounts import token_hash
from layers.errors import InputError
from layers.tables import ApiKey, User

PREFIX = "wk_"
KEY_IN_QUERY_PATHS = ("/v1/tracks/osmand",)
"""Paths of devices that cannot send a header: there ``?key=`` is read too."""
USED_EVERY = dt.timedelta(minutes=1)
"""How exact ``last_used_at`` is: not every call writes it."""


def given_key(request: Request) -> str | None:
    """The key that the request brings, or None; other bearer tokens are not keys."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip().startswith(PREFIX):
        return token.strip()
    if request.url.path in KEY_IN_QUERY_PATHS:
        return request.query_params.get("key")
    return None


def create_key(db: Session, username: str) -> str:
    """A new key of a service account; this is the only time that it can be read.

    Raises
    ------
    InputError
        There is no such account, or it is not one of a service.
    """
    user = _service_account(db, username)
    key = PREFIX + secrets.token_urlsafe(32)
    db.add(ApiKey(key_hash=token_hash(key), user_id=user.id, created_at=dt.datetime.now(dt.UTC)))
    db.flush()
    return key


def revoke_keys(db: Session, username: str) -> int:
    """End every key of the account at once; returns how many there were."""
    user = _service_account(db, username)
    ended = db.scalars(
        update(ApiKey)
        .where(ApiKey.user_id == user.id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=dt.datetime.now(dt.UTC))
        .returning(ApiKey.key_hash)
    )
    return len(ended.all())


def find_key(db: Session, key: str) -> User | None:
    """The active service account that a key stands for."""
    now = dt.datetime.now(dt.UTC)
    row = db.execute(
        select(User, ApiKey)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(ApiKey.key_hash == token_hash(key), ApiKey.revoked_at.is_(None))
        .where(User.active, User.role == "service")
    ).one_or_none()
    if row is None:
        return None
    user, found = row
    if found.last_used_at is None or now - found.last_used_at > USED_EVERY:
        found.last_used_at = now
    return user


def _service_account(db: Session, username: str) -> User:
    user = db.scalars(select(User).where(User.username == username)).one_or_none()
    if user is None:
        raise InputError(f"username: there is no account {username!r}")
    if user.role != "service":
        raise InputError(f"username: {username!r} has role {user.role}; keys are for role service")
    return user
