"""Write docs/model.schema.json, the JSON Schema of model files."""

from __future__ import annotations

import json
from pathlib import Path

from spatial_models.suspicion import model_schema

TARGET = Path(__file__).resolve().parent.parent / "docs" / "model.schema.json"


def text() -> str:
    """The schema as the file holds it."""
    return json.dumps(model_schema(), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
