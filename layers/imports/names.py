"""Names that offices give to columns and values; a city adds its own in ``import_names.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from layers.codes import to_half_width
from layers.errors import InputError
from layers.imports.columns import FILE_KINDS, Column, FileKind

COLUMN_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "code": ("XZQDM", "QHDM", "行政区划代码", "行政区代码", "区划代码", "编码", "代码", "adcode"),
        "name": ("XZQMC", "QHMC", "行政区划名称", "行政区名称", "区划名称", "单位名称"),
        "kind": ("类型", "种类", "区划级别", "车辆类型", "场所类型", "报备事项"),
        "parent_code": ("SJXZQDM", "SJDM", "上级行政区代码", "上级编码", "父级代码"),
        "valid_from": ("起始日期", "启用日期", "开始日期", "有效期起"),
        "valid_to": ("终止日期", "停用日期", "结束日期", "有效期止"),
        "households": ("总户数",),
        "uscc": ("信用代码", "社会信用代码", "统一信用代码", "信用编码"),
        "industry": ("行业类别", "所属行业", "行业名称"),
        "hazard": ("危险性类别", "危险源类别"),
        "status": ("企业状态", "登记状态", "状态"),
        "status_since": ("状态日期", "状态变更日期"),
        "site_id": ("场所编码", "点位编号", "场所ID"),
        "lon": ("经度", "X", "x坐标", "东经", "longitude", "lng", "jd"),
        "lat": ("纬度", "Y", "y坐标", "北纬", "latitude", "wd"),
        "boundary": ("WKT", "范围", "geometry"),
        "address": ("场所地址", "企业地址", "详细地址", "经营地址", "生产地址", "住所", "位置描述"),
        "vehicle_id": ("车辆ID", "车船编号", "终端编号", "终端号", "设备号"),
        "plate": ("车牌", "车牌号", "车牌号码", "号牌号码"),
        "plate_color": ("车牌颜色",),
        "area_code": ("行使区域", "所属区域代码"),
        "role": ("主办/协办", "主协办"),
        "rule": ("围栏规则",),
        "t": ("定位时间", "GPS时间", "上报时间", "时间戳"),
        "speed_kmh": ("速度", "车速", "speed"),
        "heading_deg": ("方向角", "航向", "heading", "course"),
        "radius_m": ("半径", "范围"),
        "day": ("日期", "读数日期"),
        "value": ("用量", "读数"),
        "fence_id": ("围栏ID",),
        "item_code": ("事项编号",),
        "legal_basis": ("依据", "实施依据"),
        "body": ("实施主体", "执法主体", "责任单位"),
        "phone": ("联系电话",),
        "certificate_no": ("证号", "执法证编号"),
    }
)
"""Other headings of a column, beside its own name and the Chinese one of the table of columns."""
VALUE_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "city": ("市", "市级", "设区市", "地级市", "城市", "市本级", "地市", "地市级"),
        "county": (
            "县",
            "区",
            "县级",
            "区级",
            "区县",
            "县区",
            "县(市、区)",
            "县级市",
            "县区级",
            "区县级",
            "县市区",
            "市辖区",
            "区(县)",
            "县(区)",
            "区(县)级",
        ),
        "town": (
            "镇",
            "乡",
            "街道",
            "乡镇",
            "镇街",
            "镇级",
            "乡镇(街道)",
            "镇(街道)",
            "乡镇街道",
            "街道办",
            "乡镇级",
            "街镇",
            "镇街级",
            "乡级",
            "街道级",
            "乡镇街道级",
            "乡镇(街道)级",
            "镇(街)",
        ),
        "community": (
            "社区",
            "村",
            "村居",
            "村(社区)",
            "社区(村)",
            "社区村",
            "行政村",
            "村社区",
            "村居级",
            "村级",
            "社区级",
            "村委会",
            "居委会",
            "村居委会",
            "村(居)",
            "村(居)委会",
        ),
        "unit_grid": ("单元网格", "网格", "基础网格"),
        "responsibility_grid": ("责任网格",),
        "evaluation_grid": ("评价网格", "考评网格"),
        "functional_zone": ("功能区", "园区", "开发区"),
        "chemical": ("化工", "危化品", "危险化学品", "化学", "化学品", "危化", "危险化学"),
        "explosive": ("爆炸物", "烟花爆竹", "民爆", "爆炸", "爆炸性", "民用爆炸物品"),
        "gas": ("燃气", "气", "用气", "天然气", "液化气"),
        "dust": ("粉尘", "涉粉", "涉爆粉尘", "粉尘涉爆"),
        "radioactive": ("放射性", "放射源", "辐射", "放射"),
        "none": ("无", "无危险", "不涉及", "无危险性"),
        "other": ("其他", "其它"),
        "operating": ("在营", "存续", "正常", "在业", "开业", "生产", "营业", "运营", "在产"),
        "suspended": ("停产", "停业", "歇业", "停工", "休业", "停产停业"),
        "closed": (
            "关闭",
            "关停",
            "已关闭",
            "注销",
            "吊销",
            "已关停",
            "已注销",
            "已吊销",
            "关停取缔",
            "取缔",
        ),
        "dismantled": ("拆除", "已拆除"),
        "registered": ("注册地", "注册地址", "登记地址", "登记", "注册", "登记场所", "注册场所"),
        "production": ("生产", "生产地", "生产场所", "厂区", "生产点", "生产车间", "工厂"),
        "sales": ("销售", "销售地", "经营", "经营地", "经营场所", "门店", "销售点", "营业场所", "销售场所"),
        "storage": ("仓储", "仓储地", "仓库", "储存", "库房", "储存场所", "仓储场所", "贮存", "储存地"),
        "hazmat": (
            "危货车",
            "危险品车",
            "危化品运输车",
            "危险货物运输车",
            "危险品",
            "危化品",
            "危货",
            "危险货物",
            "危货运输车",
            "危险品运输车",
            "危险货物车",
            "危货运输",
        ),
        "coach": ("客车", "班线客车", "包车", "客运", "大客车", "客运车", "客运车辆", "旅游客车", "旅游包车"),
        "vessel": ("船", "船舶"),
        "power": ("电", "用电"),
        "petrol": ("加油站", "加油加气站", "加气站"),
        "service_area": ("服务区", "高速服务区"),
        "licensed_parking": (
            "停车场",
            "危货车停车场",
            "许可停车场",
            "危险品停车场",
            "危险品车停车场",
            "货车停车场",
            "专用停车场",
        ),
        "gate_queue": ("门口排队", "厂门排队", "大门排队", "排队区", "门前排队"),
        "forbid_enter": ("禁入", "禁止进入"),
        "forbid_leave": ("禁出", "禁止驶出"),
        "dwell_limit": ("限停", "限时停留"),
        "land": ("陆域", "陆地"),
        "water": ("水", "用水", "水域", "河湖"),
        "dismantling": ("拆除施工", "拆除", "拆除工程"),
        "maintenance": ("检修", "维修", "设备检修", "停产检修", "维护"),
        "remediation": ("整改", "修复", "土壤修复", "场地修复", "污染治理"),
        "fire_pump": ("消防泵", "消防", "消防泵试验", "消防泵测试"),
        "sublet": ("转租", "出租", "租赁", "场地出租", "厂房出租", "出租转租"),
        "shared_meter": ("合表", "共用表", "共用表计", "共用电表", "合用表"),
        "outage": ("停电", "断电", "停电通知"),
        "permit": ("许可", "复工许可", "复产许可", "批准复工", "批准复产"),
        "measured": ("实测", "实抄"),
        "estimated": ("估算", "估抄"),
        "computed": ("推算",),
        "missing": ("缺失", "缺"),
        "working": ("上班", "工作日"),
        "off": ("休息", "放假", "节假日"),
        "ecology": ("生态环境", "生态环保"),
        "urban": ("城市管理", "城管"),
        "transport": ("交通运输", "交通"),
        "agriculture": ("农业农村", "农业"),
        "culture_tourism": ("文化旅游", "文旅", "文化和旅游"),
        "market": ("市场监管", "市场监督管理"),
        "full_time": ("专职", "全职"),
        "part_time": ("兼职",),
        "lead": ("牵头", "主办", "主管"),
        "joint": ("协办", "配合", "协同"),
        "yes": ("是", "有", "在岗", "y", "true"),
        "no": ("否", "无", "不在岗", "n", "false"),
    }
)
"""Words for the values of choices; a word counts only where its value is one of the column's choices."""
KIND_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "areas": ("区域", "行政区划", "区划", "网格"),
        "enterprises": ("企业名录", "企业"),
        "sites": ("企业场所", "场所", "点位"),
        "site_places": ("场所位置", "补充坐标", "补录坐标"),
        "vehicles": ("车辆", "车船"),
        "tracks": ("轨迹", "定位"),
        "meters": ("用电用水", "用电", "用水", "用气", "表计", "读数"),
        "places": ("停车场所", "正当停车场所"),
        "fences": ("电子围栏", "围栏"),
        "notices": ("企业报备", "报备"),
        "calendar": ("工作日历", "日历", "节假日"),
        "bodies": ("主体",),
        "duties": ("权责清单", "权责"),
        "officers": ("执法人员",),
        "matters": ("事项",),
        "grid_workers": ("网格员",),
        "grid_households": ("网格户数", "户数"),
        "roads": ("道路",),
        "waterways": ("河道", "水系"),
        "buildings": ("建筑物", "建筑"),
    }
)
"""Words with which the name of a file of a kind may begin, beside the kind's own name."""

_added: dict[str, dict[str, tuple[str, ...]]] = {"columns": {}, "values": {}}


def add_names(path: Path) -> None:
    """Take the names of a file ``import_names.toml`` for the rest of the process; a missing file adds none.

    It has a table ``[columns]`` of column → list of headings, and a table ``[values]`` of value → list of words.

    Raises
    ------
    InputError
        It is no such file, or names a column or value that no kind has.
    """
    given: dict[str, dict[str, tuple[str, ...]]] = {"columns": {}, "values": {}}
    if path.is_file():
        try:
            document = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {error} 不是有效的 TOML 文件") from error
        columns = [column for kind in FILE_KINDS.values() for column in kind.columns]
        known = {"columns": {c.name for c in columns}, "values": {v for c in columns for v in c.choices}}
        for table, names in document.items():
            if table not in known or not isinstance(names, dict):
                raise InputError(f"{path}: {table}: only [columns] and [values] 只能有 columns 和 values")
            for name, words in names.items():
                listed = isinstance(words, list) and all(isinstance(word, str) for word in words)
                if name not in known[table] or not listed:
                    raise InputError(
                        f"{path}: {table}.{name}: no such name, or no list of texts 名称未知或不是文本列表"
                    )
                given[table][name] = tuple(words)
    _added.update(given)


def plain_name(name: str | None) -> str:
    """Return a heading without brackets, stars, blanks and case, for comparison.

    Examples
    --------
    >>> plain_name("＊ 经度（度）"), plain_name(None)
    ('经度', '')
    """
    return re.sub(r"\(.*?\)|[*\s]", "", to_half_width(name or "")).lower()


def headings_of(column: Column) -> list[str]:
    """Return the headings under which a column is known, as :func:`plain_name` writes them; its own name first."""
    words = (*column.headings, *COLUMN_NAMES.get(column.name, ()), *_added["columns"].get(column.name, ()))
    return list(dict.fromkeys(plain_name(word) for word in words))


def columns_at(names: Sequence[object], kind: FileKind, *, cut: bool = False) -> dict[int, Column]:
    """Return the columns of a kind by the position of their heading.

    Parameters
    ----------
    names : sequence of str or None
        Headings of a file.
    kind : FileKind
    cut : bool
        The headings may be cut after ten bytes, as in a Shapefile.

    Raises
    ------
    InputError
        A column stands twice. A column under its own name counts before one under another name.

    Examples
    --------
    >>> found = columns_at(["序号", "经度", "LAT", "kind"], FILE_KINDS["places"])
    >>> {at: column.name for at, column in found.items()}
    {1: 'lon', 2: 'lat', 3: 'kind'}
    >>> columns_at([], FILE_KINDS["places"])
    {}
    """
    plain = [plain_name(None if name is None else str(name)) for name in names]
    found: dict[int, Column] = {}
    for column in kind.columns:
        headings = headings_of(column)
        own = [at for at, name in enumerate(plain) if name == column.name.lower()]
        others = [at for at, name in enumerate(plain) if name in headings[1:] and at not in found]
        if cut and not (own or others):
            forms = {
                column.name[:10].lower(),
                *(word[:n] for word in headings for n in (5, 3) if not word.isascii()),
            }
            others = [at for at, name in enumerate(plain) if name in forms and at not in found][:1]
        if len(own) > 1 or (not own and len(others) > 1):
            stand = ", ".join(str(names[at]) for at in (own or others))
            raise InputError(f"column {column.name} stands twice 列重复: {stand}")
        if at := own or others:
            found[at[0]] = column
    return dict(sorted(found.items()))


def words_of(column: Column) -> dict[str, str]:
    """Return the words that stand for the choices of a column.

    Examples
    --------
    >>> kind = FILE_KINDS["areas"].columns[2]
    >>> words_of(kind)["区县"], words_of(kind).get("加油站")
    ('county', None)
    """
    found: dict[str, str] = {}
    for value in column.choices:
        for word in (*VALUE_NAMES.get(value, ()), *_added["values"].get(value, ())):
            found.setdefault(to_half_width(word), value)
    return found | dict(getattr(column, "synonyms", {}))


def kind_of_name(name: str, kinds: Iterable[str] = FILE_KINDS) -> str | None:
    """Return the kind that the name of a file or folder begins with; None when it is none.

    Examples
    --------
    >>> kind_of_name("tracks_20261022.csv"), kind_of_name("权责清单（2026）.xlsx"), kind_of_name("tracksuit.csv")
    ('tracks', 'duties', None)
    >>> kind_of_name("") is None
    True
    """
    plain = to_half_width(name).lower()
    words = {word: kind for kind in kinds for word in (kind, *KIND_NAMES.get(kind, ()))}
    for word in sorted(words, key=len, reverse=True):
        rest = plain[len(word) :]
        if plain.startswith(word) and not (word.isascii() and rest[:1].isascii() and rest[:1].isalpha()):
            return words[word]
    return None
