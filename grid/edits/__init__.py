"""Operations on a partition, one a file: from zones to the zones that take their place."""

from __future__ import annotations

from grid.edits.change import Change
from grid.edits.merge import merge
from grid.edits.split import split

__all__ = ["Change", "merge", "split"]
