"""``wangge webhooks`` and ``wangge changes``: what other programs are told, and what they ask for."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import typer
from rich.table import Table

from geo_api.cli.installation import migrated_database
from geo_api.http.progress import console
from geo_api.http.settings import read_settings

webhooks_app = typer.Typer(no_args_is_help=True)


@webhooks_app.command("add")
def webhooks_add(
    username: Annotated[str, typer.Argument(help="Account whose scope bounds what is sent")],
    url: Annotated[str, typer.Argument(help="https://host/path")],
    types: Annotated[
        list[str] | None, typer.Option("--type", help="case.close, case.*, alert.raised; several times")
    ] = None,
) -> None:
    """Add a webhook to an account and print its secret, this once · 新建推送."""
    from geo_api.sharing.addresses import networks
    from geo_api.sharing.webhooks import create_webhook
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    url_of_database = migrated_database(settings)
    with session(SYSTEM, url_of_database) as db:
        made, secret = create_webhook(
            db,
            settings.signing_key(),
            username,
            url,
            types or [],
            dt.datetime.now(dt.UTC),
            networks(settings.webhook_networks),
        )
        console.print(f"[green]✓[/] {made.id}", highlight=False)
        console.print(secret, highlight=False, markup=False, soft_wrap=True)


@webhooks_app.command("list")
def webhooks_list() -> None:
    """List the webhooks of all accounts with their messages · 列出推送."""
    from layers.postgres import SYSTEM, session
    from layers.sharing import count_deliveries, webhooks_of

    table = Table("id", "account", "url", "types", "waiting", "delivered", "dead", "skipped", "off")
    with session(SYSTEM, migrated_database()) as db:
        for one in webhooks_of(db):
            counts = count_deliveries(db, one.id)
            numbers = [str(counts.get(state, 0)) for state in ("waiting", "delivered", "dead", "skipped")]
            table.add_row(
                str(one.id), one.username, one.url, " ".join(one.types), *numbers, one.off_reason or ""
            )
    console.print(table)


@webhooks_app.command("rotate")
def webhooks_rotate(webhook: int) -> None:
    """Give a webhook a new secret; the former one signs for 24 hours, too · 轮换密钥."""
    from geo_api.sharing.webhooks import rotate_secret
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    with session(SYSTEM, migrated_database(settings)) as db:
        secret = rotate_secret(db, settings.signing_key(), webhook, None, dt.datetime.now(dt.UTC))
    console.print(secret, highlight=False, markup=False, soft_wrap=True)


@webhooks_app.command("remove")
def webhooks_remove(webhook: int) -> None:
    """Remove a webhook; nothing more is sent to it · 删除推送."""
    from geo_api.sharing.webhooks import remove_webhook
    from layers.postgres import SYSTEM, session

    with session(SYSTEM, migrated_database()) as db:
        remove_webhook(db, webhook, None, dt.datetime.now(dt.UTC))
    console.print(f"[green]✓[/] {webhook}")


@webhooks_app.command("dead")
def webhooks_dead(webhook: int) -> None:
    """List the messages to a webhook that were given up · 列出失败消息."""
    from layers.postgres import SYSTEM, session
    from layers.sharing import deliveries_of, read_webhook

    table = Table("id", "type", "at", "tries", "status", "fault")
    with session(SYSTEM, migrated_database()) as db:
        read_webhook(db, webhook)
        for one in deliveries_of(db, webhook, "dead", 1_000):
            at = one["at"].isoformat(timespec="seconds")
            table.add_row(
                str(one["id"]),
                one["type"],
                at,
                str(one["tries"]),
                str(one["status"] or ""),
                one["fault"] or "",
            )
    console.print(table)


@webhooks_app.command("resend")
def webhooks_resend(
    webhook: int,
    delivery: Annotated[int | None, typer.Option(help="One message; without it every dead one")] = None,
) -> None:
    """Send dead messages to a webhook again, or any one · 重新发送."""
    from layers.postgres import SYSTEM, session
    from layers.sharing import read_webhook, send_again

    with session(SYSTEM, migrated_database()) as db:
        read_webhook(db, webhook)
        waiting = send_again(db, webhook, dt.datetime.now(dt.UTC), delivery)
    console.print(f"[green]✓[/] {waiting}")


def changes(
    collection_id: Annotated[str, typer.Argument(help="sites, alerts, cases …: as /collections lists them")],
    after: Annotated[
        str | None, typer.Option("--after", help="Position that the command printed before; without it: now")
    ] = None,
) -> None:
    """Print as JSON the features of a collection that changed after a position · 列出变更的要素."""
    from geo_api.features.routes_changes import changes_document
    from layers.collections import read_changes
    from layers.collections.catalog import collection
    from layers.postgres import SYSTEM, session

    found, now = collection(collection_id), dt.datetime.now(dt.UTC)
    with session(SYSTEM, migrated_database()) as db:
        page = read_changes(db, found, after, now)
    console.print_json(data=changes_document(page))
