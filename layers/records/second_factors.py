"""Second factors of accounts and their recovery codes. Secrets come encrypted, codes as hashes.

The tables are not granted to callers: everything here needs the rights of the system.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from layers.tables import RecoveryCode, SecondFactor


def read_factor(db: Session, user_id: int) -> SecondFactor | None:
    """The second factor of an account, confirmed or not."""
    return db.scalars(select(SecondFactor).where(SecondFactor.user_id == user_id)).one_or_none()


def start_factor(db: Session, user_id: int, secret: bytes) -> None:
    """Write a secret that is not confirmed yet; a confirmed one stays."""
    values = {"secret": secret, "created_at": dt.datetime.now(dt.UTC), "last_step": 0}
    db.execute(
        upsert(SecondFactor)
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
