"""Write the made raw files of docs/tutorial: a third small town that is nowhere, as its offices would deliver it.

The files stand in the repository; this says how they were made. The same bytes come out each time, as long as GDAL,
openpyxl and zlib keep their versions.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import math
import random
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pyproj import Transformer
from shapely import Point, Polygon, union_all

from geo_api.second_city.credit_codes import invented_code, with_wrong_check
from geo_api.second_city.files.written_files import new_sheet, save_workbook
from layers.codes.crs import wgs84_to_gcj02

OFFICES = Path(__file__).parent.parent / "docs" / "tutorial" / "offices"
EPSG = 4545
EAST_M, NORTH_M, CELL_M = 414_000.0, 2_972_000.0, 2_000.0
COLUMNS, ROWS = 6, 4
TO_DEGREES = Transformer.from_crs(EPSG, 4326, always_xy=True)
CHANCE = random.Random(15)
COUNTIES = {"521702": "临溪区", "521721": "云岭县"}
TOWNS = {0: ("521702001", "城关街道"), 1: ("521721100", "云岭镇"), 2: ("521721101", "石桥镇")}
VILLAGES = ("东门社区", "河湾社区", "云中村", "岭脚村", "石桥村", "长坡村")
FIRST_DAY, LAST_DAY = dt.date(2025, 1, 1), dt.date(2026, 2, 28)
RESUMED = dt.date(2026, 1, 20)
NIGHTS = [dt.date(2026, 2, 19) + dt.timedelta(days=n) for n in range(10)]

# name, trade, hazard, status, since (as written), kW h a day, m3 a day, cell
FIRMS = (
    ("恒泰化工厂", "化学原料", "化工", "关闭", "2025年6月10日", 5200, 310, (3, 2)),
    ("岭东染料厂", "染料", "化工", "关停", "2025/7/1", 3900, 260, (5, 3)),
    ("临溪涂料厂", "涂料", "化工", "停产", "2025.8.15", 2700, 120, (1, 3)),
    ("石桥农药厂", "农药", "危化品", "关闭", "20250520", 4400, 280, (4, 0)),
    ("青溪合成材料厂", "合成材料", "化工", "在营", "", 6100, 350, (4, 2)),
    ("云岭烟花厂", "烟花爆竹", "烟花爆竹", "在营", "", 800, 30, (5, 1)),
    ("临溪燃气站", "燃气供应", "燃气", "在营", "", 950, 12, (0, 2)),
    ("云岭木业", "木材加工", "粉尘", "在营", "", 1500, 25, (2, 1)),
    ("石桥面粉厂", "粮食加工", "粉尘", "在营", "", 1200, 18, (5, 0)),
    ("东门印刷厂", "印刷", "其他", "在营", "", 420, 9, (0, 3)),
    ("河湾酒厂", "白酒制造", "无", "在营", "", 700, 90, (1, 0)),
    ("云中茶业", "茶叶加工", "无", "在营", "", 260, 14, (2, 3)),
    ("长坡采石场", "采石", "民爆", "停产", "2025-11-03", 1900, 40, (4, 3)),
    ("岭脚机械厂", "机械加工", "无", "在营", "", 1100, 22, (3, 0)),
    ("青溪物流", "货运", "无", "在营", "", 300, 16, (2, 2)),
    ("城关食品厂", "食品", "无", "在营", "", 880, 75, (0, 1)),
)
SMART = range(5)
"""Firms with meters that are read each day; the others have bills."""
TRUCKS = (
    ("T6001", "桂Z10001", "黄牌", "危险货物运输车"),
    ("T6002", "桂Z10002", "黄牌", "危险货物运输车"),
    ("T6003", "桂Z10003", "黄牌", "危险货物运输车"),
    ("T6004", "桂Z10004", "黄牌", "危险货物运输车"),
    ("T6005", "桂Z20001", "黄牌", "客车"),
    ("T6006", "桂Z30001", "蓝牌", "其他"),
)


def corner(column: int, row: int) -> tuple[float, float]:
    """A corner of the lattice of unit grids, moved a little so that no border is straight."""
    moved = random.Random(f"{column}/{row}")
    return (
        round(EAST_M + column * CELL_M + moved.uniform(-350, 350), 2),
        round(NORTH_M + row * CELL_M + moved.uniform(-350, 350), 2),
    )


def cell(column: int, row: int) -> Polygon:
    at = ((column, row), (column, row + 1), (column + 1, row + 1), (column + 1, row))
    return Polygon([corner(*place) for place in at])


def place(column: int, row: int, part: float = 0.5) -> tuple[float, float]:
    """A place inside of a cell, in metres."""
    middle = cell(column, row).centroid
    return middle.x + (part - 0.5) * 900, middle.y + (part - 0.5) * 500


def degrees(x: float, y: float, *, gcj: bool) -> tuple[str, str]:
    lon, lat = TO_DEGREES.transform(x, y)
    if gcj:
        lon, lat = (float(value) for value in wgs84_to_gcj02(lon, lat))
    return f"{lon:.6f}", f"{lat:.6f}"


def areas() -> Iterator[tuple[str, str, str, str, Polygon]]:
    """Level, code, name, parent and outline of every area."""
    cells = {(c, r): cell(c, r) for c in range(COLUMNS) for r in range(ROWS)}
    yield "市", "521700", "青溪市", "", union_all(list(cells.values()))
    for code, name in COUNTIES.items():
        inside = [shape for (c, _), shape in cells.items() if TOWNS[c // 2][0].startswith(code)]
        yield "区县", code, name, "521700", union_all(inside)
    for number, (code, name) in TOWNS.items():
        inside = [shape for (c, _), shape in cells.items() if c // 2 == number]
        yield "乡镇街道", code, name, code[:6], union_all(inside)
    for number, name in enumerate(VILLAGES):
        column, upper = number // 2, number % 2
        town = TOWNS[column][0]
        members = [(c, r) for c in (2 * column, 2 * column + 1) for r in (2 * upper, 2 * upper + 1)]
        code = f"{town}{upper + 1:03d}"
        yield "社区村", code, name, town, union_all([cells[member] for member in members])
        for running, member in enumerate(members, start=1):
            yield "单元网格", f"{code}{running:03d}", f"{name}第{running}网格", code, cells[member]


def write_areas(folder: Path) -> None:
    """One Shapefile of all levels in a ZIP, in metres, field names and table in GBK."""
    import geopandas

    rows = list(areas())
    frame = geopandas.GeoDataFrame(
        {
            "XZQDM": [row[1] for row in rows],
            "XZQMC": [row[2] for row in rows],
            "级别": [row[0] for row in rows],
            "SJXZQDM": [row[3] or None for row in rows],
            "启用日期": ["20240101"] * len(rows),
        },
        geometry=[row[4] for row in rows],
        crs=EPSG,
    )
    with tempfile.TemporaryDirectory() as scratch:
        frame.to_file(
            Path(scratch) / "青溪市区划.shp",
            engine="pyogrio",
            encoding="GBK",
            layer_options={"DBF_DATE_LAST_UPDATE": "2026-03-02"},
        )
        zip_files(
            folder / "区划.zip", {path.name: path.read_bytes() for path in sorted(Path(scratch).iterdir())}
        )


def zip_files(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in members.items():
            entry = zipfile.ZipInfo(name, (2026, 3, 2, 9, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(entry, content)


def write_park(folder: Path) -> None:
    """A park of industry as GeoJSON that states its datum, CGCS2000."""
    shape = union_all([cell(3, 2), cell(4, 2)]).buffer(-250, join_style="mitre")
    ring = [[round(v, 7) for v in TO_DEGREES.transform(x, y)] for x, y in shape.exterior.coords]
    document = {
        "type": "FeatureCollection",
        "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4490"}},
        "features": [
            {
                "type": "Feature",
                "properties": {"代码": "QXYQ01", "名称": "云岭化工园区", "启用日期": "2024-01-01"},
                "geometry": {"type": "Polygon", "coordinates": [ring]},
            }
        ],
    }
    text = json.dumps(document, ensure_ascii=False, indent=1)
    (folder / "园区.geojson").write_text(text + "\n", encoding="utf-8")


def csv_bytes(rows: list[list[object]], encoding: str) -> bytes:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerows(rows)
    return written.getvalue().encode(encoding)


def write_rows(path: Path, rows: list[list[object]], encoding: str = "gb18030") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(csv_bytes(rows, encoding))


def write_book(path: Path, title: str, office: str, rows: list[list[object]]) -> None:
    book, sheet = new_sheet(title, f"填报单位：{office}（示意）", len(rows[0]))
    for row in rows:
        sheet.append(row)
    save_workbook(book, path)


def codes() -> list[str]:
    chance = np.random.default_rng(521700)
    return [invented_code(chance, "521702") for _ in FIRMS]


def write_market(folder: Path) -> None:
    """The register of enterprises, and where they stand in coordinates of a public map."""
    known = codes()
    heading = ["序号", "统一社会信用代码", "企业名称", "所属行业", "危险性类别", "登记状态", "状态变更日期"]
    rows: list[list[object]] = [heading]
    for number, (firm, uscc) in enumerate(zip(FIRMS, known, strict=True), start=1):
        rows.append([number, uscc, f"青溪市{firm[0]}（示意）", *firm[1:5]])
    write_book(folder / "企业名录.xlsx", "青溪市企业名录", "青溪市市场监督管理局", rows)
    rows = [["场所编号", "统一社会信用代码", "场所类型", "详细地址", "高德经度", "高德纬度"]]
    for number, (firm, uscc) in enumerate(zip(FIRMS, known, strict=True), start=1):
        at = degrees(*place(*firm[7]), gcj=True)
        rows.append([f"QX{number:03d}", uscc, "厂区", f"青溪市{firm[0]}厂区", *at])
    office = degrees(*place(0, 0, 0.8), gcj=True)
    rows.append(["QX101", known[4], "注册地址", "城关街道政务路 1 号", *office])
    write_rows(folder / "企业场所.csv", rows)


def use(number: int, day: dt.date, full: float) -> float:
    """Use of a day: full while at work, a twentieth at rest, more than half in the plant that works again."""
    name, _, _, status, since, *_ = FIRMS[number]
    chance = random.Random(f"{name}/{day}/{full}")
    weekend = 0.75 if day.weekday() >= 5 else 1.0
    share = weekend * chance.uniform(0.9, 1.1)
    if status != "在营":
        digits = "".join(part.zfill(2) for part in since.replace("年", "-").replace("月", "-").replace("日", "")
                         .replace("/", "-").replace(".", "-").split("-"))  # fmt: skip
        closed = dt.datetime.strptime(digits, "%Y%m%d").date()
        if number == 0 and day >= RESUMED:
            share = 0.6 * weekend * chance.uniform(0.9, 1.1)
        elif day >= closed:
            share = 0.04 * chance.uniform(0.8, 1.2)
        if number == 1 and day >= dt.date(2025, 12, 1):
            share += (
                0.05 * max(0.0, chance.gauss(1, 0.4)) if full > 1000 else 0.0
            )  # the guard heats the gatehouse
    return float(full * share)


def days() -> Iterator[dt.date]:
    day = FIRST_DAY
    while day <= LAST_DAY:
        yield day
        day += dt.timedelta(days=1)


def months() -> list[tuple[dt.date, dt.date]]:
    found = []
    first = FIRST_DAY
    while first <= LAST_DAY:
        following = (first + dt.timedelta(days=32)).replace(day=1)
        found.append((first, following))
        first = following
    return found


def write_suppliers(power: Path, water: Path) -> None:
    """Bills by account, a workbook of bills of water with a sheet a year, and smart meters in a ZIP."""
    accounts: list[list[object]] = [["户号", "户名", "场所编号"]]
    billed = [number for number in range(len(FIRMS)) if number not in SMART]
    for number in range(len(FIRMS)):
        accounts.append([f"0600{number + 1:04d}", f"青溪市{FIRMS[number][0]}", f"QX{number + 1:03d}"])
    write_book(power / "户号对照表.xlsx", "用电户号与场所对照表", "青溪市供电公司", accounts)
    for first, following in months():
        rows: list[list[object]] = [["户号", "用电月份", "电量(MWh)", "抄表方式"]]
        for number in billed:
            total = sum(use(number, d, FIRMS[number][5]) for d in days() if first <= d < following)
            rows.append([f"0600{number + 1:04d}", f"{first:%Y%m}", f"{total / 1000:.2f}", "实抄"])
        write_rows(power / "月账单" / f"用电账单{first:%Y%m}.csv", rows)
    write_smart(power / "智能表日电量.zip", 5, "日电量(kWh)")
    write_smart(water / "远传水表日用量.zip", 6, "日用水量(吨)")
    book, _ = new_sheet("2025年", "填报单位：青溪市水务公司（示意）", 4)
    sheets = {2025: book.active, 2026: book.create_sheet("2026年")}
    for sheet in sheets.values():
        assert sheet is not None
        sheet.append(["场所编号", "上次抄表日", "本次抄表日(含)", "用水量(吨)"])
    for first, following in months():
        sheet = sheets[first.year]
        for number in billed:
            total = sum(use(number, d, FIRMS[number][6]) for d in days() if first <= d < following)
            until = following - dt.timedelta(days=1)
            sheet.append([f"QX{number + 1:03d}", f"{first:%Y/%m/%d}", f"{until:%Y/%m/%d}", round(total)])
    save_workbook(book, water / "用水账单.xlsx")


def write_smart(path: Path, at: int, heading: str) -> None:
    rows: list[list[object]] = [["场所编号", "日期", heading]]
    for number in SMART:
        full = float(FIRMS[number][at])  # type: ignore[arg-type]
        rows += [
            [f"QX{number + 1:03d}", f"{day:%Y-%m-%d}", f"{use(number, day, full):.0f}"] for day in days()
        ]
    zip_files(path, {f"{path.stem}.csv": csv_bytes(rows, "gb18030")})


def trip(start: tuple[float, float], end: tuple[float, float], left: dt.datetime, stood_min: int, back: bool):
    """Fixes of a way there at 45 km/h, a stand, and the way back: time, place, speed."""
    length = math.dist(start, end)
    steps = max(2, round(length / (45_000 / 60 * 2)))
    clock = left
    for n in range(steps):
        part = n / steps
        yield clock, (start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])), 45
        clock += dt.timedelta(minutes=2)
    for _ in range(stood_min // 5 + 1):
        yield clock, (end[0] + CHANCE.gauss(0, 6), end[1] + CHANCE.gauss(0, 6)), 0
        clock += dt.timedelta(minutes=5)
    if back:
        yield from trip(end, start, clock, 10, back=False)


def write_transport(folder: Path) -> None:
    """The list of vehicles, places to park, and a file of fixes a day, in local time and by plate."""
    rows: list[list[object]] = [["终端号", "车牌号", "车牌颜色", "车辆类型"]]
    rows += [list(truck) for truck in TRUCKS]
    write_book(folder / "车辆名单.xlsx", "重点营运车辆名单", "青溪市交通运输局", rows)
    yard, petrol = place(2, 2, 0.9), place(4, 1, 0.5)
    rows = [["类别", "名称", "经度", "纬度", "半径(米)"]]
    rows.append(["停车场", "青溪物流停车场", *degrees(*yard, gcj=True), 150])
    rows.append(["加油站", "云岭加油站", *degrees(*petrol, gcj=True), 60])
    write_book(folder / "停车场所.xlsx", "危货车停车场与加油站", "青溪市交通运输局", rows)
    planted, open_plant, gas = (place(*FIRMS[n][7]) for n in (0, 4, 6))
    for number, day in enumerate(NIGHTS):
        fixes = []
        for truck in (0, 1, 2):
            if (number + truck) % 2 == 0:
                left = dt.datetime.combine(day, dt.time(22, 10 + 9 * truck))
                fixes += [(TRUCKS[truck][1], *fix) for fix in trip(yard, planted, left, 50, back=False)]
        for truck, goal, hour in (
            (3, open_plant, 9),
            (number % 3, open_plant, 14),
            (4, petrol, 7),
            (5, gas, 10),
        ):
            left = dt.datetime.combine(day, dt.time(hour, 5 + number))
            fixes += [(TRUCKS[truck][1], *fix) for fix in trip(yard, goal, left, 25, back=True)]
        rows = [["车牌号", "定位时间", "经度", "纬度", "速度"]]
        for plate, clock, at, speed in sorted(fixes, key=lambda fix: (fix[1], fix[0])):
            rows.append([plate, f"{clock:%Y-%m-%d %H:%M:%S}", *degrees(*at, gcj=True), speed])
        write_rows(folder / "轨迹" / f"轨迹_{day:%Y%m%d}.csv", rows)


def write_justice(folder: Path) -> None:
    """The duty list with codes of its own, words for roles and levels, merged cells of items."""
    bodies = {"521702": "临溪区", "521721": "云岭县"}
    items = (
        (
            "QX-HB-101",
            "责令停产关闭后擅自恢复生产",
            "生态环境",
            "环境保护法第六十条",
            "生态环境分局",
            "应急管理局",
        ),
        ("QX-HB-102", "擅自排放工业废水", "生态环境", "水污染防治法第八十三条", "生态环境分局", ""),
        ("QX-JT-201", "无证运输危险货物", "交通运输", "道路运输条例第六十四条", "交通运输局", "公安局"),
        ("QX-CG-301", "占用道路堆放物料", "城市管理", "城市道路管理条例第四十二条", "城市管理局", ""),
        ("QX-SC-401", "无照经营", "市场监管", "无证无照经营查处办法第十三条", "市场监督管理局", ""),
    )
    heading = ["事项编号", "事项名称", "领域", "实施依据", "职权类别", "实施主体", "层级", "区域代码", "主办/协办",
               "生效日期", "失效日期"]  # fmt: skip
    rows: list[list[object]] = [heading]
    spans = []
    for code, name, domain, basis, lead, joint in items:
        begun = len(rows)
        lines = [(f"{county}{lead}", "县级", area, "牵头") for area, county in bodies.items()]
        lines += [(f"{county}{joint}", "县级", area, "配合") for area, county in bodies.items() if joint]
        if code == "QX-CG-301":
            lines.append(("石桥镇综合执法队", "乡镇", "521721101", "牵头"))
        for line in lines:
            rows.append([code, name, domain, basis, "行政处罚", *line, "2024年7月1日", "长期"])
        spans.append((begun, len(rows) - 1))
    book, sheet = new_sheet("青溪市权责清单", "填报单位：青溪市司法局（示意）", len(heading))
    for row in rows:
        sheet.append(row)
    for begun, ended in spans:
        for column in range(1, 5):
            sheet.merge_cells(start_row=begun + 3, end_row=ended + 3, start_column=column, end_column=column)
    save_workbook(book, folder / "权责清单.xlsx")


def write_ecology(folder: Path) -> None:
    rows: list[list[object]] = [["场所编号", "报备事项", "起始日期", "终止日期(含)"]]
    rows.append(["QX003", "检修", "2026/2/1", "2026/2/28"])
    write_rows(folder / "企业报备.csv", rows)


def write_emergency(folder: Path) -> None:
    """Two files with faults: one by row, and one whose points were taken from a public map without a word of it."""
    chance = np.random.default_rng(7)
    good = [invented_code(chance, "521721") for _ in range(4)]
    rows: list[list[object]] = [["信用代码", "企业名称", "行业", "危险类别", "经营状态", "状态日期"]]
    rows.append([good[0], "云岭化工仓储（示意）", "仓储", "危化品", "在营", ""])
    rows.append([with_wrong_check(good[1]), "长坡炸药库（示意）", "仓储", "民爆", "在营", ""])
    rows.append([good[2], "石桥液氨站（示意）", "制冷", "危化品", "半停产", "2025-12-01"])
    rows.append([good[3], "临溪油库（示意）", "油品储存", "危化品", "停产", "2026年2月30日"])
    write_rows(folder / "危化企业补报.csv", rows)
    rows = [["场所编号", "信用代码", "场所类别", "经度", "纬度"]]
    for number, (firm, uscc) in enumerate(zip(FIRMS[:6], codes()[:6], strict=True), start=1):
        rows.append([f"QX{number:03d}", uscc, "厂区", *degrees(*place(*firm[7], 0.51), gcj=True)])
    rows.append(["QX102", good[0], "仓库", *degrees(*place(4, 2, 0.2), gcj=True)])
    write_rows(folder / "场所坐标复核.csv", rows)


def main() -> None:
    shutil.rmtree(OFFICES, ignore_errors=True)
    land = OFFICES / "自然资源局"
    land.mkdir(parents=True)
    write_areas(land)
    write_park(land)
    write_market(OFFICES / "市场监管局")
    write_suppliers(OFFICES / "供电公司", OFFICES / "水务公司")
    write_transport(OFFICES / "交通运输局")
    write_justice(OFFICES / "司法局")
    write_ecology(OFFICES / "生态环境局")
    write_emergency(OFFICES / "应急管理局")
    assert all(cell(*firm[7]).contains(Point(place(*firm[7]))) for firm in FIRMS), "every plant in its cell"


if __name__ == "__main__":
    main()
