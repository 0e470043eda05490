"""Encounters: two vehicles near each other for some time."""

from __future__ import annotations

__all__ = []
