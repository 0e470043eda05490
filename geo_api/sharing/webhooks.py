"""Webhooks of accounts: added, given a new secret, removed. Secrets are stored encrypted and shown once.

The key is made of the installation's signing key, which the database does not hold, and a secret is bound to
the account and the URL of its webhook.
"""

from __future__ import annotations

import base64
import datetime as dt
import hmac
import re
import secrets
from collections.abc import Sequence

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy.orm import Session

from geo_api.sharing.addresses import IpNetwork, refuse_private_host
from geo_api.sharing.sending import SECRET_BYTES, SECRET_PREFIX
from grid.errors import GridError
from layers.errors import NotFound
from layers.records import find_account
from layers.sharing import add_webhook, read_webhook, webhooks_of
from layers.tables import Webhook

log = structlog.get_logger("geo_api.webhooks")
FORMER_SECRET = dt.timedelta(hours=24)
"""For so long after a rotation messages are signed with the former secret, too."""
MAX_WEBHOOKS = 20
"""Webhooks of one account."""
_NONCE_BYTES = 12
_TYPE = re.compile(r"\*|(case|alert)\.(\*|[a-z_]{1,40})")


def create_webhook(
    db: Session,
    key: bytes,
    username: str,
    url: str,
    types: Sequence[str],
    now: dt.datetime,
    allowed: Sequence[IpNetwork] = (),
) -> tuple[Webhook, str]:
    """Add a webhook to an account; returns it and its secret, which is shown this once.

    Parameters
    ----------
    key : bytes
        Signing key of the installation.
    types : sequence of str
        As ``case.close``, ``case.*``, ``alert.raised`` or ``*``.
    allowed : sequence of networks
        Private networks that this installation sends to.

    Raises
    ------
    layers.errors.InputError, layers.errors.NotFound
    """
    refuse_private_host(url, allowed)
    for each in types:
        if not _TYPE.fullmatch(each):
            raise GridError(f"types: {each[:60]!r} is no type, as case.close, case.* or *", "事件类型无效")
    if find_account(db, username) is None:
        raise NotFound(f"no account {username!r}", f"没有账户 {username}")
    if len(webhooks_of(db, username)) >= MAX_WEBHOOKS:
        raise GridError(f"an account has at most {MAX_WEBHOOKS} webhooks", f"每个账户最多 {MAX_WEBHOOKS} 个")
    secret = _new_secret()
    made = Webhook(
        username=username, url=url, types=sorted(set(types)) or ["*"], created_at=now, secret=b"",
        former_secret=None, former_until=None, removed_at=None, off_reason=None,
    )  # fmt: skip
    made.secret = _sealed(key, made, secret)
    return add_webhook(db, made), secret


def rotate_secret(db: Session, key: bytes, webhook_id: int, username: str | None, now: dt.datetime) -> str:
    """Give a webhook a new secret; one that was switched off is switched on again."""
    found = read_webhook(db, webhook_id, username)
    secret = _new_secret()
    found.former_secret, found.former_until = found.secret, now + FORMER_SECRET
    found.secret, found.off_reason = _sealed(key, found, secret), None
    db.flush()
    return secret


def remove_webhook(db: Session, webhook_id: int, username: str | None, now: dt.datetime) -> None:
    """Remove a webhook; nothing more is sent to it."""
    read_webhook(db, webhook_id, username).removed_at = now
    db.flush()


def secrets_in_force(key: bytes, webhook: Webhook, now: dt.datetime) -> list[str]:
    """Return the secrets that sign a message now; empty: the signing key is another one than before."""
    sealed = [webhook.secret]
    if webhook.former_secret is not None and webhook.former_until is not None and now < webhook.former_until:
        sealed.append(webhook.former_secret)
    return [opened for each in sealed if (opened := _opened(key, webhook, each)) is not None]


def _new_secret() -> str:
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _cipher(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, b"wangge webhook", "sha256"))


def _bound_to(webhook: Webhook) -> bytes:
    return f"{webhook.username} {webhook.url}".encode()


def _sealed(key: bytes, webhook: Webhook, secret: str) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + _cipher(key).encrypt(nonce, secret.encode(), _bound_to(webhook))


def _opened(key: bytes, webhook: Webhook, sealed: bytes) -> str | None:
    try:
        return _cipher(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(webhook)).decode()
    except InvalidTag:
        log.error("webhook_secret_unreadable", webhook=webhook.id)
        return None
