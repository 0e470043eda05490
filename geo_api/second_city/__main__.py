"""`python -m geo_api.second_city FOLDER [--seed N] [--kinds extended]` writes the second city into a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from geo_api.second_city import DEFAULT_SEED, make_planted_second_city, make_second_city


def main() -> None:
    """Read the arguments, make the city, say what was written."""
    parser = argparse.ArgumentParser(prog="python -m geo_api.second_city", description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder, made if it is missing")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED)
    parser.add_argument(
        "--kinds", default="", help="kinds planted in place of the stories, see docs/evaluation.md"
    )
    arguments = parser.parse_args()
    if arguments.kinds:
        planted = make_planted_second_city(arguments.folder, arguments.seed, arguments.kinds)
        print(f"planted {planted.planted}, decoys {planted.decoys} (truth/kinds.json)")
        return
    city = make_second_city(arguments.folder, arguments.seed)
    for kind, rows in city.rows.items():
        print(f"{kind:12} {rows:8,}")
    print(f"planted {len(city.truth['planted'])}, decoys {len(city.truth['decoys'])} (truth.json)")


if __name__ == "__main__":
    main()
