"""``wangge init``: write the city file."""

from __future__ import annotations

from typing import Annotated

import typer

from geo_api.http.progress import console


def init(
    name_zh: Annotated[str | None, typer.Option(help="Name in Chinese")] = None,
    name_en: Annotated[str | None, typer.Option(help="Name in English")] = None,
    code: Annotated[str | None, typer.Option(help="Division code of GB/T 2260, six digits")] = None,
    case_prefix: Annotated[str | None, typer.Option(help="Start of case numbers")] = None,
    time_zone: Annotated[str | None, typer.Option(help="IANA time zone, as Asia/Shanghai")] = None,
    lon: Annotated[
        float | None, typer.Option(help="A longitude in the city: gives the systems in metres")
    ] = None,
    lat: Annotated[float | None, typer.Option(help="A latitude in the city")] = None,
    metric_crs: Annotated[
        str | None, typer.Option(help="EPSG:n for metres, instead of the suggested one")
    ] = None,
    served_crs: Annotated[
        str | None, typer.Option(help="EPSG:n that the API offers; default: the same")
    ] = None,
    languages: Annotated[str | None, typer.Option(help="zh,en or en,zh or one of them")] = None,
    force: Annotated[bool, typer.Option(help="Replace a file that is there")] = False,
) -> None:
    """Write city.toml, what is not given as what is stored suggests, and the chain's key · 生成城市文件与签名密钥."""
    from geo_api.cases.chain_keys import ChainKeys
    from geo_api.city_file import city_from, fields_of, migrate_installation, suggested_city, write_city
    from geo_api.http.settings import read_settings
    from layers.postgres import SYSTEM, session

    settings = read_settings()
    path = settings.city_path()
    if path.exists() and not force:
        raise typer.BadParameter(f"{path} is there already; --force replaces it", param_hint="--force")
    url = settings.open_database()
    migrate_installation(settings, url)
    with session(SYSTEM, url) as db:
        suggested = suggested_city(db, settings, lon=lon, lat=lat)
    given = {
        "name_zh": name_zh,
        "name_en": name_en,
        "code": code,
        "case_prefix": case_prefix,
        "time_zone": time_zone,
        "metric_crs": metric_crs,
        "served_crs": served_crs or metric_crs,
        "languages": languages and [part.strip() for part in languages.split(",")],
    }
    fields = {name: value for name, value in fields_of(suggested).items() if value != ""}
    city = city_from(fields | {name: value for name, value in given.items() if value}, path)
    write_city(path, city)
    ChainKeys(settings.chain_keys_folder()).ensure()
    console.print(f"[green]✓[/] {path}", highlight=False)
    console.print(path.read_text(encoding="utf-8"), markup=False, highlight=False)
