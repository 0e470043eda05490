"""`python -m tests.support.second_city FOLDER [--seed N]` writes the second city into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import DEFAULT_SEED, make_second_city


def main() -> None:
    """Read the arguments, make the city, say what was written."""
    parser = argparse.ArgumentParser(prog="python -m tests.support.second_city", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder, made if it is missing")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    arguments = parser.parse_args()
    city = make_second_city(arguments.folder, arguments.seed)
    for kind, rows in city.rows.items():
        print(f"{kind:12} {rows:8,}")
    print(f"planted {len(city.truth['planted'])}, decoys {len(city.truth['decoys'])} (truth.json)")


if __name__ == "__main__":
    main()
