"""Sending of one message: signed as Standard Webhooks says, to the address that was resolved and no other."""

from __future__ import annotations

import base64
import hashlib
import hmac
import threading
from collections.abc import Sequence

from geo_api.sharing.addresses import Target
from geo_api.sharing.pinned_connection import PinnedConnection

WHOLE_S = 20.0
"""A receiver has so long for everything: one that answers a byte at a time is cut off."""
SECRET_PREFIX = "whsec_"
SECRET_BYTES = 32


def signature_of(secret: str, message_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the signature ``v1,…`` (HMAC-SHA-256) of a message.

    Examples
    --------
    >>> signature_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
    ...              b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{timestamp_s}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers_of(secrets: Sequence[str], message_id: str, timestamp_s: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message; while a secret is rotated it is signed with both."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "wangge-webhooks/1",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp_s),
        "webhook-signature": " ".join(signature_of(each, message_id, timestamp_s, body) for each in secrets),
    }


def send(target: Target, headers: dict[str, str], body: bytes) -> int:
    """Post a message and return the status of the answer; redirects are not followed.

    Raises
    ------
    OSError, http.client.HTTPException
        No answer, or one that cannot be read.
    """
    connection = PinnedConnection(target)
    end = threading.Timer(WHOLE_S, connection.cut)
    end.daemon = True
    end.start()
    try:
        connection.request("POST", target.path, body, headers)
        return connection.getresponse().status
    finally:
        end.cancel()
        connection.close()
