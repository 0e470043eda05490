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
from sqlalchemy.orm import Session

from layers.errors import InputError
from layers.records import accounts, newest_area_name
from layers.tables import DOMAINS, ROLES, LoginSession, User

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
        For an unknown role or area, an empty name or a short password.
    """
    _check_account(username, password, role)
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


def _check_account(username: str, password: str, role: str) -> None:
    if role not in ROLES:
        raise InputError(f"role: {role!r} is none of {', '.join(ROLES)}")
    if not username.strip():
        raise InputError("username: is empty")
    if len(password) < MIN_PASSWORD_LENGTH:
        raise InputError(f"password: at least {MIN_PASSWORD_LENGTH} characters are needed")


def switch_off(db: Session, username: str) -> None:
    """Switch an account off: its logins and keys end.

    Raises
    ------
    layers.errors.InputError
        There is no such account.
    """
    if not accounts.switch_off_account(db, username):
        raise InputError(f"username: there is no account {username!r}")


def list_users(db: Session) -> list[tuple[str, str, str, str, bool, int, int]]:
    """Name, role, area, domains, whether it is on, logins and keys that hold now, by name."""
    return [
        (u.username, u.role, u.area_code or "*", ", ".join(u.domains) or "*", u.active, logins, keys)
        for u, logins, keys in accounts.summarise_accounts(db)
    ]


def check_password(db: Session, username: str, password: str) -> User | None:
    """The active account with that password. An unknown name costs as much time as a wrong password."""
    if "\x00" in username:  # which the database cannot hold
        username = ""
    user = accounts.find_account(db, username)
    ok = _hasher.verify(password, user.password_hash if user else _nobody)
    return user if ok and user is not None and user.active else None


def token_hash(token: str) -> str:
    """Return the stored hash of a cookie's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()


def open_login(db: Session, user: User, hours: int) -> Login:
    """Write a login of the user; logins that have ended are removed."""
    now = dt.datetime.now(dt.UTC)
    login = Login(secrets.token_urlsafe(32), secrets.token_urlsafe(24), now + dt.timedelta(hours=hours))
    stored = LoginSession(
        token_hash=token_hash(login.token),
        user_id=user.id,
        csrf_token=login.csrf_token,
        created_at=now,
        expires_at=login.expires_at,
    )
    accounts.add_login(db, stored)
    return login


def find_login(db: Session, token: str) -> tuple[User, LoginSession] | None:
    """The account and login that a cookie's token stands for, unless it has ended."""
    return accounts.find_login(db, token_hash(token))


def close_login(db: Session, token: str) -> None:
    """End a login at once."""
    accounts.end_login(db, token_hash(token))


FAILURES_OF_AN_ADDRESS = 20
"""As many times the failures of one name are those of one address, whatever the names."""


class LoginBrake:
    """Counts failed logins of a name from an address, and of an address; in memory, at most ``capacity`` of them.

    An attempt counts from its beginning, so that many at once are not more than one after the other.

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
        self._times: OrderedDict[tuple[str | None, str], list[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, username: str, address: str) -> int:
        """Seconds until another attempt is allowed, 0 when it is allowed now."""
        with self._lock:
            return self._wait_s(username, address)

    def begin(self, username: str, address: str) -> int:
        """As :meth:`wait_s`; when it is 0 the attempt counts as a failure until :meth:`succeeded`."""
        with self._lock:
            wait_s = self._wait_s(username, address)
            if not wait_s:
                self._add(username, address)
            return wait_s

    def failed(self, username: str, address: str) -> None:
        """Remember one failure."""
        with self._lock:
            self._add(username, address)

    def succeeded(self, username: str, address: str) -> None:
        """Forget the failures of that pair, and the attempt's own of the address."""
        with self._lock:
            self._times.pop((username, address), None)
            if times := self._times.get((None, address)):
                times.pop()

    def _wait_s(self, username: str, address: str) -> int:
        waits = [0]
        for name, most in self._limits(username):
            recent = self._recent(name, address)
            if len(recent) >= most:
                waits.append(max(1, int(recent[-most] + self._window_s - time.monotonic()) + 1))
        return max(waits)

    def _limits(self, username: str) -> tuple[tuple[str | None, int], ...]:
        return ((username, self._failures), (None, self._failures * FAILURES_OF_AN_ADDRESS))

    def _add(self, username: str, address: str) -> None:
        for name, most in self._limits(username):
            recent = self._recent(name, address)
            self._times[(name, address)] = [*recent, time.monotonic()][-most:]
            self._times.move_to_end((name, address))
        while len(self._times) > self._capacity:
            self._times.popitem(last=False)

    def _recent(self, username: str | None, address: str) -> list[float]:
        since = time.monotonic() - self._window_s
        return [t for t in self._times.get((username, address), []) if t > since]
