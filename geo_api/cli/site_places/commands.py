"""Commands of sites without place: the list, and the acceptance of proposals of the gazetteer."""

from __future__ import annotations

import datetime as dt
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database, operator
from geo_api.http.progress import console

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from grid.site_places import PlaceProposal, UnplacedSite

sites_app = typer.Typer(no_args_is_help=True)
EVERY_SITE = 2**31 - 1


@sites_app.command("unplaced")
def sites_unplaced(
    accept_above: Annotated[
        float | None,
        typer.Option(
            min=0.01, max=1.0, help="Place those whose proposal has at least this score; no default"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="CSV of all of them: fill in lon and lat, `wangge import site_places FILE`"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many are printed")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON")] = False,
) -> None:
    """List sites that have an address and no place, with proposals of the gazetteer · 未定位的场所."""
    from grid.gazetteer import source_states
    from grid.site_places import propose_places, read_unplaced
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        every = accept_above is not None or out is not None
        sites = read_unplaced(db, EVERY_SITE if every else limit)
        proposals = propose_places(db, sites)
        if accept_above is not None:
            _accept(db, proposals, accept_above)
            sites = read_unplaced(db, EVERY_SITE)
        stale = [state.source for state in source_states(db) if state.stale]
        _show(db, sites, proposals, limit, as_json=as_json)
    if out is not None:
        _write(out, sites, proposals)
    if stale:
        names = ", ".join(stale)
        console.print(
            f"[yellow]![/] 地名库已过期，请运行 names changed since, run wangge places refresh: {names}"
        )


def _accept(db: Session, proposals: dict[str, PlaceProposal], above: float) -> None:
    from grid.site_places import accepted, place_as_batch
    from layers.records import add_calls, command_row

    frame = accepted(proposals, above)
    if frame.is_empty():
        console.print(f"没有分值不低于 {above:g} 的候选 no proposal has a score of {above:g} or more")
        return
    now = dt.datetime.now(dt.UTC)
    batch = place_as_batch(db, frame, operator(), now, place_source="gazetteer", accept_above=above)
    add_calls(
        db, [command_row(operator(), f"/imports/{batch}", {"kind": "site_places", "rows": frame.height})]
    )
    console.print(
        f"[green]✓[/] {frame.height:,} 个场所已按地名库定位 sites placed; 撤销 undo: wangge imports undo {batch}",
        highlight=False,
    )


def _show(
    db: Session, sites: list[UnplacedSite], proposals: dict[str, PlaceProposal], limit: int, *, as_json: bool
) -> None:
    from grid.site_places import count_matching

    n = count_matching(db)
    if as_json:
        told = [asdict(site) | {"proposal": _plain(proposals.get(site.site_id))} for site in sites[:limit]]
        sys.stdout.write(json.dumps({"unplaced": n, "sites": told}, ensure_ascii=False, indent=1) + "\n")
        return
    table = Table("场所 site", "企业 enterprise", "地址 address", "区域 area", "候选 proposal", "分值 score")
    for site in sites[:limit]:
        one = proposals.get(site.site_id)
        place = f"{one.name} ({one.kind}) {one.lon:.5f}, {one.lat:.5f}" if one else "—"
        table.add_row(
            site.site_id, site.enterprise_name, site.address or "", site.area_name or "", place,
            f"{one.score:.2f}" if one else "",
        )  # fmt: skip
    console.print(table)
    console.print(f"{n:,} 个场所未定位 sites without place")


def _plain(proposal: PlaceProposal | None) -> dict[str, Any] | None:
    return None if proposal is None else asdict(proposal)


def _write(path: Path, sites: list[UnplacedSite], proposals: dict[str, PlaceProposal]) -> None:
    """Write a table that `wangge import site_places` reads once lon and lat are filled in."""
    import polars as pl

    from layers.exports import table_file

    rows = []
    for site in sites:
        one = proposals.get(site.site_id)
        best = (one.name, f"{one.lon:.6f}", f"{one.lat:.6f}", f"{one.score:.4f}") if one else ("", "", "", "")
        rows.append((site.site_id, site.uscc, site.enterprise_name, site.address or "", "", "", *best))
    names = ("site_id", "uscc", "enterprise_name", "address", "lon", "lat")
    proposed = ("proposed_name", "proposed_lon", "proposed_lat", "proposed_score")
    frame = pl.DataFrame(rows, schema=dict.fromkeys((*names, *proposed), pl.Utf8), orient="row")
    path.write_bytes(table_file(frame, "csv", sheet="sites"))
    console.print(f"[green]✓[/] {path}", highlight=False)
