"""Versions of models: their files as text, who made them, and which one was in force when."""

from __future__ import annotations

from layers.models.in_force import model_in_force, put_version_back, put_version_in_force, version_in_force
from layers.models.versions import NewVersion, VersionFacts, add_version, read_version, versions

__all__ = [
    "NewVersion",
    "VersionFacts",
    "add_version",
    "model_in_force",
    "put_version_back",
    "put_version_in_force",
    "read_version",
    "version_in_force",
    "versions",
]
