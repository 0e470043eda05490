"""Write geo_api/openapi.json, the description of the API; ``--check`` says whether it is up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pydantic import SecretStr

from geo_api.http.settings import Settings
from geo_api.server.app import create_app
from geo_api.server.openapi import FILE_NAME, describe_api

TARGET = Path(__file__).resolve().parent.parent / "geo_api" / FILE_NAME


def text() -> str:
    """The description as the file holds it."""
    app = create_app(Settings(secret=SecretStr("none"), database_url="postgresql://nobody@localhost/none"))
    return json.dumps(describe_api(app), ensure_ascii=False, indent=1) + "\n"


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == made:
            return 0
        print(f"{TARGET} is not what the routes say: run make fmt", file=sys.stderr)
        return 1
    TARGET.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
