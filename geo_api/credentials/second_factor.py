"""Second factor of local accounts: one-time codes by time (TOTP, RFC 6238) and recovery codes.

The secret is stored encrypted (AES-256-GCM) by a key that is made of the installation's signing key, which
the database does not hold, and is bound to its account. Recovery codes have 80 random bits each; their hashes
are stored.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import pyotp
import segno
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from layers.records import accounts
from layers.tables import User

log = structlog.get_logger("geo_api.auth")
STEP_S = 30
DRIFT_STEPS = 1
"""So many steps the clock of a phone may be early or late."""
RECOVERY_CODES = 10
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Enrolment:
    """A secret that was made: shown once, in force when a first code confirms it.

    Attributes
    ----------
    secret : str
        Base32, to be typed.
    uri : str
        ``otpauth://`` address for a link on a phone.
    picture : str
        The address as a QR code: a ``data:`` URI of an SVG.
    """

    secret: str
    uri: str
    picture: str


@dataclass(frozen=True)
class FactorState:
    """Whether an account has a second factor, since when, and how many recovery codes are left."""

    enrolled: bool
    since: dt.datetime | None = None
    recovery_codes_left: int = 0


def has_factor(db: Session, user: User) -> bool:
    """Return whether the account has a second factor that was confirmed."""
    found = accounts.read_factor(db, user.id)
    return found is not None and found.confirmed_at is not None


def factor_state(db: Session, user: User) -> FactorState:
    """Return the state of an account's second factor."""
    found = accounts.read_factor(db, user.id)
    if found is None or found.confirmed_at is None:
        return FactorState(False)
    return FactorState(True, found.confirmed_at, accounts.count_recovery_codes(db, user.id))


def start_enrolment(db: Session, key: bytes, user: User, issuer: str) -> Enrolment:
    """Make a secret for an account that has no second factor; one that was not confirmed is replaced.

    Parameters
    ----------
    key : bytes
        Signing key of the installation.
    issuer : str
        Name of the service as the person's app shows it.
    """
    secret = pyotp.random_base32()
    accounts.start_factor(db, user.id, _sealed(key, user, secret))
    uri = pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=issuer)
    picture = segno.make(uri, error="m").svg_data_uri(scale=4, border=4, dark="#000", light="#fff")
    return Enrolment(secret, uri, picture)


def confirm_enrolment(
    db: Session, key: bytes, user: User, code: str, now: float | None = None
) -> list[str] | None:
    """Put the second factor in force and return its recovery codes.

    None: the code is wrong, or nothing was started.
    """
    found = accounts.read_factor(db, user.id)
    if found is None or found.confirmed_at is not None:
        return None
    step = _step_of(_opened(key, user, found.secret), code, found.last_step, now)
    if step is None:
        return None
    accounts.confirm_factor(db, user.id, step)
    return new_recovery_codes(db, user)


def check_code(db: Session, key: bytes, user: User, code: str, now: float | None = None) -> bool:
    """Return whether a code is one of now, or a recovery code; neither is accepted a second time.

    Parameters
    ----------
    now : float or None
        Seconds since 1970; None: the clock.
    """
    found = accounts.read_factor(db, user.id)
    if found is None or found.confirmed_at is None:
        return False
    plain = _plain(code)
    if len(plain) > 6:
        return accounts.use_recovery_code(db, user.id, _hash(plain))
    step = _step_of(_opened(key, user, found.secret), plain, found.last_step, now)
    return step is not None and accounts.use_step(db, user.id, step)


def new_recovery_codes(db: Session, user: User) -> list[str]:
    """Make new recovery codes in place of all former ones; this is the only time that they can be read."""
    codes = [base64.b32encode(secrets.token_bytes(10)).decode() for _ in range(RECOVERY_CODES)]
    accounts.write_recovery_codes(db, user.id, [_hash(code) for code in codes])
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def remove_factor(db: Session, user: User) -> bool:
    """Remove second factor and recovery codes; False: there was none."""
    return accounts.remove_factor(db, user.id)


def _step_of(secret: str | None, code: str, last_step: int, now: float | None) -> int | None:
    """Return the step of a code, newer than the last one that was used."""
    if secret is None:
        return None
    current = int(time.time() if now is None else now) // STEP_S
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        expected = pyotp.TOTP(secret).at(step * STEP_S)
        if hmac.compare_digest(expected.encode(), _plain(code).encode()) and step > last_step:
            return step
    return None


def _plain(code: str) -> str:
    """Return a code as it is compared: without the blanks and dashes that people type."""
    return "".join(code.split()).replace("-", "").upper()


def _hash(recovery_code: str) -> str:
    return hashlib.sha256(recovery_code.encode("utf-8", "surrogateescape")).hexdigest()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, b"wangge second factor", "sha256"))


def _sealed(key: bytes, user: User, secret: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret.encode(), str(user.id).encode())


def _opened(key: bytes, user: User, sealed: bytes) -> str | None:
    """Return the secret; None: the signing key is another one than that of the enrolment."""
    try:
        opened = _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], str(user.id).encode())
    except InvalidTag:
        log.error("second_factor_unreadable", username=user.username)
        return None
    return opened.decode()
