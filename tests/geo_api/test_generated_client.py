"""A Python client that is generated from the committed description works against a real server."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geo_api.auth.access import create_user
from geo_api.auth.api_keys import create_key
from layers.postgres import SYSTEM, session
from tests.support.application import PASSWORD, Seeded, api_over, serving
from tests.support.busy_town import seed_work
from tests.support.small_town import RAISED

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".setup" / "api_client" / "bin" / "python"
CONFIG = ROOT / "scripts" / "api_clients" / "python_client.yaml"
pytestmark = pytest.mark.skipif(not PYTHON.is_file(), reason="scripts/setup --test makes its environment")


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the client, by its generator in its own environment."""
    folder = tmp_path_factory.mktemp("client")
    generator = PYTHON.with_name("openapi-python-client")
    description = ROOT / "geo_api" / "openapi.json"
    command = [
        generator,
        "generate",
        "--path",
        description,
        "--config",
        CONFIG,
        "--output-path",
        folder / "made",
    ]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=200)
    return folder / "made"


@pytest.fixture
def town(seeded: Seeded, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Address of a served town with cases, and a key of a service account."""
    for api in api_over(seeded, "generated_client", tmp_path):
        with session(SYSTEM, api.url) as db:
            seed_work(db, dict(api.ids))
            create_user(db, username="portal", password=PASSWORD, role="service")
            key = create_key(db, "portal")
        with serving(api.settings) as address:
            yield address, key


def test_it_lists_and_reads_cases_assigns_and_sends_fixes(generated: Path, town: tuple[str, str]) -> None:
    script = ROOT / "scripts" / "api_clients" / "example.py"
    time = dt.datetime.now(dt.UTC).replace(microsecond=0).isoformat()
    command = [PYTHON, script, *town, "V-new", time]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(generated)}, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert sorted(told["numbers"]) == ["NT-A-ecology", "NT-A-market", "NT-B-ecology", "NT-B-market"]
    assert told["returned"] == 4 and told["reported"]
    number = told["numbers"][0]
    letter, domain = number.split("-")[1:]
    lon = {"A": 120.1, "B": 120.6}[letter]
    assert told["case"] == [number, f"案件{letter}{domain}", RAISED.isoformat(), 1, [lon, 31.2]]
    assert told["missing"] == [404, "/problems/not-found"]
    assert told["assigned"] == ["assigned", "320601001001001", "测试区生态环境局"]
    assert told["report"] == [1, 0, 0, ["V-new"]]
