"""Write docs/glossary.md from maps/glossary.json; a test fails when the page is behind."""

from __future__ import annotations

from pathlib import Path

from maps.glossary import glossary

HEAD = """# Glossary · 词汇表

The names that console, reports and server pages give to the codes of the API. This page is written from
`maps/glossary.json` by `scripts/write_glossary_page.py` (`make fmt`): change the file, not the page.

本页由 `maps/glossary.json` 生成；控制台、报告和服务页面用同一份词汇。
"""


def page() -> str:
    """The whole page: a table a group."""
    parts = [HEAD]
    for group, entry in glossary().items():
        rows = [f"| `{code}` | {names['zh']} | {names['en']} |" for code, names in entry["terms"].items()]
        title = entry["title"]
        parts.append(
            f"## {title['en']} · {title['zh']}\n\n`{group}`\n\n| code | 中文 | English |\n|---|---|---|\n"
            + "\n".join(rows)
            + "\n"
        )
    return "\n".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent.parent / "docs" / "glossary.md").write_text(page(), encoding="utf-8")
