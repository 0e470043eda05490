"""The command line imports what a command uses, and lists every command without importing any."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from geo_api.cli.main import Commands, app
from geo_api.cli.on_demand import CommandOnDemand, Entry
from tests.support.waiting import PATIENCE_S

ROOT = Path(__file__).parents[2]
HEAVY = ("sqlalchemy", "fastapi", "pandas", "polars", "numba", "pydantic", "layers", "grid", "spatial_models")
SCRIPT = """
import sys
from geo_api.cli.main import main
try:
    main()
except SystemExit:
    pass
print("loaded", *sorted(set({heavy}) & {{name.partition(".")[0] for name in sys.modules}}))
"""


def _run(*arguments: str, **variables: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(heavy=HEAVY), *arguments],
        cwd=ROOT, env={**os.environ, "COLUMNS": "200", **variables}, capture_output=True, text=True,
        timeout=2 * PATIENCE_S, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--help",), {}),
        ((), {"_-C_COMPLETE": "complete_bash", "COMP_WORDS": "-c ", "COMP_CWORD": "1"}),
    ],
    ids=["help", "completion"],
)
def test_every_command_is_listed_and_none_imported(
    arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    told = _run(*arguments, **variables)
    listed = set(told.replace("│", " ").split())
    assert {"serve", "demo", *(entry.name for entry in Commands.entries)} <= listed
    assert told.splitlines()[-1].strip() == "loaded"


def _first_paragraph(command: Any) -> str:
    return " ".join((command.help or "").split("\n\n")[0].split())


@pytest.mark.parametrize("entry", Commands.entries, ids=lambda entry: entry.name)
def test_the_line_of_a_command_is_what_its_code_says(entry: Entry) -> None:
    listed = get_command(app).commands[entry.name]  # type: ignore[attr-defined]
    assert isinstance(listed, CommandOnDemand)
    command = listed.loaded()
    assert command.name == entry.name and _first_paragraph(command) == entry.help
    if entry.place.endswith("_app"):
        assert all(each.help for each in command.commands.values()) and command.commands
