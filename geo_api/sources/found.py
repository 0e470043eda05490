"""Found content of a source: a file beside the installation's own, before it is registered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grid.errors import GridError
from layers.deliveries import FoundContent


class SourceFailed(GridError):
    """A source could not be read; nothing of it was taken."""


@dataclass(frozen=True)
class Found:
    """Content in a file, and how far the source is read when it is registered (None: as before)."""

    content: FoundContent
    path: Path
    position: dict[str, Any] | None = None


@dataclass(frozen=True)
class Fetched:
    """Everything that one look at a source found.

    Attributes
    ----------
    found : sequence of Found
    notes : list of str
        What was left and why, for people.
    position : dict or None
        How far the source is read although nothing new was found; None: as before.
    """

    found: Sequence[Found] = ()
    notes: list[str] = field(default_factory=list)
    position: dict[str, Any] | None = None


def too_large(name: str, limit_bytes: int) -> SourceFailed:
    """Return the refusal of content that is larger than an installation takes."""
    mib = limit_bytes // 2**20
    return SourceFailed(
        f"{name}: larger than {mib} MiB (WANGGE_SOURCE_MAX_MB)",
        f"{name}：超过 {mib} MiB（WANGGE_SOURCE_MAX_MB）",
    )
