"""Accounts with their logins and API keys: written, found, ended. Secrets come as hashes.

The tables are not granted to callers: everything here needs the rights of the system.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.tables import ApiKey, LoginSession, User


class AccountSummary(NamedTuple):
    """An account with the numbers of logins and keys that hold now."""

    account: User
    logins: int
    keys: int


def write_account(db: Session, username: str, values: dict[str, Any]) -> User:
    """Add an account, or replace these values of one that is there; its logins end."""
    statement = (
        insert(User)
        .values(username=username, **values)
        .on_conflict_do_update(index_elements=["username"], set_=values)
        .returning(User)
    )
    user = db.scalars(statement, execution_options={"populate_existing": True}).one()
    db.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    return user


def find_account(db: Session, username: str) -> User | None:
    """The account of a name, whether it is active or not."""
    return db.scalars(select(User).where(User.username == username)).one_or_none()


def switch_off_account(db: Session, username: str) -> bool:
    """Switch an account off and end its logins and keys; False when there is none of that name."""
    key = db.scalar(update(User).where(User.username == username).values(active=False).returning(User.id))
    if key is None:
        return False
    db.execute(delete(LoginSession).where(LoginSession.user_id == key))
    revoke_keys(db, key)
    return True


def summarise_accounts(db: Session) -> list[AccountSummary]:
    """All accounts by name."""
    logins = (
        select(func.count())
        .where(LoginSession.user_id == User.id, LoginSession.expires_at > dt.datetime.now(dt.UTC))
        .scalar_subquery()
    )
    keys = (
        select(func.count()).where(ApiKey.user_id == User.id, ApiKey.revoked_at.is_(None)).scalar_subquery()
    )
    rows = db.execute(select(User, logins, keys).order_by(User.username))
    return [AccountSummary(*row) for row in rows]


def add_login(db: Session, login: LoginSession) -> None:
    """Add a login; those that have ended are removed."""
    db.execute(delete(LoginSession).where(LoginSession.expires_at < login.created_at))
    db.add(login)
    db.flush()


def find_login(db: Session, token_hash: str) -> tuple[User, LoginSession] | None:
    """The login of a token, with its account; None when it has ended or the account is switched off."""
    statement = (
        select(User, LoginSession)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.token_hash == token_hash)
        .where(LoginSession.expires_at > dt.datetime.now(dt.UTC), User.active)
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def end_login(db: Session, token_hash: str) -> None:
    """End the login of a token."""
    db.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash))


def add_key(db: Session, key: ApiKey) -> None:
    """Add an API key."""
    db.add(key)
    db.flush()


def find_key(db: Session, key_hash: str, now: dt.datetime) -> tuple[User, ApiKey] | None:
    """The key of a hash, with its service account; None when it is over, revoked or the account switched off."""
    row = db.execute(
        select(User, ApiKey)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
        .where(or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
        .where(User.active, User.role == "service")
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def revoke_keys(db: Session, user_id: int, name: str | None = None) -> int:
    """End every key of an account, or those of a name; returns how many there were."""
    wanted = [ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None)]
    ended = db.scalars(
        update(ApiKey)
        .where(*wanted, *([] if name is None else [ApiKey.name == name]))
        .values(revoked_at=dt.datetime.now(dt.UTC))
        .returning(ApiKey.key_hash)
    )
    return len(ended.all())
