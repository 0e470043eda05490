"""The settings are the only door to the environment: nobody else reads it, and each of them is documented."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from geo_api.http.settings import Settings, WrongSetting, read_settings
from tests.support.parsed_modules import parsed

ROOT = Path(__file__).parent.parent
PACKAGES = ("geo_api", "maps", "spatial_models", "grid", "layers")
READS_ENVIRONMENT = {
    "layers/private_server/settings.py": "XDG_DATA_HOME and XDG_RUNTIME_DIR name places of the system, not"
    " of this service",
    "layers/private_server/processes.py": "PostgreSQL's programs get the environment without what would lead"
    " them elsewhere",
    "geo_api/server/worker_processes.py": "the metrics library reads PROMETHEUS_MULTIPROC_DIR at its import,"
    " in each worker",
    "layers/private_server/rights.py": "HOME is that of the account that a process of root becomes",
    "geo_api/http/unprivileged.py": "NUMBA_CACHE_DIR is named where the account of the service may write",
    "geo_api/cli/unprivileged.py": "the same for an import that works without root's rights",
}
"""Modules that may, with the reason."""
MAKES_SETTINGS = {
    "geo_api/http/settings.py": "reads them",
    "geo_api/server/app.py": "an application that is started without any",
    "geo_api/cli/installation.py": "commands",
    "geo_api/cli/main.py": "commands",
    "geo_api/cli/importing/command.py": "a command",
    "geo_api/cli/results/analysis.py": "commands",
    "geo_api/cli/db.py": "commands",
    "geo_api/cli/cases.py": "commands",
    "geo_api/cli/sharing.py": "commands",
    "geo_api/cli/sources/commands.py": "commands",
    "geo_api/cli/maintenance/city.py": "a command",
    "geo_api/cli/grid.py": "a command that writes the city file",
    "geo_api/cli/models/backtesting.py": "a command",
    "geo_api/cli/models/fitting.py": "a command",
    "geo_api/cli/maintenance/upgrade.py": "a command",
    "geo_api/cli/models/versions.py": "commands",
    "geo_api/cli/results/evaluation.py": "a command",
    "geo_api/cli/results/models.py": "commands",
    "geo_api/cli/results/reports.py": "commands",
}
ENVIRONMENT_NAMES = {"environ", "environb", "getenv", "getenvb", "putenv", "unsetenv"}


def _modules() -> list[Path]:
    return [
        path
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not {"node_modules", "__pycache__"} & set(path.parts)
    ]


def _names(path: Path) -> set[str]:
    """Every name that a module reads, as attribute, import or variable."""
    names: set[str] = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.ImportFrom):
            names |= {alias.name for alias in node.names}
    return names


def test_only_the_settings_read_the_environment() -> None:
    found = {path.relative_to(ROOT).as_posix() for path in _modules() if _names(path) & ENVIRONMENT_NAMES}
    assert found == set(READS_ENVIRONMENT)


def test_settings_are_read_at_the_doors_and_go_down_as_arguments() -> None:
    found = {
        path.relative_to(ROOT).as_posix()
        for path in _modules()
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ("Settings", "read_settings")
    }
    assert found == set(MAKES_SETTINGS)


def test_every_setting_that_a_page_or_message_names_exists() -> None:
    known = {f"WANGGE_{name.upper()}" for name in Settings.model_fields}
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md"), *_modules()]
    for path in pages:
        named = set(re.findall(r"WANGGE_[A-Z][A-Z_]*[A-Z]", path.read_text(encoding="utf-8")))
        assert named <= known, path


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DATABASE_URL",
        "PG_BIN",
        "CONNECTIONS",
        "SELF_APPROVAL",
        "GRID_PROFILE",
        "ANALYSE_CRON",
        "DEMO_DIR",
    ):
        monkeypatch.setenv(f"WANGGE_{name}", "")
    monkeypatch.setenv("WANGGE_OIDC_USERNAME_PREFIX", "")
    empty, unset = read_settings(), Settings.model_construct()
    assert (empty.database_url, empty.pg_bin, empty.demo_dir) == (None, None, None)
    assert (empty.connections, empty.self_approval, empty.grid_profile) == (26, False, "gb30428_15")
    assert empty.analyse_cron == unset.analyse_cron == "0 18 * * *"
    assert empty.oidc_username_prefix == "", "where the empty text means something it stays"


def test_a_value_that_cannot_be_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANGGE_CONNECTIONS", "many")
    with pytest.raises(WrongSetting, match="WANGGE_CONNECTIONS='many'"):
        read_settings()


def test_folders_are_whole_paths_and_urls_get_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/li")
    monkeypatch.setenv("WANGGE_DATA_DIR", "~/grid")
    monkeypatch.setenv("WANGGE_DATABASE_URL", "postgres://li@db/city")
    monkeypatch.setenv("WANGGE_CONNECTIONS", "3")
    found = read_settings()
    assert found.data_dir == Path("/home/li/grid")
    assert found.url() == "postgresql+psycopg://li@db/city"
    assert found.limits().total == 7, "with fewer a process does not work"
