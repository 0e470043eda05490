"""The part of ``wangge check`` that asks the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from geo_api.city_file import WrongCityFile, read_city, stored_faults
from geo_api.cli.finding import Finding
from geo_api.http.settings import Settings
from geo_api.jobs.model_needs import spots_before_run
from geo_api.jobs.parameters import RUN_DAYS
from grid.alerts import missing_matters, suggested_items
from grid.cases import attached_digests
from layers.attachments import AttachmentStore
from layers.errors import InputError, LayerError
from layers.postgres import (
    SYSTEM,
    box_overlap_is_leakproof,
    engine,
    reader_role,
    row_security,
    schema_is_current,
    server_clock,
    server_versions,
    session,
)
from layers.private_server import Cluster, archive_state, base_backups
from layers.records import duty_lists, enterprises
from layers.roles import READER_ROLE
from layers.tables import CLOSED_TABLES, PUBLIC_TABLES, Base

OLDEST_POSTGRES = 15
OLDEST_POSTGIS = (3, 3)
CLOCK_SKEW_S = 5.0
OLDEST_WAITING = dt.timedelta(minutes=5)
OLDEST_BASE = dt.timedelta(days=8)
GUARDED = tuple(sorted(Base.metadata.tables.keys() - PUBLIC_TABLES.keys() - CLOSED_TABLES.keys()))
"""Tables of which a caller without a scope may see no row."""


def check_database(settings: Settings) -> list[Finding]:
    """Whether the database answers, is new enough, up to date and closed to who may not read it."""
    hosted = settings.database_url is not None
    try:
        url = settings.open_database()
        with engine(url).connect() as connection:
            findings = [*check_versions(connection), *check_clock(connection)]
        if not hosted:
            findings += check_archive(settings.cluster(), dt.datetime.now(dt.UTC))
        current = schema_is_current(url)
        findings.append(
            Finding(
                "表结构 schema",
                current,
                "newest version" if current else "older than this program",
                "最新" if current else "版本落后",
                "wangge db migrate",
            )
        )
        if current:
            with engine(url).connect() as connection:
                findings += [
                    check_reader_role(connection),
                    check_row_security(connection),
                    check_leakproof(connection, hosted=hosted),
                    check_attachments(url, AttachmentStore(settings.attachments_place())),
                    *check_matters(connection, _matters_of(settings)),
                    *check_city_against_areas(connection, settings),
                    check_unplaced_sites(url),
                    *check_blind_spots(url, settings.models_folder()),
                ]
    except (LayerError, SQLAlchemyError) as error:
        reason = str(getattr(error, "orig", None) or error).strip()
        mend = "WANGGE_DATABASE_URL" if hosted else "wangge db status; wangge db start"
        return [Finding("数据库 database", False, reason, "数据库没有应答", mend)]
    return findings


def check_versions(connection: Connection) -> list[Finding]:
    """PostgreSQL and PostGIS of the server."""
    found = server_versions(connection)
    number, major = found.postgres, found.postgres // 10_000
    findings = [
        Finding(
            "数据库 database",
            major >= OLDEST_POSTGRES,
            f"PostgreSQL {major}.{number % 10_000}",
            f"PostgreSQL {major}.{number % 10_000}",
            f"a server >= {OLDEST_POSTGRES}",
        )
    ]
    if found.postgis is None:
        mend = "CREATE EXTENSION postgis (as a superuser), or `wangge db migrate`"
        return [*findings, Finding("PostGIS", False, "not in this database", "未启用", mend)]
    enough = tuple(int(part) for part in found.postgis.split(".")[:2]) >= OLDEST_POSTGIS
    return [*findings, Finding("PostGIS", enough, found.postgis, found.postgis, "PostGIS >= 3.3")]


def check_clock(connection: Connection) -> list[Finding]:
    """The server's clock against this machine's: events and deadlines are stamped by both."""
    skew_s = abs((dt.datetime.now(dt.UTC) - server_clock(connection)).total_seconds())
    seen = f"{skew_s:.1f} s apart (at most {CLOCK_SKEW_S:.0f})"
    zh = f"相差 {skew_s:.1f} 秒"
    return [Finding("数据库时钟 database clock", skew_s <= CLOCK_SKEW_S, seen, zh, "NTP on both machines")]


def check_archive(cluster: Cluster, now: dt.datetime) -> list[Finding]:
    """Archive of the log: it moves, and a base backup is not too old; nothing where none is wanted."""
    archive = cluster.archive
    if archive is None:
        return []
    state, known = archive_state(cluster.url, archive), base_backups(archive)
    faults = []
    if not state.is_on:
        faults.append(("the running server does not archive into it: start it anew", "数据库未归档，请重启"))
    if state.failing_since is not None:
        faults.append((f"it fails since {state.failing_since}", f"归档失败：{state.failing_since}"))
    if state.waiting_since is not None and now - state.waiting_since > OLDEST_WAITING:
        waiting = f"{state.waiting} segments wait since {state.waiting_since}"
        faults.append((waiting, f"{state.waiting} 个日志段等待归档"))
    if not known:
        faults.append(("there is no base backup: wangge db base-backup", "没有基础备份"))
    elif now - known[-1].finished_at > OLDEST_BASE:
        day = known[-1].finished_at.date()
        faults.append((f"the newest base backup is of {day}: wangge db base-backup", f"基础备份过旧：{day}"))
    seen = f"{archive}: " + ("; ".join(en for en, _ in faults) or "it moves")
    zh = "；".join(zh for _, zh in faults) or "正常"
    mend = f"the log of the database says why; is {archive} writable, has its disk room? · 查看数据库日志"
    return [Finding("日志归档 archive", not faults, seen, zh, mend)]


def check_reader_role(connection: Connection) -> Finding:
    """The role of every caller: under row-level security, and one that this login may take."""
    found = reader_role(connection)
    faults = ["does not exist"] if found is None else []
    if found is not None:
        faults += ["bypasses row-level security"] if found.bypasses else []
        faults += ["owns tables, and policies do not hold for owners"] if found.owns else []
        faults += [] if found.takes else ["cannot be taken by this login"]
    mend = f"ALTER ROLE {READER_ROLE} NOSUPERUSER NOBYPASSRLS; GRANT {READER_ROLE} TO <login>; or `wangge db migrate`"
    seen = f"{READER_ROLE} " + (", ".join(faults) or "is held by every policy")
    return Finding(
        "读取角色 reader role", not faults, seen, "受行级安全约束" if not faults else "角色设置有误", mend
    )


def check_row_security(connection: Connection) -> Finding:
    """Ask each guarded table as a caller without a scope: none may show a row."""
    found = row_security(connection, GUARDED)
    wrong = sorted({*found.off, *found.leaking})
    seen = (
        f"open to callers without a scope: {', '.join(wrong)}"
        if wrong
        else f"{len(GUARDED)} tables are closed"
    )
    if not wrong and found.filled:
        seen += f" (tried on rows of {', '.join(found.filled)})"
    zh = f"{len(wrong)} 张表未受保护" if wrong else f"{len(GUARDED)} 张表受保护"
    return Finding(
        "行级安全 row-level security", not wrong, seen, zh, "ALTER TABLE … ENABLE ROW LEVEL SECURITY"
    )


def check_leakproof(connection: Connection, *, hosted: bool) -> Finding:
    """Whether ``&&`` keeps its spatial index under a policy; a hosted server may forbid the mark."""
    mend = "as a superuser: ALTER FUNCTION geometry_overlaps(geometry, geometry) LEAKPROOF"
    if box_overlap_is_leakproof(connection):
        return Finding("空间索引 spatial index", True, "geometry_overlaps is LEAKPROOF", "策略下可用空间索引")
    seen = (
        f"geometry_overlaps is not LEAKPROOF: narrow scopes use the index on area_id and are slower; {mend}"
    )
    return Finding("空间索引 spatial index", hosted, seen, "策略下空间索引不可用，较慢", mend)


def check_attachments(url: str, store: AttachmentStore) -> Finding:
    """Whether the store has every attached file, unchanged; originals of files taken back too."""
    with session(SYSTEM, url) as db:
        digests = attached_digests(db)
    faults = [f"{digest[:12]}… {fault}" for digest, fault in store.faults(digests)]
    shown = ", ".join(faults[:5]) + (f", and {len(faults) - 5} more" if len(faults) > 5 else "")
    seen = f"{store.url}: " + (shown or f"{len(digests)} files are there, unchanged")
    zh = f"{len(faults)} 个附件缺失或已改动" if faults else f"{len(digests)} 个附件完好"
    mend = "restore them from the backup of the store (FILE.attachments) · 从附件备份恢复"
    return Finding("案件附件 attachments", not faults, seen, zh, mend)


def check_city_against_areas(connection: Connection, settings: Settings) -> list[Finding]:
    """Fields of the city file that contradict the stored city; a file with other faults is named apart."""
    try:
        faults = stored_faults(connection, read_city(settings.city_path()))
    except (WrongCityFile, FileNotFoundError):
        return []
    mend = f"edit {settings.city_path()} · 修改该文件"
    return [
        Finding(
            "城市与区划 city and areas",
            False,
            f"{fault.field}: {fault.reason_en}",
            f"{fault.field}：{fault.reason_zh}",
            mend,
        )
        for fault in faults
    ]


def _matters_of(settings: Settings) -> Mapping[str, str] | None:
    """The matters of the city file, which the next start puts into the database.

    None: there is no such file.
    """
    try:
        return read_city(settings.city_path()).matters
    except (WrongCityFile, FileNotFoundError):
        return None


def check_matters(connection: Connection, matters: Mapping[str, str] | None = None) -> list[Finding]:
    """Kinds of alerts whose matter the duty list lacks; no fault while nothing of a duty list is there."""
    missing = missing_matters(connection, matters)
    if not missing:
        return [Finding(_MATTERS, True, "every kind of alert can open cases", "各类预警均可立案")]
    listed = not duty_lists.is_empty(connection)
    findings = []
    for matter in missing:
        near = ", ".join(f"{code} {item}" for code, item in suggested_items(connection, matter))
        en, zh = matter.fault_en, matter.fault_zh
        if near:
            en, zh = f"{en}; similar: {near}", f"{zh}；相近事项：{near}"
        mend = f"wangge duties matter {matter.kind} ITEM_CODE; or wangge import duties FILE"
        if not listed:
            en, zh = f"{en}: the duty list is empty; {mend}", f"{zh}：权责清单为空"
        findings.append(Finding(_MATTERS, not listed, en, zh, mend))
    return findings


def check_unplaced_sites(url: str) -> Finding:
    """Sites of which only the address is known: no fault, but nothing looks at them."""
    with session(SYSTEM, url) as db:
        n = enterprises.count_unplaced(db)
    if not n:
        return Finding("企业场所 sites", True, "every site has a place", "场所均已定位")
    en = f"{n:,} sites have an address and no place, nothing looks at them: wangge sites unplaced"
    return Finding("企业场所 sites", True, en, f"{n:,} 个场所只有地址、尚未定位，不参与研判")


def check_blind_spots(url: str, models_folder: Path | None = None) -> list[Finding]:
    """Return the blind spots of a run over the newest data; a family that is wholly blind is a fault."""
    with session(SYSTEM, url) as db:
        try:
            spots = spots_before_run(db, days=RUN_DAYS, models_folder=models_folder)
        except InputError:
            return [Finding(_MODELS, True, "no data yet", "尚无数据", "")]
    if not spots:
        return [Finding(_MODELS, True, "every family of evidence can be judged", "各类依据均可研判")]
    return [Finding(_MODELS, not spot.is_whole, spot.en, spot.zh, _MEND[spot.family]) for spot in spots]


_MODELS = "模型盲区 blind spots of models"
_MEND = {
    "vehicles": "wangge import vehicles|tracks FILE",
    "meters": "wangge import meters FILE",
    "sites": "wangge import enterprises FILE",
    "licences": "wangge import licences FILE",
    "fences": "wangge import fences FILE",
    "models": "wangge import KIND FILE; wangge duties matter KIND ITEM_CODE",
}
_MATTERS = "预警事项 matters of alerts"
