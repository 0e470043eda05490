"""Columns of all import files, for checks, templates and documentation."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Literal

from layers.codes import to_half_width
from layers.readings import KINDS
from layers.tables import AREA_KINDS, DOMAINS
from layers.tables.ground import BUILDING_KINDS, ROAD_KINDS, WATERWAY_KINDS
from layers.tables.registers import BODY_LEVELS, WORKER_POSTS

Dtype = Literal["text", "float", "date", "time", "moment", "wkt"]


@dataclass(frozen=True)
class TextForm:
    """Form of a text: a regular expression, the greatest length, and both in words."""

    pattern: str
    max_length: int
    zh: str
    en: str


VEHICLE_ID = TextForm(
    r"^[\p{L}\p{N}][\p{L}\p{M}\p{N}·._: -]*$",
    64,
    "只能由字母、汉字、数字和 - . _ · : 及空格组成，以字母或数字开头",
    "letters of any script, digits, - . _ · : and blanks, beginning with a letter or a digit",
)
"""Ids of vehicles: plates (``苏F·A1234``), terminals, IMEIs and addresses of devices fit.

What a spreadsheet, a path or a log would take for something else does not: ``=``, ``+``, ``@``, ``/``, control
characters.
"""


@dataclass(frozen=True)
class Column:
    """Column of an import file.

    Parameters
    ----------
    name : str
        Header in the file.
    dtype : {"text", "float", "date", "time", "moment", "wkt"}
        Type of a value. A time without zone is of the city's time zone; a moment is a time or a day.
    zh, en : str
        Meaning in Chinese and English.
    required : bool
        The header must be present.
    nullable : bool
        A value may be empty.
    choices : tuple of str
        Allowed values; empty: any.
    minimum, maximum : float or None
        Allowed range, both ends included.
    form : TextForm or None
        Form of a text; None: any.
    synonyms : mapping of str to str
        Other words for the choices.
    instead : str or None
        Column that may stand in the place of a required one.
    """

    name: str
    dtype: Dtype
    zh: str
    en: str
    required: bool = True
    nullable: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    form: TextForm | None = None
    future: bool = False
    synonyms: Mapping[str, str] = field(default_factory=dict)
    instead: str | None = None

    @property
    def axis(self) -> Literal["lon", "lat"] | None:
        """Coordinate that a column holds; None for other columns."""
        if self.dtype != "float":
            return None
        return {"lon": "lon", "lat": "lat"}.get(self.name.rpartition("_")[2])  # type: ignore[return-value]

    @property
    def headings(self) -> tuple[str, str, str]:
        """Accepted headers: the column's name, the Chinese name, and the Chinese name without its unit.

        Examples
        --------
        >>> Column("road_length_m", "float", "道路长度 m", "length of roads in it").headings
        ('road_length_m', '道路长度 m', '道路长度')
        """
        chinese = to_half_width(self.zh).split(",")[0]
        return self.name, chinese, chinese.split(" ")[0]


@dataclass(frozen=True)
class FileKind:
    """Kind of import file: its columns, its key and two example rows."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    examples: tuple[tuple[str, ...], ...]
    has_coordinates: bool = False
    zh: str = ""
    en: str = ""

    def lacking(self, named: Collection[str]) -> list[str]:
        """Return the required columns that are not among the named ones, nor what may stand in their place.

        Examples
        --------
        >>> sites = FILE_KINDS["sites"]
        >>> sites.lacking(["site_id", "uscc", "kind", "lon"]), sites.lacking(["site_id", "uscc", "kind", "address"])
        (['lat'], [])
        """
        return [c.name for c in self.columns if c.required and c.name not in named and c.instead not in named]


_LON = Column(
    "lon", "float", "经度，文件坐标系", "x in the file's CRS; a longitude in degrees for geographic ones"
)
_LAT = Column(
    "lat", "float", "纬度，文件坐标系", "y in the file's CRS; a latitude in degrees for geographic ones"
)
_USCC = Column(
    "uscc", "text", "统一社会信用代码", "unified social credit code, both check characters are tested"
)
_SITE = Column("site_id", "text", "场所编号", "id of the site, yours, unique")


def _optional(name: str, dtype: Dtype, zh: str, en: str, **more: Any) -> Column:
    return Column(name, dtype, zh, en, required=False, nullable=True, **more)


def _ground_kind(name: str, kinds: tuple[str, ...], zh: str, en: str, tag: str, *more: Column) -> FileKind:
    """Return the file kind of a layer of the ground; every column may be missing."""
    return FileKind(
        name,
        (
            _optional("source_id", "text", "来源编号", "id in the source; else file name and row"),
            _optional("name", "text", "名称", "name as people read it; `name:zh` before `name`"),
            _optional("name_en", "text", "英文名称", "English name; also `name:en`"),
            _optional(
                "kind",
                "text",
                "类别",
                f"also `{tag}` or `fclass` with the values of OpenStreetMap, or Chinese; unknown ones become"
                " `other` and are told",
                choices=kinds,
            ),
            *more,
        ),
        ("source_id",),
        (),
        zh=f"{zh}。OSM PBF、GeoPackage、Shapefile、GeoJSON 或 FlatGeobuf。",
        en=f"{en}: OSM PBF (`--crs wgs84`), GeoPackage, Shapefile, GeoJSON or FlatGeobuf.",
    )


YES_NO = ("yes", "no")


def _validity_column(name: str, *, nullable: bool = False) -> Column:
    meaning = (
        ("生效日期", "first day it holds")
        if name == "valid_from"
        else ("失效日期", "first day it no longer holds")
    )
    return Column(name, "date", *meaning, nullable=nullable)


def _confirmed() -> Column:
    return Column(
        "confirmed",
        "text",
        "已确认",
        "no: still to be confirmed; yes when empty",
        required=False,
        nullable=True,
        choices=YES_NO,
    )


def _optional_end() -> Column:
    return Column(
        "valid_to", "date", "失效日期", "first day it no longer holds", required=False, nullable=True
    )


EVIDENCE_KINDS = ("photo", "document", "measurement", "note")
LIMIT_MEANING = "time limit {}"
_LIMITED = (
    ("overall", "办结时限", "from the opening to the end"),
    ("verify", "核实时限", "of verification"),
    ("file", "立案时限", "of filing"),
    ("dispatch", "派遣时限", "of dispatch"),
    ("arrive", "到场时限", "of arrival"),
    ("dispose", "处置时限", "of disposal"),
    ("feed_back", "反馈时限", "of feedback"),
    ("review", "审核时限", "of legal review"),
    ("check", "核查时限", "of the check"),
    ("close", "结案时限", "of closing"),
)
HAZARDS = ("none", "chemical", "explosive", "gas", "dust", "radioactive", "other")
STATUSES = ("operating", "suspended", "closed", "dismantled")
SITE_KINDS = ("registered", "production", "sales", "storage")
VEHICLE_KINDS = ("hazmat", "coach", "vessel", "other")
METER_KINDS = KINDS
METER_KIND_WORDS = MappingProxyType(
    {
        "电": "power",
        "用电": "power",
        "水": "water",
        "用水": "water",
        "气": "gas",
        "用气": "gas",
        "燃气": "gas",
    }
)
QUALITIES = ("measured", "estimated", "computed", "missing")
QUALITY_WORDS = MappingProxyType(
    {
        **dict.fromkeys(("实测", "实抄", "抄见", "自动"), "measured"),
        **dict.fromkeys(("估算", "估抄", "估计", "预估"), "estimated"),
        **dict.fromkeys(("推算", "换算", "计算"), "computed"),
        **dict.fromkeys(("缺失", "缺", "未抄", "漏抄"), "missing"),
    }
)
PLACE_KINDS = ("petrol", "service_area", "licensed_parking", "gate_queue")
FENCE_RULES = ("forbid_enter", "forbid_leave", "dwell_limit")
_FENCE_NUMBERS = (
    ("buffer_m", "滞回缓冲 m，默认 30", "hysteresis in metres, 30 when empty", 0),
    ("enter_fixes", "确认进入的点数，默认 2", "fixes that confirm the begin, 2 when empty", 1),
    ("leave_fixes", "确认离开的点数，默认 2", "fixes that confirm the end, 2 when empty", 1),
    ("delay_s", "不足此秒数不报", "shorter breaches are not reported, seconds", 0),
    ("limit_s", "限停秒数，限停规则必填", "dwell limit in seconds, needed by dwell_limit", 0),
    ("below_speed_kmh", "仅计不超过此速度的点", "only fixes at most this fast count", 0),
)
NOTICE_KINDS = (
    "dismantling",
    "maintenance",
    "remediation",
    "fire_pump",
    "sublet",
    "shared_meter",
    "outage",
    "permit",
)

LICENCE_KINDS = ("production", "hazardous_storage", "hazardous_business", "waste", "fishing", "other")
LICENCE_WORDS = MappingProxyType(
    {
        "生产": "production", "危险储存": "hazardous_storage", "危险经营": "hazardous_business", "废物": "waste",
        "捕捞": "fishing", "其他": "other",
    }
)  # fmt: skip

FILE_KINDS: dict[str, FileKind] = {
    kind.name: kind
    for kind in (
        FileKind(
            "areas",
            (
                Column(
                    "code",
                    "text",
                    "区域代码",
                    "6, 9, 12 or 15 digits by kind; free for functional zones and water",
                ),
                Column("name", "text", "名称", "name as people read it"),
                Column("kind", "text", "类别", "what the area is", choices=AREA_KINDS),
                Column(
                    "parent_code", "text", "上级代码", "code of the parent; empty for the city", nullable=True
                ),
                _validity_column("valid_from"),
                Column(
                    "predecessor_codes",
                    "text",
                    "前身代码，分号分隔",
                    "codes of areas of the same kind that this one follows, by semicolon; they end where it begins",
                    required=False,
                    nullable=True,
                ),
                Column(
                    "households",
                    "float",
                    "户数",
                    "households in it",
                    required=False,
                    nullable=True,
                    minimum=0,
                ),
                Column(
                    "road_length_m",
                    "float",
                    "道路长度 m",
                    "length of roads in it",
                    required=False,
                    nullable=True,
                    minimum=0,
                ),
                *(
                    Column(
                        f"label_{name}",
                        "float",
                        f"标注点{zh}",
                        "of the label point in the file's CRS: told when it lies outside",
                        required=False,
                        nullable=True,
                    )
                    for name, zh in (("lon", "经度"), ("lat", "纬度"))
                ),
            ),
            ("code", "kind"),
            (),
            zh="区域、网格、水域。GeoPackage、GeoJSON、Shapefile 或 GeoParquet。",
            en="Areas, grids and water: GeoPackage, GeoJSON, Shapefile or GeoParquet with a polygon"
            " geometry.",
        ),
        FileKind(
            "enterprises",
            (
                _USCC,
                Column("name", "text", "企业名称", "registered name"),
                Column("industry", "text", "行业", "trade, free text"),
                Column("hazard", "text", "危险类别", "kind of hazard", choices=HAZARDS),
                Column("status", "text", "经营状态", "what the register says", choices=STATUSES),
                Column("status_since", "date", "状态起始日", "since when", nullable=True),
            ),
            ("uscc",),
            (("91990100MA1EXAMPL0", "示例化工有限公司", "chemicals", "chemical", "closed", "2025-06-30"),),
            zh="企业",
            en="Enterprises",
        ),
        FileKind(
            "sites",
            (
                _SITE,
                _USCC,
                Column("kind", "text", "场所类别", "what the site is", choices=SITE_KINDS),
                replace(_LON, nullable=True, instead="address"),
                replace(_LAT, nullable=True, instead="address"),
                Column(
                    "boundary",
                    "wkt",
                    "边界，WKT，可空",
                    "polygon in WKT, may be empty",
                    required=False,
                    nullable=True,
                ),
                _optional(
                    "address", "text", "地址", "address; a row may have it in the place of lon and lat"
                ),
            ),
            ("site_id",),
            (
                ("S-0001", "91990100MA1EXAMPL0", "production", "104.9245", "35.2563", "", ""),
                ("S-0002", "91990100MA1EXAMPL0", "storage", "", "", "", "示例县示例镇示例路8号"),
            ),
            has_coordinates=True,
            zh="企业场所；只有地址的行成为未定位场所",
            en="Sites of enterprises; a row with an address and no coordinates becomes a site without place",
        ),
        FileKind(
            "site_places",
            (
                _optional("site_id", "text", "场所编号", "the site; else `uscc`"),
                _optional(
                    "uscc",
                    "text",
                    "统一社会信用代码",
                    "of an enterprise with one site without place, which is meant",
                ),
                _LON,
                _LAT,
            ),
            ("site_id", "uscc"),
            (
                ("S-0002", "", "104.9312", "35.2601"),
                ("", "91990100MA1EXAMPL0", "104.9312", "35.2601"),
            ),
            has_coordinates=True,
            zh="场所位置：为未定位的场所补充坐标",
            en="Places of sites: coordinates for sites that were imported without",
        ),
        FileKind(
            "vehicles",
            (
                Column(
                    "vehicle_id",
                    "text",
                    "车辆编号",
                    f"id of the vehicle, yours, unique: {VEHICLE_ID.en}; {VEHICLE_ID.max_length} characters"
                    " at most",
                    form=VEHICLE_ID,
                ),
                Column("plate", "text", "号牌", "number plate", nullable=True),
                Column(
                    "plate_color",
                    "text",
                    "号牌颜色",
                    "JT/T 697.7: blue yellow black white green other",
                    nullable=True,
                ),
                Column("kind", "text", "车辆类别", "what the vehicle is", choices=VEHICLE_KINDS),
            ),
            ("vehicle_id",),
            (("V-001", "京A12345", "yellow", "hazmat"),),
            zh="车辆与船舶",
            en="Vehicles and vessels",
        ),
        FileKind(
            "tracks",
            (
                Column(
                    "vehicle_id",
                    "text",
                    "车辆编号",
                    "a vehicle not registered yet becomes one of kind other",
                    form=VEHICLE_ID,
                ),
                Column("t", "time", "时间", "ISO 8601; without a zone in the city's"),
                _LON,
                _LAT,
                Column(
                    "speed_kmh",
                    "float",
                    "速度 km/h",
                    "speed",
                    required=False,
                    nullable=True,
                    minimum=0,
                    maximum=1500,
                ),
                Column(
                    "heading_deg",
                    "float",
                    "方向",
                    "0 is north, clockwise",
                    required=False,
                    nullable=True,
                    minimum=0,
                    maximum=360,
                ),
            ),
            ("vehicle_id", "t"),
            (("V-001", "2026-10-01T08:00:00+08:00", "104.9245", "35.2563", "35", "90"),),
            has_coordinates=True,
            zh="轨迹点（Parquet、CSV）",
            en="Fixes of vehicles (Parquet, CSV)",
        ),
        FileKind(
            "meters",
            (
                _SITE,
                Column(
                    "kind",
                    "text",
                    "表计类别",
                    "power in kWh, water and gas in m³; also 电, 水, 气",
                    choices=METER_KINDS,
                    synonyms=METER_KIND_WORDS,
                ),
                _optional("day", "date", "日期", "local day that the value is the use of"),
                _optional("value", "float", "用量", "use of the interval; empty when missing", minimum=0),
                _optional(
                    "quality",
                    "text",
                    "质量",
                    "how the value came about; also 实测 or 实抄, 估算 or 估抄, 推算, 缺失; measured when empty",
                    choices=QUALITIES,
                    synonyms=QUALITY_WORDS,
                ),
                _optional(
                    "meter_id", "text", "表号", "number of the meter, where a site has several of a kind"
                ),
                _optional("from", "moment", "起", "a time, or a day, which begins at 00:00"),
                _optional(
                    "to",
                    "moment",
                    "止，不含",
                    "end of the interval, not in it: of September 2026-10-01",
                ),
                _optional(
                    "month", "text", "月份，如 2026-09", "month of a bill: `2026-09`, 202609 or 2026年9月"
                ),
                _optional(
                    "period", "text", "账期，如 2026-09/2026-10", "month or months of a bill, both included"
                ),
                _optional("at", "moment", "抄表时刻", "when `register` was read; uses are the differences"),
                _optional("register", "float", "示数", "cumulative register of the meter at `at`", minimum=0),
                _optional(
                    "unit",
                    "text",
                    "单位",
                    "kWh, 度, MWh, 万kWh; m³, L, 万m³, for water 吨; kWh and m³ when empty",
                ),
            ),
            ("site_id", "kind", "meter_id", "day", "from", "to", "month", "period", "at"),
            (
                ("S-0001", "power", "2026-10-01", "1520.5", "measured", "", "", "", "", "", "", "", ""),
                ("S-0001", "water", "2026-10-01", "", "missing", "", "", "", "", "", "", "", ""),
                ("S-0001", "gas", "", "310", "measured", "", "", "", "2026-09", "", "", "", "m³"),
            ),
            zh="用电用水用气读数：日、时段、账期或示数（CSV、Parquet），见 [meters.md](meters.md)",
            en="Readings of meters by day, interval, billing period or register (CSV, Parquet), see"
            " [meters.md](meters.md)",
        ),
        FileKind(
            "places",
            (
                Column("kind", "text", "类别", "why vehicles stand there", choices=PLACE_KINDS),
                _LON,
                _LAT,
                Column("radius_m", "float", "半径 m", "reach in metres", minimum=1, maximum=5000),
            ),
            ("kind", "lon", "lat"),
            (("petrol", "104.93", "35.26", "60"),),
            has_coordinates=True,
            zh="正当停车场所",
            en="Places where vehicles stand for good reasons",
        ),
        FileKind(
            "fences",
            (
                Column("fence_id", "text", "围栏编号", "id of the fence, yours, unique"),
                Column("name", "text", "名称", "name as people read it"),
                Column("rule", "text", "规则：禁入、禁出、限停", "what it forbids", choices=FENCE_RULES),
                Column(
                    "boundary",
                    "wkt",
                    "边界，WKT（几何文件中为几何）",
                    "polygon in WKT; of a geometry file its geometry",
                ),
                _optional(
                    "medium",
                    "text",
                    "陆域或水域",
                    "applies to vehicles or to vessels",
                    choices=("land", "water"),
                ),
                *(
                    _optional(name, "float", zh, en, minimum=least, maximum=1e9)
                    for name, zh, en, least in _FENCE_NUMBERS
                ),
                _optional(
                    "vehicle_kinds",
                    "text",
                    "适用车船类别，分号分隔",
                    "kinds it applies to, by semicolon: " + ", ".join(VEHICLE_KINDS),
                ),
                _optional(
                    "vehicle_ids", "text", "适用车船编号，分号分隔", "vehicles it applies to, by semicolon"
                ),
                _optional(
                    "times",
                    "text",
                    "生效时段，JSON: weekly 每周、yearly 每年、spans 起止",
                    "when it holds, JSON with weekly, yearly, spans, zone; empty: always",
                ),
                _optional("legal_basis", "text", "依据", "law and article"),
                _optional(
                    "exempt_vehicle_ids",
                    "text",
                    "获准车船编号（专项捕捞、科研、执法），分号分隔",
                    "vehicles with leave (special permits, surveys, patrols), by semicolon: they raise no alert",
                ),
            ),
            ("fence_id",),
            (
                (
                    "F-001",
                    "长江禁渔区",
                    "forbid_enter",
                    "POLYGON ((104.8 35.1, 104.9 35.1, 104.9 35.2, 104.8 35.2, 104.8 35.1))",
                    "water",
                    "30",
                    "2",
                    "2",
                    "300",
                    "",
                    "8",
                    "vessel",
                    "",
                    '{"yearly": [["05-01T12:00", "08-16T12:00"]]}',
                    "长江保护法第五十三条",
                    "YZ-01",
                ),
                (
                    "F-002",
                    "危化品停车限时区",
                    "dwell_limit",
                    "POLYGON ((104.92 35.25, 104.93 35.25, 104.93 35.26, 104.92 35.26, 104.92 35.25))",
                    "land",
                    "",
                    "",
                    "",
                    "",
                    "1800",
                    "",
                    "hazmat",
                    "",
                    '{"weekly": [{"days": [1, 2, 3, 4, 5, 6, 7], "from": "22:00", "to": "06:00"}]}',
                    "",
                    "",
                ),
            ),
            has_coordinates=True,
            zh="电子围栏（CSV 含 WKT，或 GeoPackage、GeoJSON、Shapefile、GeoParquet）",
            en="Fences (CSV with WKT, or GeoPackage, GeoJSON, Shapefile, GeoParquet).",
        ),
        FileKind(
            "notices",
            (
                _SITE,
                Column("kind", "text", "报备类别", "what was registered", choices=NOTICE_KINDS),
                _validity_column("valid_from"),
                _validity_column("valid_to", nullable=True),
            ),
            ("site_id", "kind", "valid_from"),
            (("S-0001", "dismantling", "2026-09-01", "2026-12-01"),),
            zh="报备",
            en="Registered reasons for use at a closed site",
        ),
        FileKind(
            "licences",
            (
                _optional(
                    "uscc",
                    "text",
                    "统一社会信用代码",
                    "of the enterprise: the licence holds for all its sites",
                ),
                _optional(
                    "site_id", "text", "场所编号", "the one site that it holds for; then `uscc` may be empty"
                ),
                Column(
                    "licence_kind",
                    "text",
                    "许可类别",
                    "what it allows; also 生产, 危险储存, 危险经营, 废物, 捕捞, 其他",
                    choices=LICENCE_KINDS,
                    synonyms=LICENCE_WORDS,
                ),
                Column("number", "text", "许可证号", "number of the licence"),
                _validity_column("valid_from"),
                _validity_column("valid_to", nullable=True),
                _optional("note", "text", "备注", "note"),
            ),
            ("uscc", "site_id", "licence_kind", "number", "valid_from"),
            (
                (
                    "91990100MA1EXAMPL0",
                    "S-0001",
                    "hazardous_storage",
                    "危化储-001",
                    "2026-01-01",
                    "2029-01-01",
                    "",
                ),
                ("91990100MA1EXAMPL0", "", "production", "安许-17", "2024-06-01", "", "示例"),
            ),
            zh="许可证：企业或其某一场所获准从事的活动",
            en="Licences: what an enterprise, or one of its sites, is allowed to do",
        ),
        FileKind(
            "calendar",
            (
                Column("day", "date", "日期", "day", future=True),
                Column("kind", "text", "上班或休息", "worked or off", choices=("working", "off")),
                _optional("name", "text", "节日名称", "name of the holiday"),
            ),
            ("day",),
            (("2027-01-01", "off", "元旦"), ("2027-01-03", "working", "")),
            zh="工作日历：法定节假日与调休上班日，优先于已安装的日历；仅由文件给出的年份，其余日期按周一至周五上班",
            en="Calendar: holidays and worked days, before the installed calendar; in a year that only files know,"
            " other days are worked from Monday to Friday",
        ),
        FileKind(
            "bodies",
            (
                Column("code", "text", "主体编码", "code of the body, yours; the same for all its versions"),
                Column("name", "text", "主体名称", "full name"),
                _optional("short_name", "text", "简称", "short name"),
                _optional("former_names", "text", "曾用名，分号分隔", "former names, by semicolon"),
                Column("level", "text", "层级", "level of the body", choices=BODY_LEVELS),
                _optional("area_code", "text", "区域代码", "area in which it may act"),
                _optional(
                    "domains", "text", "领域，分号分隔", f"domains, by semicolon: {', '.join(DOMAINS)}"
                ),
                _optional("parent_code", "text", "上级主体编码", "code of the superior"),
                _optional("phone", "text", "电话", "telephone of the office"),
                _validity_column("valid_from"),
                _optional_end(),
                _confirmed(),
            ),
            ("code", "valid_from"),
            (
                (
                    "ZT-001",
                    "示例县生态环境局",
                    "县生态局",
                    "示例县环境保护局",
                    "county",
                    "990121",
                    "ecology",
                    "",
                    "",
                    "2024-01-01",
                    "",
                    "",
                ),
            ),
            zh="主体登记簿（部门、镇政府）。同一编码的后一版本自生效日起取代前一版本，原名称自动列为曾用名。",
            en="Register of bodies. A later version of a code ends the former one on its first day; another name keeps"
            " the former one as a former name.",
        ),
        FileKind(
            "duties",
            (
                Column("item_code", "text", "事项编码", "code of the item"),
                Column("item", "text", "事项名称", "name of the item"),
                Column("domain", "text", "领域", "one of the six domains", choices=DOMAINS),
                Column("legal_basis", "text", "法律依据", "law and article"),
                Column("kind", "text", "职权类别", "kind of power: penalty, coercion, inspection …"),
                Column("body", "text", "主体", "who may act"),
                Column("level", "text", "层级", "level of the body", choices=("city", "county", "town")),
                Column("area_code", "text", "区域代码", "where it may act"),
                Column("role", "text", "角色", "leads or joins", choices=("lead", "joint")),
                _validity_column("valid_from"),
                _validity_column("valid_to", nullable=True),
            ),
            ("item_code", "body", "area_code", "role", "valid_from"),
            (
                (
                    "SX-0001",
                    "疑似非法复工",
                    "ecology",
                    "环境保护法",
                    "检查",
                    "示例县生态环境局",
                    "county",
                    "990121",
                    "lead",
                    "2024-01-01",
                    "",
                ),
            ),
            zh="权责清单",
            en="Duty list",
        ),
        FileKind(
            "officers",
            (
                Column("certificate_no", "text", "执法证号", "number of the certificate of enforcement"),
                Column("name", "text", "姓名", "name"),
                _optional("certificate_from", "date", "证件有效期起", "first day of the certificate"),
                _optional("certificate_to", "date", "证件有效期止", "last day of the certificate"),
                Column(
                    "body_code", "text", "所属主体", "code or name of the body, as in the register of bodies"
                ),
                _optional("area_codes", "text", "负责区域代码，分号分隔", "codes of areas, by semicolon"),
                _optional("domains", "text", "领域，分号分隔", "domains, by semicolon"),
                _optional("on_duty", "text", "在岗", "on duty, yes when empty", choices=YES_NO),
                _optional("phone", "text", "电话", "telephone"),
                _optional("username", "text", "账户", "the account of the officer"),
                _validity_column("valid_from"),
                _optional_end(),
            ),
            ("certificate_no", "valid_from"),
            (
                (
                    "ZF990121001",
                    "示例",
                    "2024-01-01",
                    "2029-12-31",
                    "ZT-001",
                    "990121",
                    "ecology",
                    "yes",
                    "",
                    "",
                    "2024-01-01",
                    "",
                ),
            ),
            zh="执法人员登记簿。个人信息。",
            en="Register of officers, personal data.",
        ),
        FileKind(
            "matters",
            (
                Column("item_code", "text", "事项编码", "code of the item, as in the duty list"),
                Column("name", "text", "事项名称", "name"),
                _optional("name_en", "text", "英文名称", "name in English"),
                Column("domain", "text", "领域", "one of the six domains", choices=DOMAINS),
                *(
                    _optional(f"limit_{stage}", "text", zh, LIMIT_MEANING.format(en))
                    for stage, zh, en in _LIMITED
                ),
                _optional(
                    "suspension_stops_clock",
                    "text",
                    "中止停表",
                    "a suspension stops the clock, yes when empty",
                    choices=YES_NO,
                ),
                _optional(
                    "extension_days_at_most",
                    "float",
                    "最长延期天数",
                    "days of extension at most, 0 when empty",
                    minimum=0,
                    maximum=3650,
                ),
                _optional(
                    "evidence",
                    "text",
                    "处置所需证据，分号分隔",
                    f"what a disposal needs, by semicolon: {', '.join(EVIDENCE_KINDS)}",
                ),
                _optional("legal_review", "text", "法制审核", "legal review, no when empty", choices=YES_NO),
                _optional(
                    "duplicate_radius_m",
                    "float",
                    "重复判定半径 m",
                    "distance of duplicates",
                    minimum=0,
                    maximum=1e5,
                ),
                _optional(
                    "duplicate_days", "float", "重复判定天数", "days of duplicates", minimum=0, maximum=3650
                ),
                _optional(
                    "public", "text", "公示", "decided cases are published, no when empty", choices=YES_NO
                ),
                _optional("alert_kind", "text", "预警类型", "alerts of this kind open cases of the matter"),
                _optional("keywords", "text", "关键词，分号分隔", "words of reports, by semicolon"),
                _validity_column("valid_from"),
                _optional_end(),
                _confirmed(),
            ),
            ("item_code", "valid_from"),
            (
                (
                    "SX-0001",
                    "疑似非法复工",
                    "Suspected illegal resumption",
                    "ecology",
                    "15工作日；紧急 3工作日",
                    "",
                    "",
                    "",
                    "24小时",
                    "",
                    "",
                    "",
                    "",
                    "",
                    "yes",
                    "30",
                    "photo;note",
                    "yes",
                    "200",
                    "30",
                    "no",
                    "illegal_resumption",
                    "复工；冒烟",
                    "2024-01-01",
                    "",
                    "",
                ),
            ),
            zh="事项登记簿：时限、证据、法制审核、重复判定、公示。时限写法：`15工作日`、`24小时`、`8工作小时`、`30自然日`，紧急情形以分号续写"
            "“紧急 24小时；特急 2小时”。",
            en="Register of matters. Limits are written `15 working_days`, `24 natural_hours`, `8 working_hours`,"
            " `30 natural_days` or in Chinese, urgent cases behind a semicolon: `15工作日; urgent 24小时`.",
        ),
        FileKind(
            "grid_workers",
            (
                Column("worker_no", "text", "网格员编号", "number of the grid worker"),
                Column("name", "text", "姓名", "name"),
                Column(
                    "area_codes",
                    "text",
                    "负责网格编码，分号分隔",
                    "codes of unit grids or of communities that the worker looks after, by semicolon",
                ),
                Column("post", "text", "岗位", "full or part time", choices=WORKER_POSTS),
                _optional("on_duty", "text", "在岗", "on duty, yes when empty", choices=YES_NO),
                _optional("phone", "text", "电话", "telephone"),
                _validity_column("valid_from"),
                _optional_end(),
            ),
            ("worker_no", "valid_from"),
            (("WG990121001", "示例", "990121001001001", "full_time", "yes", "", "2024-01-01", ""),),
            zh="网格员登记簿。个人信息。",
            en="Register of grid workers, personal data.",
        ),
        FileKind(
            "grid_households",
            (
                Column("grid_code", "text", "网格编码", "code of the unit grid"),
                Column("households", "float", "户数", "households in it", minimum=0, maximum=1e6),
                _optional("residents", "float", "人口", "residents in it", minimum=0, maximum=1e7),
                _validity_column("valid_from"),
                _optional_end(),
            ),
            ("grid_code", "valid_from"),
            (("990121001001001", "420", "1130", "2024-01-01", ""),),
            zh="网格户数登记簿。变更网格边界后，新网格的户数按面积随之划分，直至重新登记。",
            en="Register of the households of unit grids. After a change of borders households follow the land until"
            " somebody counts again.",
        ),
        _ground_kind(
            "roads",
            ROAD_KINDS,
            "道路（线）",
            "Roads, as lines",
            "highway",
            _optional("ref", "text", "道路编号", "number of the road"),
            _optional("oneway", "text", "单行", "yes, or -1 against the direction of the line"),
        ),
        _ground_kind(
            "waterways",
            WATERWAY_KINDS,
            "河道中心线",
            "Waterways, as lines",
            "waterway",
            _optional("width_m", "float", "宽度 m", "width in metres; also `width`", minimum=0, maximum=1e5),
        ),
        _ground_kind(
            "buildings",
            BUILDING_KINDS,
            "建筑物（面）",
            "Buildings, as polygons",
            "building",
            _optional("levels", "float", "层数", "storeys; also `building:levels`", minimum=0, maximum=300),
            _optional(
                "height_m", "float", "高度 m", "height in metres; also `height`", minimum=0, maximum=1e4
            ),
        ),
    )
}
"""All file kinds by name, in the order in which a folder is imported."""
