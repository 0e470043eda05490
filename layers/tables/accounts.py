"""Accounts, logins, second factors, API keys and the access log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from layers.tables.base import Base, id_column

ROLES = ("viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service")


class User(Base):
    """A local account. ``area_id`` is the root of what the person may see; None means the whole city."""

    __tablename__ = "users"
    id: Mapped[int] = id_column()
    username: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    display_name: Mapped[str]
    role: Mapped[str]
    body: Mapped[str | None]
    area_code: Mapped[str | None]
    domains: Mapped[list[str]] = mapped_column(default=list, server_default="{}")
    active: Mapped[bool] = mapped_column(default=True, server_default="true")


class LoginSession(Base):
    """A login of a person: only a hash of the cookie's token is stored."""

    __tablename__ = "login_sessions"
    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    csrf_token: Mapped[str]
    created_at: Mapped[dt.datetime]
    expires_at: Mapped[dt.datetime]
    id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)  # by which its owner ends it
    last_used_at: Mapped[dt.datetime] = mapped_column(server_default=text("now()"))
    address: Mapped[str | None]
    user_agent: Mapped[str | None]


class SecondFactor(Base):
    """Secret of one-time codes, encrypted; in force once it is confirmed.

    Codes of ``last_step`` and before are used.
    """

    __tablename__ = "second_factors"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[bytes]
    created_at: Mapped[dt.datetime]
    confirmed_at: Mapped[dt.datetime | None]
    last_step: Mapped[int] = mapped_column(server_default="0")


class RecoveryCode(Base):
    """A code for who lost the phone, that was not used yet: only a hash of it is stored."""

    __tablename__ = "recovery_codes"
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(primary_key=True)


class ApiKey(Base):
    """A key of an account, for programs: only a hash of it is stored."""

    __tablename__ = "api_keys"
    __table_args__ = (Index("ix_api_keys_user_id", "user_id"),)
    key_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    created_at: Mapped[dt.datetime]
    last_used_at: Mapped[dt.datetime | None]
    revoked_at: Mapped[dt.datetime | None]
    name: Mapped[str] = mapped_column(default="", server_default="")
    expires_at: Mapped[dt.datetime | None]
    role: Mapped[
        str | None
    ]  # less than the account's: viewer, sender (writes fixes, reads nothing), reader (only reads)
    area_code: Mapped[str | None]
    id: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)  # by which its owner ends it


class AccessLog(Base):
    """Log of reading and writing calls: append-only."""

    __tablename__ = "access_log"
    __table_args__ = (
        Index("ix_access_log_at", "at"),
        Index("ix_access_log_username", "username", "id"),
        Index("ix_access_log_request_id", "request_id"),
        Index("ix_access_log_waiting", "id", postgresql_where=text("head IS NULL")),
    )
    id: Mapped[int] = id_column()
    at: Mapped[dt.datetime]
    username: Mapped[str | None]
    role: Mapped[str]
    method: Mapped[str]
    path: Mapped[str]
    status: Mapped[int]
    request_id: Mapped[str]
    area_code: Mapped[str | None]
    address: Mapped[str | None]
    detail: Mapped[dict[str, Any] | None]  # counts of what was written
    head: Mapped[int | None]  # of the chain; 0: written before there were heads
