"""Write docs/sources.schema.json, the JSON Schema of the sources in ``city.toml``."""

from __future__ import annotations

import json
from pathlib import Path

from geo_api.city_file import sources_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "sources.schema.json"


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(sources_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
