"""Runs of models: what a run would read, what it cannot see, what stands at its edges, and whom vehicles met."""

from __future__ import annotations

from layers.runs.coverage import Coverage, read_coverage
from layers.runs.fingerprint import read_fingerprint
from layers.runs.meetings import write_encounters, write_silences
from layers.runs.windows import Span, read_spans

__all__ = [
    "Coverage",
    "Span",
    "read_coverage",
    "read_fingerprint",
    "read_spans",
    "write_encounters",
    "write_silences",
]
