"""Local accounts: passwords (argon2) and logins.

Tables of accounts are not granted to callers: everything here runs in a transaction of the service itself.
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import secrets
from dataclasses import dataclass

import structlog
from pwdlib import PasswordHash
from sqlalchemy.orm import Session

from geo_api.credentials import check_passphrase, remove_factor
from grid.areas import scope_area_ids
from grid.errors import UnknownArea
from layers.errors import InputError
from layers.postgres import Scope
from layers.records import accounts, add_calls, command_row, newest_area_name
from layers.tables import DOMAINS, ROLES, LoginSession, User

log = structlog.get_logger("geo_api.auth")
MAX_USER_AGENT = 300
USED_EVERY = dt.timedelta(minutes=1)
"""How exact ``last_used_at`` of a login is: not every request writes it."""
_hasher = PasswordHash.recommended()


@functools.cache
def _hash_without_account() -> str:
    """Return a hash of no password: a name that is unknown takes as long as a known one."""
    return _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True)
class Login:
    """A fresh login: the token goes into the cookie and nowhere else."""

    token: str
    csrf_token: str
    expires_at: dt.datetime


def create_user(
    db: Session,
    *,
    username: str,
    password: str,
    role: str,
    area_code: str | None = None,
    display_name: str = "",
    body: str | None = None,
    domains: list[str] | None = None,
) -> User:
    """Add an account, or set the password and the rights of one that is there; its logins end.

    Parameters
    ----------
    area_code : str or None
        Root of what the person may see; None: the whole city.

    Raises
    ------
    layers.errors.InputError
        For an unknown role or area, an empty name, or a password that is short, common or made of the names.
    """
    _check_account(username, role)
    check_passphrase(password, (username, display_name, body))
    if wrong := sorted(set(domains or []) - set(DOMAINS)):
        raise InputError(f"domains: {wrong[0]!r} is none of {', '.join(DOMAINS)}")
    if area_code is not None and newest_area_name(db, area_code) is None:
        raise InputError(f"area: no area has the code {area_code!r} 没有此区域")
    values = {
        "password_hash": _hasher.hash(password),
        "display_name": display_name or username,
        "role": role,
        "body": body,
        "area_code": area_code,
        "domains": domains or [],
        "active": True,
    }
    return accounts.write_account(db, username, values)


def _check_account(username: str, role: str) -> None:
    if role not in ROLES:
        raise InputError(f"role: {role!r} is none of {', '.join(ROLES)}")
    if not username.strip():
        raise InputError("username: is empty")


def switch_off(db: Session, username: str) -> None:
    """Switch an account off: its logins and keys end.

    Raises
    ------
    layers.errors.InputError
        There is no such account.
    """
    if not accounts.switch_off_account(db, username):
        raise InputError(f"username: there is no account {username!r}")


def list_users(db: Session) -> list[tuple[str, str, str, str, str, str, bool, int, int, bool]]:
    """Return every account, by name.

    Name, role, area, domains, body, certificate of the officer, whether it is on, logins and keys that hold now,
    second factor.
    """
    acting = accounts.bodies_of_accounts(db)
    return [
        (
            u.username,
            u.role,
            u.area_code or "*",
            ", ".join(u.domains) or "*",
            *acting.get(u.username, (u.body or "", "")),
            u.active,
            logins,
            keys,
            factor,
        )
        for u, logins, keys, factor in accounts.summarise_accounts(db)
    ]


def reset_second_factor(db: Session, username: str, operator: str) -> None:
    """Remove the second factor of somebody who has lost it.

    Logins of the account end, the access log says who did it.

    Parameters
    ----------
    operator : str
        Account of the operating system that asked.

    Raises
    ------
    layers.errors.InputError
        There is no such account, or it has no second factor.
    """
    user = accounts.find_account(db, username)
    if user is None:
        raise InputError(f"username: there is no account {username!r}")
    if not remove_factor(db, user):
        raise InputError(f"username: {username!r} has no second factor 未设置二次验证")
    accounts.end_other_logins(db, user.id, "")
    path = f"/v1/account/second-factor of {username}"
    row = command_row(operator, path, method="RESET", area_code=user.area_code)
    add_calls(db, [row])
    log.warning("second_factor_reset", username=username, operator=operator)


def scope_of_account(db: Session, username: str) -> Scope | None:
    """Return what an account may see, for work in its name without a request; None: it is off or not there."""
    user = accounts.find_account(db, username)
    if user is None or not user.active:
        return None
    return scope_of(db, user, _areas_below(db, user.area_code))


def scope_of(db: Session, user: User, area_ids: tuple[int, ...]) -> Scope:
    """Return the scope of an account whose area and all below it are these."""
    acting = accounts.body_of_account(db, user.username, user.body)
    return Scope(
        role=user.role,
        city_wide=user.area_code is None,
        area_ids=area_ids,
        username=user.username,
        domains=tuple(user.domains),
        body=acting.name,
        body_id=acting.body_id,
    )


def _areas_below(db: Session, area_code: str | None) -> tuple[int, ...]:
    try:
        return tuple(scope_area_ids(db, area_code)) if area_code else ()
    except UnknownArea:  # an account of an area that is not loaded sees nothing
        return ()


def check_password(db: Session, username: str, password: str) -> User | None:
    """Return the active account with that password. An unknown name costs as much time as a wrong password."""
    if "\x00" in username:  # which the database cannot hold
        username = ""
    user = accounts.find_account(db, username)
    ok = _hasher.verify(password, user.password_hash if user else _hash_without_account())
    return user if ok and user is not None and user.active else None


def token_hash(token: str) -> str:
    """Return the stored hash of a cookie's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def open_login(
    db: Session, user: User, hours: int, address: str | None = None, user_agent: str | None = None
) -> Login:
    """Write a login of the user; logins that have ended are removed.

    Parameters
    ----------
    hours : int
        The login ends after them, however it is used.
    address, user_agent : str or None
        Where it is opened, for the list that its owner sees.
    """
    now = dt.datetime.now(dt.UTC)
    login = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(24), now + dt.timedelta(hours=hours))
    stored = LoginSession(
        token_hash=token_hash(login.token),
        user_id=user.id,
        csrf_token=login.csrf_token,
        created_at=now,
        expires_at=login.expires_at,
        last_used_at=now,
        address=address,
        user_agent=_stored_text(user_agent),
    )
    accounts.add_login(db, stored)
    return login


def _stored_text(user_agent: str | None) -> str | None:
    """Return a header as a table can hold it."""
    return None if user_agent is None else user_agent.replace("\x00", "")[:MAX_USER_AGENT]


def find_login(db: Session, token: str, idle_minutes: int) -> tuple[User, LoginSession] | None:
    """Return the account and login that a cookie's token stands for, unless it has ended or was not used for so long.

    Parameters
    ----------
    idle_minutes : int
        0: however long.
    """
    return accounts.find_login(db, token_hash(token), used_since(idle_minutes))


def used_since(idle_minutes: int) -> dt.datetime:
    """Return the time since when a login must have been used."""
    if not idle_minutes:
        return dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return dt.datetime.now(dt.UTC) - dt.timedelta(minutes=idle_minutes)


def end_of_login(login: LoginSession, idle_minutes: int) -> dt.datetime:
    """Return the time at which a login ends if it is not used any more."""
    if not idle_minutes:
        return login.expires_at
    return min(login.expires_at, login.last_used_at + dt.timedelta(minutes=idle_minutes))


def note_use(db: Session, login: LoginSession) -> None:
    """Write that a login is used now, unless that was written a moment ago."""
    now = dt.datetime.now(dt.UTC)
    if now - login.last_used_at > USED_EVERY:
        accounts.use_login(db, login.token_hash, now)


def close_login(db: Session, token: str) -> None:
    """End a login at once."""
    accounts.end_login(db, token_hash(token))


def change_password(db: Session, user: User, password: str) -> None:
    """Set another password; every login of the account ends.

    Raises
    ------
    layers.errors.WeakPassphrase
    """
    check_passphrase(password, (user.username, user.display_name, user.body))
    accounts.set_password(db, user.id, _hasher.hash(password))


def is_password(user: User, password: str) -> bool:
    """Return whether that is the password of an account."""
    return _hasher.verify(password, user.password_hash)
