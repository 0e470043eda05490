"""Registers of the second city as its legal affairs office keeps them: bodies, officers, matters.

Workbooks with titles and Chinese headings, a CSV in GB 18030, words for levels and domains, days in several
styles, a body that was renamed, officers whose certificate has ended, and one town without any officer.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

from geo_api.second_city.duties import BODIES, DEFAULT_FROM, MATTERS, RESUMPTION, Duty
from geo_api.second_city.files.written_files import new_sheet, save_workbook, write_csv
from geo_api.second_city.land import gazetteer as names

LEVEL_WORDS = {"city": "市级", "county": "区县", "town": "乡镇(街道)"}
DOMAIN_WORDS = {
    "ecology": "生态环境",
    "urban": "城市管理",
    "transport": "交通运输",
    "agriculture": "农业农村",
    "culture_tourism": "文化旅游",
    "market": "市场监管",
}
RENAMED = ("YCZT-001", "砚川市环境保护局", date(2024, 7, 1))
"""The ecology bureau of the city under its former name, until the duty list begins."""
TOWN_WITHOUT_OFFICERS = "621722101"
SURNAMES = "安鲍柴邓费关韩纪康路"
FIRST = date(2020, 1, 1)


def body_codes(duties: list[Duty]) -> dict[str, str]:
    """Code of every body that the duty list names; the city's ecology bureau is the first."""
    bodies = dict.fromkeys(duty.body for duty in duties)
    return {body: f"YCZT-{number:03d}" for number, body in enumerate(bodies, start=1)}


def write_registers(duties: list[Duty], folder: Path) -> None:
    """Write the three registers into a folder."""
    codes = body_codes(duties)
    _write_bodies(duties, codes, folder / "主体名录.xlsx")
    _write_officers(duties, codes, folder / "执法人员名册.csv")
    _write_matters(folder / "事项目录.xlsx")


def _write_bodies(duties: list[Duty], codes: dict[str, str], path: Path) -> None:
    book, sheet = new_sheet("行政执法主体名录", "填报单位：砚川市司法局（示意）", 8)
    sheet.append(["主体编码*", "主体名称", "简称", "层级", "区域代码", "领域", "上级主体编码", "生效日期"])
    first = next(iter(codes))
    code, former, until = RENAMED
    sheet.append([code, former, "", "市级", names.CITY_CODE, "生态环境", "", "2020年1月1日"])
    assert codes[first] == code and until == DEFAULT_FROM, "the renaming and the duty list fit"
    parents = {body.removeprefix("砚川市"): codes[body] for body in codes if body.startswith("砚川市")}
    for number, (body, code) in enumerate(codes.items()):
        lines = [duty for duty in duties if duty.body == body]
        domains = sorted({DOMAIN_WORDS[line.matter.domain] for line in lines if line.role == "lead"})
        parent = ""
        if lines[0].level == "county":
            kind = next((name for name in BODIES.values() if body.endswith(name)), "")
            parent = parents.get(kind.replace("分局", "局"), "")
        since = DEFAULT_FROM if body == first else FIRST
        written = (f"{since:%Y/%m/%d}", f"{since.year}年{since.month}月{since.day}日")[number % 2]
        sheet.append(
            [
                code,
                body,
                "",
                LEVEL_WORDS[lines[0].level],
                lines[0].area_code,
                "；".join(domains),
                parent,
                written,
            ]
        )
    save_workbook(book, path)


def _write_officers(duties: list[Duty], codes: dict[str, str], path: Path) -> None:
    header = [
        "执法证号",
        "姓名",
        "证件有效期起",
        "证件有效期止",
        "所属主体",
        "负责区域代码",
        "在岗",
        "电话",
        "生效日期",
    ]
    rows: list[list[object]] = []
    for body in codes:
        duty = next(duty for duty in duties if duty.body == body)
        if duty.area_code == TOWN_WITHOUT_OFFICERS:
            continue
        for place in range(6 if duty.level == "town" else 2):
            number = len(rows) + 1
            rows.append(
                [f"YC{number:05d}", f"{SURNAMES[number % 10]}{'一二三四五六'[place]}", "2021.3.1", "2031年2月28日",
                 body, duty.area_code, "否" if number % 9 == 0 else "是", f"0930-{number:06d}", "2021-03-01"]
            )  # fmt: skip
    write_csv(path, header, rows)


def _write_matters(path: Path) -> None:
    book, sheet = new_sheet("执法事项目录", "填报单位：砚川市司法局（示意）", 9)
    sheet.append(
        [
            "事项编码",
            "事项名称",
            "领域",
            "办结时限",
            "到场时限",
            "处置所需证据",
            "法制审核",
            "预警类型",
            "生效日期",
        ]
    )
    for matter in MATTERS:
        urgent = "；紧急 24小时" if matter.domain == "ecology" else ""
        kind = "illegal_resumption" if matter.code == RESUMPTION else ""
        review = "是" if matter.kind == "处罚" else "否"
        sheet.append(
            [matter.code, matter.name, DOMAIN_WORDS[matter.domain], f"20工作日{urgent}", "4工作小时", "photo；note",
             review, kind, f"{DEFAULT_FROM:%Y/%m/%d}"]
        )  # fmt: skip
    save_workbook(book, path)
