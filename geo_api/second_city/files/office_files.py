"""The city as its offices deliver it: other words, other coordinates, other files, and a few mistakes.

| office | delivers |
|---|---|
| surveyors | Shapefiles by level, metres of the zone, no column that says the level |
| market regulation | a workbook of enterprises with a two-row header, one row an enterprise, points in GCJ-02 |
| ecology | a list of closed plants with dates in every style |
| suppliers | bills, values of smart meters frozen at midnight, and which account stands where |
| operators of terminals | a file a day in local time: 甲 by terminal in WGS-84, 乙 by number plate in GCJ-02 |
| legal affairs | the duty list with merged cells and names of areas instead of codes |
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import shapely

from geo_api.second_city.credit_codes import with_wrong_check
from geo_api.second_city.enterprises import Enterprise, Site
from geo_api.second_city.files.registers import write_registers
from geo_api.second_city.files.written_files import new_sheet, save_workbook, write_csv, write_shapefile
from geo_api.second_city.land import gazetteer as names
from geo_api.second_city.land.coordinates import degrees, gcj02, geometry_in_gcj02
from geo_api.second_city.land.ground import XY
from geo_api.second_city.vehicles import FLEETS

if TYPE_CHECKING:
    from geo_api.second_city.city import SecondCity

SOURCES = Path(__file__).with_name("office_sources.toml")
"""City file that names everything that the offices deliver as sources."""
HAZARD_WORDS = {
    "none": "无",
    "chemical": "危险化学品",
    "explosive": "民爆物品",
    "gas": "燃气",
    "dust": "涉爆粉尘",
    "radioactive": "放射源",
    "other": "其他",
}
STATUS_WORDS = {"operating": "在营", "suspended": "停产", "closed": "关闭", "dismantled": "已拆除"}
SITE_WORDS = {"registered": "注册地", "production": "生产地", "sales": "销售地", "storage": "仓储地"}
METER_WORDS = {"power": "用电", "water": "用水", "gas": "用气"}
DOMAIN_WORDS = {
    "ecology": "生态环境",
    "urban": "城市管理",
    "transport": "交通运输",
    "agriculture": "农业农村",
    "culture_tourism": "文化旅游",
    "market": "市场监管",
}
LEVEL_WORDS = {"city": "市级", "county": "区县", "town": "乡镇街道"}
PLACE_WORDS = {
    "petrol": "加油站",
    "service_area": "服务区",
    "licensed_parking": "停车场",
    "gate_queue": "园区大门排队区",
}
NOTICE_WORDS = {
    "dismantling": "拆除",
    "maintenance": "检修",
    "remediation": "土壤修复",
    "fire_pump": "消防泵试运行",
    "sublet": "转租",
    "shared_meter": "共用表",
    "outage": "停电",
    "permit": "复产许可",
}


class Faults:
    """Mistakes in the delivered files, written down while it is made."""

    def __init__(self) -> None:
        self.all: list[dict[str, str]] = []

    def note(self, file: str, where: str, what: str) -> None:
        """Remember one fault."""
        self.all.append({"file": file, "where": where, "what": what})


def write_office(city: SecondCity, folder: Path, rng: np.random.Generator) -> list[dict[str, str]]:
    """Write every delivery and tell the faults in them."""
    folder.mkdir(parents=True, exist_ok=True)
    faults = Faults()
    _write_areas(city, folder / "区划", faults)
    _write_enterprises(city, folder / "企业名录.xlsx", faults)
    _write_sites(city, folder / "企业场所坐标.csv", faults)
    _write_closed(city, folder / "停产关闭企业台账.xlsx", rng)
    _write_meters(city, folder / "水电气", faults)
    _write_vehicles(city, folder / "车辆名单.xlsx")
    _write_tracks(city, folder / "轨迹", faults)
    _write_duties(city, folder / "权责清单.xlsx")
    write_registers(city.duties, folder / "名录")
    _write_small_lists(city, folder)
    (folder / "city.toml").write_bytes(SOURCES.read_bytes())
    return faults.all


def shifted(xy: XY) -> tuple[float, float]:
    """Longitude and latitude of public maps for a point in metres of the zone."""
    lon, lat = gcj02(degrees(np.array([xy])))[0]
    return round(float(lon), 6), round(float(lat), 6)


def _write_areas(city: SecondCity, folder: Path, faults: Faults) -> None:
    borders = city.borders
    files = {
        "市界": borders.of_kind("city"),
        "区县": borders.of_kind("county"),
        "乡镇街道": [a for a in borders.of_kind("town") if a.code in borders.towns],
        "社区村": borders.of_kind("community"),
        "单元网格": borders.of_kind("unit_grid"),
        "产业园区": borders.of_kind("functional_zone"),
        "水域": borders.of_kind("water"),
    }
    for name, areas in files.items():
        shapes = [area.shape for area in areas]
        if name == "单元网格":
            shapes[17] = _with_moved_vertex(shapes[17])
            faults.note(
                "区划/单元网格.shp",
                areas[17].code,
                "one vertex moved by 2.5 m: a gap and an overlap with the neighbour",
            )
        columns = {
            "区划代码": [area.code for area in areas],
            "名称": [area.name for area in areas],
            "上级代码": [area.parent_code for area in areas],
            "启用日期": [area.valid_from.strftime("%Y%m%d") for area in areas],
            "面积亩": [round(area.shape.area / 666.667, 1) for area in areas],
        }
        if name in ("社区村", "单元网格"):
            columns["户数"] = [area.households for area in areas]
        write_shapefile(folder / f"{name}.shp", columns, shapes)
    book, sheet = new_sheet("乡镇沿革表", "填报单位:砚川市民政局(示意)", 5)
    sheet.append(["新代码", "新名称", "原代码", "原名称", "变更日期"])
    for code, name in names.MERGED_FROM:
        sheet.append([names.MERGED_TOWN, "红井镇", code, name, names.MERGED_ON.strftime("%Y年%m月%d日")])
    sheet.merge_cells("A4:A5")
    sheet.merge_cells("B4:B5")
    save_workbook(book, folder / "乡镇沿革表.xlsx")


def _with_moved_vertex(shape: Any) -> Any:
    points = np.array(shape.exterior.coords)
    points[7] += (2.0, -1.5)
    return shapely.Polygon(points)


def _written_day(number: int, day: Any) -> Any:
    """Return a day in the style of whoever typed it."""
    styles = (
        day.strftime("%Y.%-m.%-d"),
        day.strftime("%Y年%-m月%-d日"),
        day.strftime("%Y/%-m/%-d"),
        day,
        day.strftime("%Y%m%d"),
    )
    return styles[number % len(styles)]


def _write_enterprises(city: SecondCity, path: Path, faults: Faults) -> None:
    """One row an enterprise: addresses by role, and one point; header over two rows, a sum at the end."""
    book, sheet = new_sheet(
        "砚川市重点企业名录(示意)", "填报单位:砚川市市场监督管理局    坐标来源:高德地图", 15
    )
    top = ["序号", "统一社会信用代码", "企业名称", "行业", "危险类别", "经营状态", "状态起始日"]
    sheet.append([*top, "所在地", None, "地址", None, None, None, "坐标", None])
    sheet.append(
        [None] * 7 + ["区县", "乡镇街道", "注册地址", "生产地址", "销售地址", "仓储地址", "经度", "纬度"]
    )
    for column in range(1, 8):
        sheet.merge_cells(start_row=3, start_column=column, end_row=4, end_column=column)
    for left, right in ((8, 9), (10, 13), (14, 15)):
        sheet.merge_cells(start_row=3, start_column=left, end_row=3, end_column=right)
    towns = {town.code: town.name for county in names.COUNTIES for town in county.towns}
    counties = {county.code: county.name for county in names.COUNTIES}
    for number, enterprise in enumerate(city.enterprises.all):
        first = enterprise.sites[0]
        addresses = {site.kind: site.address for site in enterprise.sites}
        point = shifted(first.xy) if first.xy else (None, None)
        row = [
            number + 1,
            enterprise.uscc,
            enterprise.name,
            enterprise.trade.name,
            HAZARD_WORDS[enterprise.trade.hazard],
            STATUS_WORDS[enterprise.status],
            _written_day(number, enterprise.status_since),
            counties[first.county],
            towns[first.town],
            *(addresses.get(kind) for kind in ("registered", "production", "sales", "storage")),
            *point,
        ]
        sheet.append(_spoilt(row, number, first, faults))
        if number == 61:
            sheet.append([number + 1, *row[1:5], "停产", *row[6:]])
            faults.note("企业名录.xlsx", enterprise.uscc, "listed twice, with another status the second time")
    last_row = ["合计", None, f"共{len(city.enterprises.all)}家"]
    sheet.append(last_row)
    save_workbook(book, path)


def _spoilt(row: list[Any], number: int, site: Site, faults: Faults) -> list[Any]:
    """Return the row with a mistake, if this is one of the rows that have one."""
    spoilt, code = list(row), str(row[1])
    what = ""
    if number == 70:
        spoilt[1], what = with_wrong_check(code), "wrong check character"
    elif number == 74:
        spoilt[1], what = f" {code[:9]} {code[9:].lower()}", "blanks and small letters in the credit code"
    elif number == 81:
        spoilt[1] = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in code)
        what = "digits of full width in the credit code"
    elif number in (66, 77) and site.xy:
        spoilt[13], spoilt[14], what = row[14], row[13], "longitude and latitude swapped"
    elif number in (60, 64, 68) and site.xy:
        lon, lat = degrees(np.array([site.xy]))[0]
        spoilt[13], spoilt[14] = round(float(lon), 6), round(float(lat), 6)
        what = "the point is WGS-84 and not of the public map like the others"
    elif number == 86:
        spoilt[7], what = "云屏县", "former name of the county"
    if what:
        faults.note("企业名录.xlsx", code, what)
    return spoilt


def _write_sites(city: SecondCity, path: Path, faults: Faults) -> None:
    rows = []
    for enterprise, site in city.enterprises.sites():
        point = shifted(site.xy) if site.xy else (None, None)
        words = (site.site_id, enterprise.uscc, enterprise.name, SITE_WORDS[site.kind], site.address)
        rows.append([*words, *point])
    place = next(n for n, row in enumerate(rows) if n > 40 and row[5])
    rows[place][5] = f"{rows[place][5]}°E"
    faults.note("企业场所坐标.csv", str(rows[place][0]), "a unit behind the longitude")
    header = ["场所编号", "统一社会信用代码", "企业名称", "场所类别", "地址", "经度(GCJ02)", "纬度(GCJ02)"]
    write_csv(path, header, rows)


def _write_closed(city: SecondCity, path: Path, rng: np.random.Generator) -> None:
    """Return the ecology office's own list, by name and not by code."""
    book, sheet = new_sheet("停产关闭企业台账", "填报单位:砚川市生态环境局(示意)    截至2026年3月1日", 6)
    sheet.append(["序号", "企业名称", "行业", "处置方式", "决定日期", "备注"])
    closed = [e for e in city.enterprises.all if e.status != "operating"]
    for number, place in enumerate(rng.permutation(len(closed))):
        enterprise: Enterprise = closed[int(place)]
        note = "夜间巡查" if number % 11 == 3 else None
        words = (enterprise.name, enterprise.trade.name, STATUS_WORDS[enterprise.status])
        sheet.append([number + 1, *words, _written_day(number + 1, enterprise.status_since), note])
    save_workbook(book, path)


def _write_meters(city: SecondCity, folder: Path, faults: Faults) -> None:
    owners = {site.site_id: (enterprise.name, site) for enterprise, site in city.enterprises.sites()}
    book, sheet = new_sheet("户号对照表", "填报单位:砚川市供电公司、水务公司、燃气公司", 6)
    sheet.append(["户号", "户名", "场所编号", "能源", "用户地址", "抄表方式"])
    for metered in city.enterprises.metered:
        name, site = owners[metered.site_id]
        supply = "智能表" if metered.meter.supply == "daily" else "人工抄表"
        sheet.append(
            [metered.account, name, site.site_id, METER_WORDS[metered.meter.kind], site.address, supply]
        )
    save_workbook(book, folder / "户号对照表.xlsx")
    for kind, word in METER_WORDS.items():
        _write_bills(city.bills.filter(pl.col("kind") == kind), folder / f"{word}月账单.csv", owners)
    _write_frozen(city.daily, folder / "智能表日冻结.csv", faults)


def _write_bills(of_kind: pl.DataFrame, path: Path, owners: dict[str, Any]) -> None:
    """Return a line a bill, with the index before and after; the day of reading stands in both bills beside it."""
    rows: list[list[Any]] = []
    index: dict[str, float] = {}
    for account, site_id, _, first, last, value, guessed in of_kind.sort("account", "first_day").iter_rows():
        before = index.get(account, float(int(account[-4:]) * 7))
        index[account] = before + value
        until = last + timedelta(days=1)
        period = (f"{first:%Y-%m-%d}", f"{until:%Y-%m-%d}")
        readings = (f"{before:.1f}", f"{index[account]:.1f}", 1, f"{value:.1f}")
        rows.append(
            [account, owners[site_id][0], f"{until:%Y%m}", *period, *readings, "估抄" if guessed else ""]
        )
    header = [
        "户号",
        "户名",
        "账期",
        "上次抄表日",
        "本次抄表日",
        "上次示数",
        "本次示数",
        "倍率",
        "用量",
        "备注",
    ]
    write_csv(path, header, rows)


def _write_frozen(daily: pl.DataFrame, path: Path, faults: Faults) -> None:
    """Values of smart meters, each under the midnight at which the day ended."""
    words = {"measured": "正常", "estimated": "估算", "missing": "未采集"}
    rows = [
        [account, f"{day + timedelta(days=1):%Y-%m-%d} 00:00:00", METER_WORDS[kind], value, words[quality]]
        for account, _, kind, day, value, quality in daily.iter_rows()
    ]
    faults.note(
        "水电气/智能表日冻结.csv",
        "every row",
        "the time is the midnight that ends the day: the use is of the day before",
    )
    write_csv(path, ["户号", "冻结时间", "能源", "日用量", "采集状态"], rows)


def _write_vehicles(city: SecondCity, path: Path) -> None:
    book, sheet = new_sheet("营运车船名单", "填报单位:砚川市交通运输局(示意)", 6)
    sheet.append(["序号", "号牌号码", "号牌颜色", "车辆类型", "终端号", "运营商"])
    for number, vehicle in enumerate(v for v in city.vehicles if v.listed):
        fleet = FLEETS[vehicle.fleet]
        plate = vehicle.plate if number % 5 else f"{vehicle.plate[:2]}·{vehicle.plate[2:]}"
        sheet.append(
            [number + 1, plate, fleet.color_words, fleet.words, vehicle.vehicle_id, vehicle.operator]
        )
    save_workbook(book, path)


def _write_tracks(city: SecondCity, folder: Path, faults: Faults) -> None:
    """Return a file a day and operator in local time; 乙 knows plates only and gives points of public maps."""
    about = pl.DataFrame(
        {
            "vehicle_id": [v.vehicle_id for v in city.vehicles],
            "operator": [v.operator for v in city.vehicles],
            "plate": [v.plate or v.vehicle_id for v in city.vehicles],
        }
    )
    local = city.fixes.join(about, on="vehicle_id").with_columns(
        local=pl.col("t").dt.convert_time_zone("Asia/Shanghai").dt.replace_time_zone(None)
    )
    shift = gcj02(local.select("lon", "lat").to_numpy())
    local = local.with_columns(
        gcj_lon=pl.Series(shift[:, 0]).round(6), gcj_lat=pl.Series(shift[:, 1]).round(6)
    )
    local = local.with_columns(
        day=pl.col("local").dt.date(), clock=pl.col("local").dt.strftime("%Y-%m-%d %H:%M:%S")
    )
    for (operator, day), part in sorted(local.group_by("operator", "day"), key=lambda group: str(group[0])):
        rows = part.sort("local", "vehicle_id")
        path = folder / str(operator) / f"{day:%Y%m%d}.csv"
        if operator == "甲":
            columns = {
                "vehicle_id": "终端号",
                "plate": "车牌号",
                "clock": "定位时间",
                "lon": "经度",
                "lat": "纬度",
            }
            columns |= {"speed_kmh": "速度", "heading_deg": "方向"}
        else:
            columns = {
                "clock": "时间",
                "plate": "车牌",
                "gcj_lon": "东经",
                "gcj_lat": "北纬",
                "speed_kmh": "车速(km/h)",
            }
        lines = rows.select(list(columns)).rename(columns)
        if day == city.fixes["t"].min().date() + timedelta(days=9):  # type: ignore[union-attr]
            lines = _with_bad_fixes(lines, operator == "甲", f"轨迹/{operator}/{path.name}", faults)
        path.parent.mkdir(parents=True, exist_ok=True)
        text = lines.write_csv(line_terminator="\r\n")
        path.write_bytes(text.encode("gb18030"))


def _with_bad_fixes(lines: pl.DataFrame, has_terminal: bool, file: str, faults: Faults) -> pl.DataFrame:
    """Return a day's file with five fixes twice, three without a position (0, 0), and the last rows first."""
    east, north = ("经度", "纬度") if has_terminal else ("东经", "北纬")
    nowhere = lines[40:43].with_columns(pl.lit(0.0).alias(east), pl.lit(0.0).alias(north))
    clock = "定位时间" if has_terminal else "时间"
    nowhere = nowhere.with_columns(pl.col(clock).str.replace(r"\d$", "7"))
    faults.note(file, "last lines", "five fixes twice, three at 0, 0; the last 50 lines stand first")
    return pl.concat([lines[-50:], lines[:-50], lines[100:105], nowhere])


def _write_duties(city: SecondCity, path: Path) -> None:
    """Return merged cells over the lines of a matter, areas by name."""
    book, sheet = new_sheet("砚川市综合执法权责清单(2026年版,示意)", "填报单位:砚川市司法局", 11)
    header = [
        "事项编码",
        "事项名称",
        "领域",
        "法律依据",
        "职权类别",
        "执法主体",
        "层级",
        "行使区域",
        "主办/协办",
    ]
    sheet.append([*header, "生效日期", "失效日期"])
    by_code = {area.code: area.name for area in city.borders.areas}
    lines = sorted(city.duties, key=lambda duty: duty.matter.code)
    for number, duty in enumerate(lines):
        matter = duty.matter
        again = number > 0 and lines[number - 1].matter.code == matter.code
        words = (matter.code, matter.name, DOMAIN_WORDS[matter.domain], matter.basis, matter.kind)
        until = _written_day(number + 1, duty.valid_to) if duty.valid_to else "长期"
        line = (
            duty.body,
            LEVEL_WORDS[duty.level],
            by_code[duty.area_code],
            "主办" if duty.role == "lead" else "协办",
        )
        sheet.append([*([None] * 5 if again else words), *line, _written_day(number, duty.valid_from), until])
    for code in dict.fromkeys(line.matter.code for line in lines):
        rows = [row for row, line in enumerate(lines, start=4) if line.matter.code == code]
        for column in range(1, 6):
            sheet.merge_cells(start_row=rows[0], end_row=rows[-1], start_column=column, end_column=column)
    save_workbook(book, path)


def _write_small_lists(city: SecondCity, folder: Path) -> None:
    names_of = {site.site_id: enterprise.name for enterprise, site in city.enterprises.sites()}
    book, sheet = new_sheet("合法停车场所清单", "填报单位:砚川市交通运输局(示意)    坐标:高德", 6)
    sheet.append(["序号", "名称", "类型", "经度", "纬度", "范围(米)"])
    for number, place in enumerate(city.places):
        sheet.append([number + 1, place.name, PLACE_WORDS[place.kind], *shifted(place.xy), place.radius_m])
    save_workbook(book, folder / "停车场所.xlsx")
    write_csv(
        folder / "企业报备.csv",
        ["企业名称", "场所编号", "报备事项", "起始日期", "终止日期(含)"],
        [
            [
                names_of[notice.site_id],
                notice.site_id,
                NOTICE_WORDS[notice.kind],
                f"{notice.valid_from:%Y/%m/%d}",
                f"{notice.valid_to - timedelta(days=1):%Y/%m/%d}" if notice.valid_to else "长期",
            ]
            for notice in city.notices
        ],
    )
    write_csv(
        folder / "电子围栏.csv",
        ["围栏编号", "名称", "规则", "陆域或水域", "范围(WKT,高德坐标)", "限停分钟", "依据"],
        [
            [
                fence.fence_id,
                fence.name,
                {"forbid_enter": "禁入", "forbid_leave": "禁出", "dwell_limit": "限停"}[fence.rule],
                {"land": "陆域", "water": "水域"}[fence.medium],
                shapely.to_wkt(geometry_in_gcj02(fence.shape), rounding_precision=6),
                fence.limit_s // 60 if fence.limit_s else None,
                fence.legal_basis,
            ]
            for fence in city.fences
        ],
    )
