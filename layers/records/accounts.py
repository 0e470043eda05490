"""Accounts with their logins, second factors and API keys: written, found, ended.

Secrets come encrypted or as hashes.

The tables are not granted to callers: everything here needs the rights of the system.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.tables import ApiKey, LoginSession, RecoveryCode, SecondFactor, User


class AccountSummary(NamedTuple):
    """An account with the numbers of logins and keys that hold now, and whether it has a second factor."""

    account: User
    logins: int
    keys: int
    second_factor: bool


def write_account(db: Session, username: str, values: dict[str, Any]) -> User:
    """Add an account, or replace these values of one that is there; its logins end.

    Its keys end, too, unless it is and stays one of a service: those of a person were made behind a password.
    """
    before = find_account(db, username)
    stays_service = before is not None and before.role == values.get("role") == "service"
    statement = (
        insert(User)
        .values(username=username, **values)
        .on_conflict_do_update(index_elements=["username"], set_=values)
        .returning(User)
    )
    user = db.scalars(statement, execution_options={"populate_existing": True}).one()
    db.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    if before is not None and not stays_service:
        revoke_keys(db, user.id)
    return user


def find_account(db: Session, username: str) -> User | None:
    """Return the account of a name, whether it is active or not."""
    return db.scalars(select(User).where(User.username == username)).one_or_none()


class ActingBody(NamedTuple):
    """The body that an account acts for: its key in the register, None when it is not there, and its name of today."""

    body_id: int | None
    name: str | None


_BODY_OF_ACCOUNT = text("""
SELECT b.body_id, b.name FROM bodies b
WHERE b.body_id = COALESCE((SELECT b.body_id FROM officers o JOIN bodies b ON b.code = o.body_code
                            WHERE o.username = :username AND o.valid_from <= CURRENT_DATE
                              AND (o.valid_to IS NULL OR o.valid_to > CURRENT_DATE)
                            ORDER BY o.valid_from DESC, b.valid_from DESC LIMIT 1), body_named(:body))
ORDER BY (b.valid_from <= CURRENT_DATE AND (b.valid_to IS NULL OR b.valid_to > CURRENT_DATE)) DESC, b.valid_from DESC
LIMIT 1
""")


def body_of_account(db: Session, username: str, body: str | None) -> ActingBody:
    """Return the body that an account acts for.

    It is the body of the officer who is bound to the account, else the body that the account names.
    """
    found = db.execute(_BODY_OF_ACCOUNT, {"username": username, "body": body}).one_or_none()
    return ActingBody(None, body) if found is None else ActingBody(found.body_id, found.name)


_ACTING = text("""
SELECT u.username,
       COALESCE((SELECT b.name FROM bodies b WHERE b.code = o.body_code ORDER BY b.valid_from DESC LIMIT 1),
                CASE WHEN u.body IS NOT NULL AND body_named(u.body) IS NULL THEN u.body || ' ?' ELSE u.body END, ''),
       COALESCE(o.certificate_no, '')
FROM users u LEFT JOIN LATERAL (
    SELECT o.body_code, o.certificate_no FROM officers o
    WHERE o.username = u.username AND o.valid_from <= CURRENT_DATE AND (o.valid_to IS NULL OR o.valid_to > CURRENT_DATE)
    ORDER BY o.valid_from DESC LIMIT 1) o ON true
""")


def bodies_of_accounts(db: Session) -> dict[str, tuple[str, str]]:
    """Return the body that each account acts for, and the certificate of its officer; empty: none.

    The name of a body that the register does not have ends with a question mark.
    """
    return {username: (body, certificate) for username, body, certificate in db.execute(_ACTING)}


def set_body(db: Session, username: str, body: str | None) -> None:
    """Let an account act for a body of that name.

    Raises
    ------
    layers.errors.InputError
        There is no such account.
    """
    key = db.scalar(update(User).where(User.username == username).values(body=body).returning(User.id))
    if key is None:
        raise InputError(f"username: there is no account {username!r} 没有此账户")


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
        select(func.count())
        .where(ApiKey.user_id == User.id, ApiKey.revoked_at.is_(None), _not_over(dt.datetime.now(dt.UTC)))
        .scalar_subquery()
    )
    factor = exists().where(SecondFactor.user_id == User.id, SecondFactor.confirmed_at.is_not(None))
    rows = db.execute(select(User, logins, keys, factor).order_by(User.username))
    return [AccountSummary(*row) for row in rows]


def set_password(db: Session, user_id: int, password_hash: str) -> None:
    """Replace the hash of a password; every login and every key of the account ends."""
    db.execute(update(User).where(User.id == user_id).values(password_hash=password_hash))
    db.execute(delete(LoginSession).where(LoginSession.user_id == user_id))
    revoke_keys(db, user_id)


def add_login(db: Session, login: LoginSession) -> None:
    """Add a login; those that have ended are removed."""
    db.execute(delete(LoginSession).where(LoginSession.expires_at < login.created_at))
    db.add(login)
    db.flush()


def find_login(db: Session, token_hash: str, used_since: dt.datetime) -> tuple[User, LoginSession] | None:
    """Return the login of a token, with its account.

    None when it has ended, was not used, or the account is switched off.
    """
    statement = (
        select(User, LoginSession)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.token_hash == token_hash, *_in_force(used_since), User.active)
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def logins_of(db: Session, user_id: int, used_since: dt.datetime) -> list[LoginSession]:
    """Logins of an account that have not ended, the newest first."""
    statement = select(LoginSession).where(LoginSession.user_id == user_id, *_in_force(used_since))
    return list(db.scalars(statement.order_by(LoginSession.created_at.desc(), LoginSession.id.desc())))


def _in_force(used_since: dt.datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return LoginSession.expires_at > dt.datetime.now(dt.UTC), LoginSession.last_used_at > used_since


def use_login(db: Session, token_hash: str, now: dt.datetime) -> None:
    """Write when a login was used last."""
    db.execute(
        update(LoginSession)
        .where(LoginSession.token_hash == token_hash, LoginSession.last_used_at < now)
        .values(last_used_at=now)
    )


def end_login(db: Session, token_hash: str) -> None:
    """End the login of a token."""
    db.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash))


def end_login_of(db: Session, user_id: int, login_id: int) -> bool:
    """End one login of an account; False when it has none of that id."""
    gone = db.scalar(
        delete(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.id == login_id)
        .returning(LoginSession.id)
    )
    return gone is not None


def end_other_logins(db: Session, user_id: int, token_hash: str) -> int:
    """End every login of an account but that of the token; returns how many there were."""
    gone = db.scalars(
        delete(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.token_hash != token_hash)
        .returning(LoginSession.id)
    )
    return len(gone.all())


def add_key(db: Session, key: ApiKey) -> None:
    """Add an API key."""
    db.add(key)
    db.flush()


def find_key(db: Session, key_hash: str, now: dt.datetime) -> tuple[User, ApiKey] | None:
    """Return the key of a hash, with its account.

    None when it is over, revoked or the account switched off.
    """
    row = db.execute(
        select(User, ApiKey)
        .join(ApiKey, ApiKey.user_id == User.id)
        .where(ApiKey.key_hash == key_hash, ApiKey.revoked_at.is_(None))
        .where(_not_over(now))
        .where(User.active)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def keys_of(db: Session, user_id: int, now: dt.datetime) -> list[ApiKey]:
    """Keys of an account that hold now, the newest first."""
    wanted = (ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None), _not_over(now))
    return list(
        db.scalars(select(ApiKey).where(*wanted).order_by(ApiKey.created_at.desc(), ApiKey.id.desc()))
    )


def lock_account(db: Session, user_id: int) -> None:
    """Lock an account until the transaction ends: what is counted of it stays."""
    db.execute(select(User.id).where(User.id == user_id).with_for_update())


def revoke_key(db: Session, user_id: int, key_id: int) -> bool:
    """End one key of an account; False when it has none of that id that holds."""
    ended = db.scalar(
        update(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.id == key_id, ApiKey.revoked_at.is_(None))
        .values(revoked_at=dt.datetime.now(dt.UTC))
        .returning(ApiKey.id)
    )
    return ended is not None


def _not_over(now: dt.datetime) -> ColumnElement[bool]:
    return or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now)


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


def read_factor(db: Session, user_id: int) -> SecondFactor | None:
    """Return the second factor of an account, confirmed or not."""
    return db.scalars(select(SecondFactor).where(SecondFactor.user_id == user_id)).one_or_none()


def start_factor(db: Session, user_id: int, secret: bytes) -> None:
    """Write a secret that is not confirmed yet; a confirmed one stays."""
    values = {"secret": secret, "created_at": dt.datetime.now(dt.UTC), "last_step": 0}
    db.execute(
        insert(SecondFactor)
        .values(user_id=user_id, **values)
        .on_conflict_do_update(
            index_elements=["user_id"], set_=values, where=SecondFactor.confirmed_at.is_(None)
        )
    )


def confirm_factor(db: Session, user_id: int, step: int) -> None:
    """Put a second factor in force; codes of that step and before are used."""
    db.execute(
        update(SecondFactor)
        .where(SecondFactor.user_id == user_id)
        .values(confirmed_at=dt.datetime.now(dt.UTC), last_step=step)
    )


def use_step(db: Session, user_id: int, step: int) -> bool:
    """Use the code of a step; False when it, or a later one, was used before."""
    used = db.scalar(
        update(SecondFactor)
        .where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
        .values(last_step=step)
        .returning(SecondFactor.user_id)
    )
    return used is not None


def remove_factor(db: Session, user_id: int) -> bool:
    """Remove the second factor and the recovery codes of an account; False when there was none."""
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    gone = db.scalar(
        delete(SecondFactor).where(SecondFactor.user_id == user_id).returning(SecondFactor.user_id)
    )
    return gone is not None


def write_recovery_codes(db: Session, user_id: int, hashes: Sequence[str]) -> None:
    """Write recovery codes in place of all former ones."""
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
    db.execute(insert(RecoveryCode), [{"user_id": user_id, "code_hash": each} for each in hashes])


def use_recovery_code(db: Session, user_id: int, code_hash: str) -> bool:
    """Use a recovery code; False when there is none of that hash, or it was used before."""
    gone = db.scalar(
        delete(RecoveryCode)
        .where(RecoveryCode.user_id == user_id, RecoveryCode.code_hash == code_hash)
        .returning(RecoveryCode.user_id)
    )
    return gone is not None


def count_recovery_codes(db: Session, user_id: int) -> int:
    """Recovery codes that were not used yet."""
    return db.scalar(select(func.count()).where(RecoveryCode.user_id == user_id)) or 0
