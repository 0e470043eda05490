"""Runs of models: what a run would read, what it cannot see, and what stands at the edges of its window."""

from __future__ import annotations

from layers.runs.coverage import Coverage, read_coverage
from layers.runs.fingerprint import read_fingerprint
from layers.runs.windows import Span, read_spans

__all__ = ["Coverage", "Span", "read_coverage", "read_fingerprint", "read_spans"]
