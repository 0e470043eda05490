"""Digest of a file, by which a second import of the same content is known."""

from __future__ import annotations

import hashlib
from pathlib import Path

BESIDE_SHAPEFILE = (".dbf", ".prj", ".cpg")
"""Parts of a Shapefile that hold its values, CRS and encoding."""


def file_digest(path: Path) -> str | None:
    """SHA-256 of a file as hex, of a Shapefile with the files beside it; None when it cannot be read."""
    paths = [path]
    if path.suffix.lower() == ".shp":
        paths += [beside for ending in BESIDE_SHAPEFILE if (beside := path.with_suffix(ending)).is_file()]
    digest = hashlib.sha256()
    try:
        for part in paths:
            with part.open("rb") as file:
                while block := file.read(1 << 20):
                    digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()
