"""Roles of PostgreSQL that this service uses."""

from __future__ import annotations

READER_ROLE = "wangge_reader"
"""The role that a scoped transaction takes: no superuser, no owner, so that row-level security holds."""
