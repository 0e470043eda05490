"""The documentation keeps up with the code."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from typer.main import get_command

from geo_api.cli.main import app
from layers.imports import FILE_KINDS

ROOT = Path(__file__).parent.parent


def test_the_page_of_import_files_is_what_the_code_says() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "write_data_page.py"))["page"]()
    assert (ROOT / "docs" / "data.md").read_text(encoding="utf-8") == page, "run scripts/write_data_page.py"


def test_the_glossary_page_is_what_the_glossary_says() -> None:
    page = runpy.run_path(str(ROOT / "scripts" / "write_glossary_page.py"))["page"]()
    assert (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8") == page, (
        "run scripts/write_glossary_page.py"
    )


@pytest.mark.parametrize("kind", FILE_KINDS)
def test_every_template_is_named_by_its_columns(kind: str) -> None:
    from layers.imports import template

    text = template(kind)
    assert all(column.name in text for column in FILE_KINDS[kind].columns)


def test_every_command_that_the_readme_shows_exists() -> None:
    known = set(get_command(app).commands)  # type: ignore[attr-defined]
    shown = set(
        re.findall(
            r"^(?:\.venv/bin/)?wangge (\w+)", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
        )
    )
    assert shown and shown <= known


def test_every_picture_and_page_that_the_readme_links_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)
    assert links and [link for link in links if not (ROOT / link).exists()] == []


def test_decisions_are_numbered_without_a_gap() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "decisions").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]
)
def test_every_module_that_a_page_names_is_there(page: str) -> None:
    """By its path, or by its name in a package."""
    named = re.findall(r"`((?!\S*NNNN)[\w/]+\.py)`", (ROOT / page).read_text(encoding="utf-8"))
    packages = ("layers", "grid", "spatial_models", "maps", "geo_api")
    missing = [
        name
        for name in named
        if not (ROOT / name).is_file() and not any((ROOT / package / name).is_file() for package in packages)
    ]
    assert missing == []
