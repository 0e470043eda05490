"""Hashes of passwords in tests.

The algorithm of the product at its least cost, since most tests begin with a login.

A hash names its own cost: a server that a test starts as a process verifies these as quickly.
"""

from __future__ import annotations

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

LEAST_MEMORY_KIB = 8


def hash_passwords_quickly() -> None:
    """Lower the cost of the recommended hash in this process; to be called before the product is imported."""
    quick = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=LEAST_MEMORY_KIB, parallelism=1),))
    PasswordHash.recommended = classmethod(lambda cls: quick)  # type: ignore[method-assign, assignment]
