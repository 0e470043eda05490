"""The demo: make the city of a seed, load it through the importer, analyse it, make logins."""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.table import Table
from sqlalchemy.orm import Session

from geo_api.cases.chain_keys import ChainKeys
from geo_api.cases.head_making import make_heads
from geo_api.city_file import read_city, write_city
from geo_api.cli.results.analysis_document import document
from geo_api.demo_city import CITY, END_DAY, FILES, MORE_FILES, make_city
from geo_api.demo_month import DEFAULT_REPORTS, work_month
from geo_api.http.progress import console, step
from geo_api.http.settings import Settings
from geo_api.imports.import_file import import_file
from geo_api.jobs.analysis import Analysis
from geo_api.jobs.snapshots import SnapshotStore
from grid.alerts import put_matters
from grid.gazetteer import refresh_place_names
from grid.practice import accounts_of_officers, officers_by_body
from grid.registers import RegisterEditor, bind_account
from layers.attachments import AttachmentStore
from layers.city import city_in_force, put_in_force
from layers.errors import LayerError
from layers.ground import GROUND_LAYERS, write_base_map
from layers.imports import FILE_KINDS
from layers.local_time import start_of_day
from layers.postgres import SYSTEM, migrate, refresh_statistics, session
from layers.records import (
    find_account,
    find_run,
    handlers_of_town,
    has_areas,
    has_run_of,
    record_run,
    reset,
    town_with_most_cases,
    town_without_cases,
    tracks,
)
from layers.tables import AREA_KINDS

DEMO_MODEL = "demo_city"
MONTH_MODEL, MONTH_VERSION = "demo_month", "1"
GENERATOR = 4
"""Version of the generator: a city of an earlier one is made anew."""
MAX_AGE = dt.timedelta(days=7)
"""A city that ends longer ago than this is made anew: its deadlines would all be past."""
INDICATIVE = (*(kind for kind in AREA_KINDS if kind not in ("city", "county")), *GROUND_LAYERS)
"""Marks of what the seed made; the boundaries of city and counties are real."""


class NotADemo(LayerError):
    """The database holds data that no demo made; the demo does not touch it."""


@dataclass(frozen=True)
class Login:
    """A demo account."""

    username: str
    password: str
    role: str
    area_code: str | None = None
    body: str | None = None


@dataclass
class Demo:
    """A prepared demo."""

    document: dict[str, Any]
    logins: list[Login] = field(default_factory=list)


def prepare_demo(
    settings: Settings,
    *,
    seed: int = 1,
    grids: int = 12_000,
    size: str = "full",
    end_day: dt.date = END_DAY,
    month: bool | None = None,
) -> Demo:
    """Bring the database to the analysed demo city of ``seed``; what is there already is not done again.

    Its month ends with ``end_day`` (see :func:`current_end_day`). ``month`` says whether the cases of a month are
    worked too; None: of the full city.

    Raises
    ------
    NotADemo
        The database holds other data.
    """
    seconds: dict[str, float] = {}
    with step("数据库 database", seconds, "database"):
        url = settings.open_database()
        migrate(url)
    _put_demo_city_in_force(settings)
    folder = _city_folder(settings, seed, grids, size)
    _make_files(folder, seed, grids, size, end_day, seconds)
    key = f"{GENERATOR}:{size}:{seed}:{grids}:{end_day}"
    _load(url, folder, f"{DEMO_MODEL}:{key}", end_day, seconds)
    _draw_base_map(url, settings.data_dir / "base_map.pmtiles", folder, seconds)
    store = SnapshotStore(str(settings.snapshots_folder()))
    result = Analysis(url, snapshots=store, models_folder=settings.models_folder()).run()
    seconds |= result.seconds
    worked = None
    if month if month is not None else size == "full":
        worked = _work_month(url, settings, f"{MONTH_MODEL}:{MONTH_VERSION}:{key}", seed, end_day, seconds)
    keys = ChainKeys(settings.chain_keys_folder())
    keys.ensure()
    make_heads(url, keys)
    logins = demo_logins(url, settings.data_dir / "demo-logins.json")
    planted = json.loads((folder / "truth" / "planted.json").read_text(encoding="utf-8"))
    paper = document(url, result)
    return Demo(paper | {"planted": planted, "month": worked, "seconds": seconds}, logins)


def current_end_day(
    settings: Settings, *, seed: int, grids: int, size: str = "full", now: dt.datetime | None = None
) -> dt.date:
    """The last day of a demo whose end nobody names.

    Of the one that is there, when it is not old, else yesterday.
    """
    yesterday = (now or dt.datetime.now(dt.UTC)).astimezone(CITY.zone).date() - dt.timedelta(days=1)
    made = _made_until(_city_folder(settings, seed, grids, size))
    return made if made and dt.timedelta() <= yesterday - made <= MAX_AGE else yesterday


def _put_demo_city_in_force(settings: Settings) -> None:
    """Write the demo city's file if there is none; refuse a data folder of another city."""
    path = settings.city_path()
    if not path.exists():
        write_city(path, CITY)
    if (city := read_city(path)).code != CITY.code:
        raise NotADemo(
            f"{path} is of another city, {city.code} {city.name}: point WANGGE_DATA_DIR at an empty folder"
            " for the demo 该数据目录属于另一城市，演示请用空目录"
        )
    put_in_force(city)


def _city_folder(settings: Settings, seed: int, grids: int, size: str) -> Path:
    return (settings.demo_dir or settings.data_dir / "demo") / f"{size}-{seed}-{grids}"


def _made_until(folder: Path) -> dt.date | None:
    """The last day of the city in a folder; None: there is none, or an earlier version made it."""
    mark = folder / "complete"
    version, _, day = mark.read_text(encoding="utf-8").partition(" ") if mark.exists() else ("", "", "")
    return dt.date.fromisoformat(day) if version == str(GENERATOR) else None


def _make_files(
    folder: Path, seed: int, grids: int, size: str, end_day: dt.date, seconds: dict[str, float]
) -> None:
    """Make the files of the city; once, complete or not at all. An older city is told and made anew."""
    made, mark = _made_until(folder), folder / "complete"
    if made == end_day:
        return
    if mark.exists():
        zh, en = (f"截至 {made}", f"ends on {made}") if made else ("由旧版本生成", "is of an earlier version")
        console.print(f"[yellow]![/] 演示城市{zh}，重新生成 the demo city {en}: made anew, until {end_day}")
        mark.unlink()
    with step(f"生成演示城市 demo city, seed {seed}", seconds, "make_city") as tell:
        make_city(
            folder,
            seed=seed,
            grids=grids,
            size=size,
            end_day=end_day,
            progress=lambda _, done, total: tell(done, total),
        )
    mark.write_text(f"{GENERATOR} {end_day}", encoding="utf-8")


def _load(url: str, folder: Path, key: str, end_day: dt.date, seconds: dict[str, float]) -> None:
    with session(SYSTEM, url) as db:
        if find_run(db, key):
            return
        foreign = has_areas(db) and not has_run_of(db, DEMO_MODEL)
    if foreign:
        raise NotADemo(
            "this database holds other data: point WANGGE_DATABASE_URL (or WANGGE_DATA_DIR) at an empty one"
            " for the demo"
        )
    reset(url)
    migrate(url)
    end = start_of_day(end_day + dt.timedelta(days=1))
    now = dt.datetime.now(dt.UTC)
    for kind in FILE_KINDS:
        path = folder / (FILES | MORE_FILES).get(kind, "")
        if not path.is_file():
            continue
        with step(f"导入 import {kind}", seconds, f"import_{kind}") as tell:
            import_file(
                kind,
                path,
                crs="wgs84",
                indicative=INDICATIVE,
                progress=tell,
                url=url,
                now=max(now, end),
                actor="demo",
            )
    with session(SYSTEM, url) as db:
        put_matters(db, city_in_force().matters)
        refresh_statistics(db)
        span = tracks.time_span(db)
        assert span is not None, "a demo city has fixes"
        parameters = {"folder": folder.name}
        record_run(db, model=DEMO_MODEL, version="1", key=key, at=span[1], parameters=parameters, counts={})


def _work_month(
    url: str, settings: Settings, key: str, seed: int, end_day: dt.date, seconds: dict[str, float]
) -> dict[str, Any] | None:
    """Work the cases of the month before the end of the data, once; returns what was worked, None if it was there."""
    until = start_of_day(end_day + dt.timedelta(days=1))
    with session(SYSTEM, url) as db:
        if find_run(db, key):
            return None
    with step("地名 place names", seconds, "place_names"), session(SYSTEM, url) as db:
        refresh_place_names(db)
    with step("一个月的案件 a month of cases", seconds, "month") as tell, session(SYSTEM, url) as db:
        store = AttachmentStore(settings.attachments_place())
        worked = work_month(db, store, seed=seed, until=until, progress=tell)
        counts = {"cases": worked.cases, "clues": worked.clues, **worked.steps}
        record_run(
            db,
            model=MONTH_MODEL,
            version=MONTH_VERSION,
            key=key,
            at=until,
            parameters={"reports": DEFAULT_REPORTS},
            counts=counts,
        )
        refresh_statistics(db)
    for one in worked.untold:
        console.print(f"[yellow]![/] {one['zh']} {one['en']}")
    return worked.as_json()


def _draw_base_map(url: str, path: Path, folder: Path, seconds: dict[str, float]) -> None:
    """Draw the base map of the demo, when the files of the city are newer than it."""
    if path.exists() and path.stat().st_mtime > (folder / "complete").stat().st_mtime:
        return
    with step("底图 base map", seconds, "base_map") as tell, session(SYSTEM, url) as db:
        name = "演示城市底图（示意） Demo base map (indicative)"
        write_base_map(db, path, name=name, attribution=name, progress=tell)


def demo_logins(url: str, password_file: Path) -> list[Login]:
    """One account a role: made once, the passwords are kept in a file that its owner only may read."""
    from geo_api.auth.access import create_user

    with session(SYSTEM, url) as db:
        # The town with the most cases and one without any: so that the difference can be seen.
        towns = [code for code in (town_with_most_cases(db), town_without_cases(db)) if code]
        wanted: list[tuple[str, str, str | None, str | None]] = [
            ("dispatcher", "dispatcher", None, None),
            ("supervisor", "supervisor", None, None),
        ]
        handlers = [handlers_of_town(db, code) for code in towns]
        wanted += [
            (f"officer.{code}", "officer", code, bodies[0] if bodies else None)
            for code, bodies in zip(towns, handlers, strict=True)
        ]
        # The others of the joint cases act from another town: they see these cases because they take part.
        wanted += [
            (f"joint{n}.{towns[0]}", "officer", towns[-1], body)
            for bodies in handlers[:1]
            for n, body in enumerate(bodies[1:], 1)
        ]
        wanted += [(f"grid.{code}", "grid_manager", code, None) for code in towns[:1]]
        stored = _stored_passwords(password_file)
        logins = [
            Login(username, stored.get(username) or secrets.token_urlsafe(9), role, code, body)
            for username, role, code, body in wanted
        ]
        for login in logins:
            known = find_account(db, login.username)
            if login.username in stored and known is not None:
                known.body = known.body or login.body
                continue
            create_user(
                db,
                username=login.username,
                password=login.password,
                role=login.role,
                area_code=login.area_code,
                display_name=login.username,
                body=login.body,
            )
        _bind_officers(db, logins)
    _store_passwords(password_file, stored | {login.username: login.password for login in logins})
    return logins


def show_logins(logins: Iterable[Login], host: str, port: int) -> None:
    """Print the accounts of the demo and the addresses of its pages."""
    table = Table("用户 user", "密码 password", "角色 role", title="演示账户 demo logins")
    for login in logins:
        table.add_row(login.username, login.password, login.role)
    console.print(table)
    console.print(f"[bold]http://{host}:{port}/[/]  ·  http://{host}:{port}/map/")


def _bind_officers(db: Session, logins: Iterable[Login]) -> None:
    """Bind each account of an officer to the first certified officer of its body, unless it is bound."""
    today = dt.datetime.now(CITY.zone).date()
    certified, bound = officers_by_body(db, today), accounts_of_officers(db)
    for login in logins:
        free = [one for one in certified.get(login.body or "", []) if bound.get(one) is None]
        if login.role != "officer" or login.username in bound.values() or not free:
            continue
        bind_account(db, login.username, free[0], editor=RegisterEditor("demo"), now=dt.datetime.now(dt.UTC))
        bound[free[0]] = login.username


def _stored_passwords(path: Path) -> dict[str, str]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _store_passwords(path: Path, passwords: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(passwords, file, indent=1)
