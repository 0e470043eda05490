"""``wangge meters``: quality of the readings of each meter."""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from maps.glossary import term

meters_app = typer.Typer(no_args_is_help=True)


@meters_app.callback()
def _meters() -> None:
    """Commands of meters."""


@meters_app.command("quality")
def quality(
    flagged: Annotated[bool, typer.Option("--flagged", help="Only meters with a flag")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """Tell estimated and missing shares and flags of the readings of each meter · 读数质量."""
    from layers.postgres import SYSTEM, session
    from layers.records import meter_quality

    with session(SYSTEM, migrated_database()) as db:
        found = [dict(row) for row in meter_quality(db) if row["flags"] or not flagged]
    if as_json:
        sys.stdout.write(json.dumps(found, ensure_ascii=False, indent=1) + "\n")
        return
    table = Table(
        "场所 site", "类别 kind", "表号 meter", "条数 readings", "起止 from – to", "时段 h", "估算 est.",
        "缺失 missing", "存疑 flags",
    )  # fmt: skip
    for row in found:
        flags = ", ".join(
            f"{term('reading_flag', flag, 'zh')} {flag} {n:,}" for flag, n in row["flags"].items()
        )
        table.add_row(
            row["site_id"], term("meter", row["kind"], "zh"), row["meter_id"], f"{row['readings']:,}",
            f"{row['first_at'][:10]} – {row['last_at'][:10]}", f"{row['usual_length_s'] / 3600:g}",
            f"{row['estimated_share']:.0%}", f"{row['missing_share']:.0%}", flags,
        )  # fmt: skip
    console.print(table, highlight=False)
