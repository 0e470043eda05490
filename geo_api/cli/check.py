"""Findings of ``wangge check``: each with what was seen and how to mend it."""

from __future__ import annotations

import datetime as dt
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from geo_api.cases.chain_keys import ChainKeys, WrongChainKey
from geo_api.city_file import WrongCityFile, read_city
from geo_api.cli.finding import Finding
from geo_api.ground.base_maps import base_maps_of
from geo_api.http.settings import Settings
from layers.city import city_in_force
from layers.errors import LayerError
from layers.private_server import HOW_TO_INSTALL, Cluster, server_user
from maps.errors import ChromiumMissing
from maps.printing import find_chromium

DISTRIBUTION = "wangge"


@dataclass(frozen=True)
class Check:
    """One check with what it looks at."""

    function: Callable[..., list[Finding]]
    arguments: tuple[Cluster | Settings, ...] = ()


def check_installation(settings: Settings) -> list[Finding]:
    """Look at programs, folders, packages, the database and the clock.

    Returns
    -------
    list of Finding
        In the order in which they depend on each other. Nothing is changed, except that the private
        database is made and started if it is not there.
    """
    from geo_api.cli.check_database import check_database

    findings = [finding for check in _checks(settings) for finding in _guarded(check)]
    if all(finding.ok for finding in findings if finding.name in NEEDED_FOR_DATABASE):
        findings += check_database(settings)
    return findings


def _checks(settings: Settings) -> Iterator[Check]:
    yield Check(check_python)
    yield Check(check_packages)
    yield Check(check_front_end)
    yield Check(check_pictures)
    yield Check(check_printing, (settings,))
    yield Check(check_calendar)
    yield Check(check_city, (settings,))
    yield Check(check_base_maps, (settings,))
    yield Check(check_self_approval, (settings,))
    yield Check(check_chain_keys, (settings,))
    if settings.database_url is not None:
        return
    cluster = settings.cluster()
    yield Check(check_programs, (cluster,))
    yield Check(check_data_folder, (cluster,))
    yield Check(check_disk, (settings,))
    yield Check(check_socket, (cluster,))


CITY = "城市文件 city file"
NEEDED_FOR_DATABASE = ("PostgreSQL", "数据目录 data folder")


def _guarded(check: Check) -> list[Finding]:
    try:
        return check.function(*check.arguments)
    except (LayerError, OSError) as error:
        name = (check.function.__doc__ or "").partition("\n")[0].rstrip(".")
        return [Finding(name, False, str(error), "检查未能完成", "see the message · 见左")]


def check_python() -> list[Finding]:
    """Python."""
    version = ".".join(map(str, sys.version_info[:3]))
    return [Finding("Python", sys.version_info >= (3, 11), version, version, "Python >= 3.11")]


def check_packages() -> list[Finding]:
    """Python packages: what the distribution needs, and how far it is from the lock."""
    try:
        wrong = [*_unmet(metadata.requires(DISTRIBUTION) or [])]
    except metadata.PackageNotFoundError:
        seen = "run from a checkout that is not installed"
        return [
            Finding(
                "Python 依赖 packages", False, seen, "源码目录尚未安装", "scripts/setup, or `pip install .`"
            )
        ]
    differing = [*_off_the_lock(Path(__file__).parents[1] / "requirements.lock")]
    seen_en = "; ".join(wrong) or "all needed versions are installed"
    seen_zh = f"{len(wrong)} 个不满足要求" if wrong else "版本满足要求"
    if differing:
        shown = ", ".join(differing[:5]) + (" …" if len(differing) > 5 else "")
        seen_en += f"; {len(differing)} differ from requirements.lock: {shown}"
        seen_zh += f"，{len(differing)} 个与锁定文件不同"
    mend = "pip install --require-hashes -r requirements.lock"
    return [Finding("Python 依赖 packages", not wrong, seen_en, seen_zh, mend)]


def check_pictures() -> list[Finding]:
    """Pictures of evaluations. The library is an extra: without it everything else works."""
    if find_spec("matplotlib") is not None:
        return [Finding("评估绘图 pictures", True, "matplotlib is installed", "已安装 matplotlib")]
    seen = "`wangge evaluate` draws no pictures without matplotlib: pip install 'wangge[evaluate]'"
    return [Finding("评估绘图 pictures", True, seen, "未安装 matplotlib（可选），`wangge evaluate` 不绘图")]


def check_printing(settings: Settings) -> list[Finding]:
    """Reports as PDF. Chromium is optional: without it reports are HTML only; one that is named must be there."""
    name = "报告 PDF reports as PDF"
    try:
        chromium = find_chromium(settings.chromium)
    except ChromiumMissing as error:
        mend = "apt-get install chromium fonts-noto-cjk, or unset WANGGE_CHROMIUM · 安装或取消该设置"
        return [Finding(name, settings.chromium is None, error.message_en, error.message_zh, mend)]
    return [Finding(name, True, f"{chromium}", f"{chromium}")]


def _unmet(requirements: list[str]) -> Iterator[str]:
    for text in requirements:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{requirement.name} is missing"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version} is not {requirement.specifier}"


def _off_the_lock(lock: Path) -> Iterator[str]:
    if not lock.is_file():
        return
    for line in lock.read_text().splitlines():
        try:
            requirement = Requirement(line.rstrip("\\ ")) if line[:1].isalnum() else None
        except InvalidRequirement:
            continue
        if requirement is None or (requirement.marker is not None and not requirement.marker.evaluate()):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            continue  # part of an extra that is not installed
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{requirement.name} {version} ({requirement.specifier})"


def check_front_end() -> list[Finding]:
    """The map's files. Chinese letters are drawn with the browser's fonts: the server needs none."""
    page = resources.files("maps") / "web" / "dist" / "index.html"
    if page.is_file():
        return [Finding("地图页面 map", True, f"built: {page}", "已构建")]
    return [
        Finding(
            "地图页面 map",
            False,
            f"{page} is missing",
            "尚未构建",
            "scripts/setup, or `python hatch_build.py`",
        )
    ]


def check_calendar(today: dt.date | None = None) -> list[Finding]:
    """The clock and the calendar of working days, by which deadlines are counted."""
    import chinese_calendar

    day = today or dt.datetime.now(dt.UTC).date()
    built = dt.datetime.fromtimestamp(Path(__file__).stat().st_mtime, dt.UTC).date()
    findings = [
        Finding(
            "时钟 clock",
            day >= built - dt.timedelta(days=1),
            f"{day} (this program was installed on {built})",
            f"{day}（程序安装于 {built}）",
            "set the clock (timedatectl set-ntp true) · 校准系统时间",
        )
    ]
    try:
        chinese_calendar.is_workday(day)
    except NotImplementedError:
        seen = f"chinesecalendar knows no working days for {day.year}"
        mend = "pip install --upgrade chinesecalendar"
        return [*findings, Finding("工作日历 working days", False, seen, f"{day.year} 年工作日历缺失", mend)]
    return [*findings, Finding("工作日历 working days", True, f"{day.year} is known", f"{day.year} 年已知")]


def check_city(settings: Settings) -> list[Finding]:
    """City file."""
    path = settings.city_path()
    if not path.exists():
        zone = city_in_force().time_zone
        seen = (
            f"{path} is not there: days are counted in {zone}, the API offers no projected system of the city"
        )
        return [Finding(CITY, True, f"{seen}; wangge init writes it", f"尚无 {path}，可用 wangge init 生成")]
    try:
        city = read_city(path)
    except WrongCityFile as error:
        mend = f"edit {path} · 修改该文件"
        return [
            Finding(
                CITY, False, f"{fault.field}: {fault.reason_en}", f"{fault.field}：{fault.reason_zh}", mend
            )
            for fault in error.faults
        ]
    seen = f"{city.name} {city.code}, {city.time_zone}"
    return [Finding(CITY, True, seen, seen)]


def check_base_maps(settings: Settings) -> list[Finding]:
    """Base map: the local file can be served."""
    maps = base_maps_of(settings)
    if maps.problem:
        mend = "put a whole PMTiles file there, or unset WANGGE_BASE_MAP_FILE · 更换文件"
        return [Finding("底图 base map", False, maps.problem, "本地底图不可用", mend)]
    seen = ", ".join(str(document["url"]) for document in maps.documents) or "roads only"
    return [Finding("底图 base map", True, seen, f"{len(maps.documents)} 个底图")]


def check_self_approval(settings: Settings) -> list[Finding]:
    """Four eyes on change sets."""
    name = "变更审批 approval"
    if not settings.self_approval:
        seen = "nobody approves an own change set"
        return [Finding(name, True, seen, "任何人不得审批本人起草的变更")]
    seen = "WANGGE_SELF_APPROVAL lets everybody who edits areas approve what they drafted: for the demo only"
    zh = "WANGGE_SELF_APPROVAL 允许本人审批本人起草的变更，仅供演示"
    return [Finding(name, False, seen, zh, "unset WANGGE_SELF_APPROVAL · 取消该设置")]


def check_chain_keys(settings: Settings) -> list[Finding]:
    """The key that signs the heads of the chain."""
    name = "链签名密钥 chain key"
    folder = settings.chain_keys_folder()
    if not folder.exists():
        return [Finding(name, True, "made at the first start of the service", "首次启动服务时生成")]
    try:
        key_id = ChainKeys(folder).signer().key_id
    except WrongChainKey as error:
        return [Finding(name, False, str(error), "不可用", f"ls -l {folder}")]
    return [Finding(name, True, f"{key_id}, {folder}", key_id)]


def check_programs(cluster: Cluster) -> list[Finding]:
    """PostgreSQL."""
    try:
        binaries = cluster.binaries()
    except LayerError as error:
        return [Finding("PostgreSQL", False, str(error), "没有可用的 PostgreSQL + PostGIS", HOW_TO_INSTALL)]
    seen = f"PostgreSQL {binaries.major}, {binaries.folder}"
    return [Finding("PostgreSQL", True, seen, seen)]


def check_data_folder(cluster: Cluster) -> list[Finding]:
    """Data folder: there, writable, and open to the account that runs the server."""
    folder, user = cluster.data_dir, server_user()
    existing = next(place for place in (folder, *folder.parents) if place.is_dir())
    mend = f"mkdir -p {folder} && chown {os.geteuid()} {folder}, or set WANGGE_DATA_DIR"
    writable = os.access(existing, os.W_OK | os.X_OK)
    closed = [
        str(place) for place in (existing, *existing.parents) if not _may_enter(place, user.uid, user.gid)
    ]
    seen = f"{folder}" if writable else f"{existing} cannot be written by uid {os.geteuid()}"
    if closed:
        seen = f"{user.name} may not enter {', '.join(closed)}"
        mend = f"chmod o+x {' '.join(closed)}, or set WANGGE_DATA_DIR"
    zh = "可写" if writable and not closed else "不可用"
    return [Finding("数据目录 data folder", writable and not closed, seen, f"{zh}：{folder}", mend)]


def check_disk(settings: Settings) -> list[Finding]:
    """Disk of the data folder: above the warning's limit."""
    disk = settings.disk_space()
    free_gib, wanted_gib = disk.free_bytes() / 2**30, disk.warning_mib / 1024
    seen = f"{free_gib:.1f} GiB free (warning below {wanted_gib:.1f})"
    zh = f"剩余 {free_gib:.1f} GiB（低于 {wanted_gib:.1f} GiB 告警）"
    if disk.is_spent:
        seen += f"; below {disk.reserve_mib} MiB every write over HTTP is refused with 507"
        zh += f"；低于 {disk.reserve_mib} MiB，接口拒绝写入（507）"
    mend = "free some, or move WANGGE_DATA_DIR to a larger disk · 清理磁盘或更换数据目录"
    return [Finding("磁盘 disk", not (disk.is_low or disk.is_spent), seen, zh, mend)]


def _may_enter(folder: Path, uid: int, gid: int) -> bool:
    """Whether an account without root's rights may pass through a folder (supplementary groups aside)."""
    found = folder.stat()
    bit = 0o100 if found.st_uid == uid else 0o010 if found.st_gid == gid else 0o001
    return bool(found.st_mode & bit)


def check_socket(cluster: Cluster) -> list[Finding]:
    """Unix socket: a path that is too long is moved, which is worth knowing."""
    english = cluster.socket_reason.rpartition("。")[2] or str(cluster.socket_dir)
    chinese = cluster.socket_reason.partition("。")[0] or str(cluster.socket_dir)
    return [Finding("套接字 socket", True, english, chinese)]
