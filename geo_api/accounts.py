"""Local accounts: passwords (argon2), logins, and the brake on guessing.

Tables of accounts are not granted to callers: everything here runs in a transaction of the service itself.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass

from pwdlib import PasswordHash
from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.tables import ROLES, LoginSession, User

MIN_PASSWORD_LENGTH = 8
_hasher = PasswordHash.recommended()
_nobody = _hasher.hash(secrets.token_urlsafe(16))


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
        For an unknown role, an empty name or a short password.
    """
    _check_account(username, password, role)
    values = {
        "password_hash": _hasher.hash(password),
        "display_name": display_name or username,
        "role": role,
        "body": body,
        "area_code": area_code,
        "domains": domains or [],
        "active": True,
    }
    statement = (
        insert(User)
        .values(username=username, **values)
        .on_conflict_do_update(index_elements=["username"], set_=values)
        .returning(User)
    )
    user = db.scalars(statement, execution_options={"populate_existing": True}).one()
    db.execute(delete(LoginSession).where(LoginSession.user_id == user.id))
    return user


def _check_account(username: str, password: str, role: str) -> None:
    if role not in ROLES:
        raise InputError(f"role: {role!r} is none of {', '.join(ROLES)}")
    if not username.strip():
        raise InputError("username: is empty")
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InputError(f"password: at least {MIN_PASSWORD_LENGTH} characters are needed")


def check_password(db: Session, username: str, password: str) -> User | None:
    """The active account with that password. An unknown name costs as much time as a wrong password."""
    user = db.scalars(select(User).where(User.username == username)).one_or_none()
    ok = _hasher.verify(password, user.password_hash if user else _nobody)
    return user if ok and user is not None and user.active else None


def token_hash(token: str) -> str:
    """What is stored of a cookie's token."""
    return hashlib.sha256(token.encode()).hexdigest()


def open_login(db: Session, user: User, hours: int) -> Login:
    """Write a login of the user; logins that have ended are removed."""
    now = dt.datetime.now(dt.UTC)
    login = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(24), now + dt.timedelta(hours=hours))
    db.execute(delete(LoginSession).where(LoginSession.expires_at < now))
    db.add(
        LoginSession(
            token_hash=token_hash(login.token),
            user_id=user.id,
            csrf_token=login.csrf_token,
            created_at=now,
            expires_at=login.expires_at,
        )
    )
    db.flush()
    return login


def find_login(db: Session, token: str) -> tuple[User, LoginSession] | None:
    """The account and login that a cookie's token stands for, unless it has ended."""
    statement = (
        select(User, LoginSession)
        .join(LoginSession, LoginSession.user_id == User.id)
        .where(LoginSession.token_hash == token_hash(token))
        .where(LoginSession.expires_at > dt.datetime.now(dt.UTC), User.active)
    )
    row = db.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def close_login(db: Session, token: str) -> None:
    """End a login at once."""
    db.execute(delete(LoginSession).where(LoginSession.token_hash == token_hash(token)))


class LoginBrake:
    """Counts failed logins of a name from an address; kept in memory, at most ``capacity`` pairs.

    Examples
    --------
    >>> brake = LoginBrake(failures=2, window_s=60)
    >>> brake.failed("a", "::1"), brake.wait_s("a", "::1"), brake.failed("a", "::1")
    (None, 0, None)
    >>> 0 < brake.wait_s("a", "::1") <= 60, brake.wait_s("b", "::1")
    (True, 0)
    """

    def __init__(self, failures: int, window_s: int, capacity: int = 10_000) -> None:
        self._failures = failures
        self._window_s = window_s
        self._capacity = capacity
        self._times: OrderedDict[tuple[str, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, username: str, address: str) -> int:
        """Seconds until another attempt is allowed, 0 when it is allowed now."""
        with self._lock:
            recent = self._recent(username, address)
            if len(recent) < self._failures:
                return 0
            return max(1, int(recent[0] + self._window_s - time.monotonic()) + 1)

    def failed(self, username: str, address: str) -> None:
        """Remember one failure."""
        with self._lock:
            recent = self._recent(username, address)
            self._times[(username, address)] = [*recent, time.monotonic()][-self._failures :]
            self._times.move_to_end((username, address))
            while len(self._times) > self._capacity:
                self._times.popitem(last=False)

    def succeeded(self, username: str, address: str) -> None:
        """Forget the failures of that pair."""
        with self._lock:
            self._times.pop((username, address), None)

    def _recent(self, username: str, address: str) -> list[float]:
        since = time.monotonic() - self._window_s
        return [t for t in self._times.get((username, address), []) if t > since]
