"""JSON documents on standard output: what another program reads."""

from __future__ import annotations

import json
import sys


def emit(document: object) -> None:
    """Print one JSON document; times and other values are written as their text."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=1, default=str) + "\n")
