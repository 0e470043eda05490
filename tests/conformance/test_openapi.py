"""Schemathesis over the whole OpenAPI description.

What it says is what the service does, whatever is sent.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("schemathesis") is None,
    reason="schemathesis is not installed: extra conformance",
)
EXAMPLES = os.environ.get("WANGGE_CONFORMANCE_EXAMPLES", "15")
ENDLESS = "/v1/events"
"""A stream of events has no end to wait for."""
ENDS_THE_LOGIN = "/v1/log(in|out)"


def run(address: str, folder: Path, *more: str, without: str = ENDLESS) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")),
        *("--config-file", str(Path(__file__).with_name("schemathesis.toml"))),
        *("run", f"{address}/openapi.json", "--max-examples", EXAMPLES, "--seed", "1"),
        *("--phases", "examples,coverage,fuzzing", "--request-timeout", "120", "--no-color"),
        *("--suppress-health-check", "all", "--exclude-path-regex", f"^({without})$", *more),
    ]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=1500, check=False)
    report = Path(os.environ.get("WANGGE_CONFORMANCE_REPORTS", folder)) / "schemathesis.txt"
    report.write_text(done.stdout)
    assert done.returncode == 0, done.stdout[:20_000]


@pytest.mark.timeout(1600)
def test_for_somebody_who_is_not_logged_in(address: str, tmp_path: Path) -> None:
    run(address, tmp_path)


@pytest.mark.timeout(1600)
def test_for_a_dispatcher(address: str, dispatcher: dict[str, str], tmp_path: Path) -> None:
    headers = [part for name, value in dispatcher.items() for part in ("-H", f"{name}: {value}")]
    run(address, tmp_path, *headers, without=f"{ENDLESS}|{ENDS_THE_LOGIN}")
