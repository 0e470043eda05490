"""Write the table of modules into CONTRIBUTING.md from the docstrings; a test fails when it is behind."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("geo_api", "maps", "spatial_models", "grid", "layers")
BEGIN, END = "<!-- modules: written by scripts/write_module_table.py -->", "<!-- end of modules -->"


def rooms(package: str) -> Iterator[Path]:
    """Folders of a package that hold modules, itself first."""
    folders = [ROOT / package, *sorted(p for p in (ROOT / package).rglob("*") if p.is_dir())]
    for folder in folders:
        if not {"migrations", "web", "__pycache__"} & set(folder.relative_to(ROOT).parts) and modules(folder):
            yield folder


def modules(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.py") if p.name not in ("__init__.py", "__main__.py"))


def summary(path: Path) -> str:
    """First sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    first = text.split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
    return first.rstrip(".")


def table() -> str:
    lines = []
    for package in PACKAGES:
        lines += [f"\n### {package}", "", "| room | module | what |", "|---|---|---|"]
        for folder in rooms(package):
            room = folder.relative_to(ROOT).as_posix()
            head = summary(folder / "__init__.py")
            lines.append(f"| **`{room}/`** | | **{head}** |")
            lines += [f"| | `{path.stem}` | {summary(path)} |" for path in modules(folder)]
    return "\n".join(lines) + "\n"


def page() -> str:
    """CONTRIBUTING.md with the table as the tree has it."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


if __name__ == "__main__":
    (ROOT / "CONTRIBUTING.md").write_text(page(), encoding="utf-8")
