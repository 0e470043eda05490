"""Decoys: closed enterprises that only look as if they worked, or that may."""

from __future__ import annotations

from typing import Any

from geo_api.demo_city.kinds.stories import Beside, Kind, Meter, Other, Paper, Visits, Works

_IDLE_WATER = Meter(idle=(0.005, 0.03))
_ALL_DAYS = Visits("hazmat", starts="window", where="beside")


def _place(name: str, zh: str, en: str, shows: str, beside: Beside, visits: Visits) -> Kind:
    """Tell of a closed site at rest beside a place where vehicles stand for good reasons."""
    return Kind(name, zh, en, False, shows, ("vehicles",), beside=beside, visits=(visits,))


def _meters(
    name: str,
    zh: str,
    en: str,
    shows: str,
    power: Meter | None = None,
    water: Meter | None = None,
    **more: Any,
) -> Kind:
    """Tell of a closed site at rest whose meters look odd; nobody comes."""
    families = () if "blind" in more else ("meters",)
    return Kind(
        name, zh, en, False, shows, families, power=power or Meter(), water=water or _IDLE_WATER, **more
    )


_AT_REST: tuple[Kind, ...] = (
    Kind("quiet", "静止", "at rest", False, "nothing"),
    Kind("quiet_no_hazard", "静止、无危险类别", "at rest, no hazard entered", False, "nothing", hazard="none"),
    Kind("quiet_undated", "静止、关闭日期缺失", "at rest, date of closing missing", False, "nothing", dated=False),
    Kind(
        "quiet_bills", "静止、月账单", "at rest, monthly bills", False, "nothing", blind=("meters",), supply="monthly"
    ),
    Kind(
        "no_data", "无数据", "no data", False, "nothing: no reading since the closing, nobody comes",
        blind=("meters",), power=Meter(fault="removed"), water=Meter(fault="removed"),
    ),
    Kind(
        "quiet_recent", "静止、刚关闭", "at rest, closed lately", False, "the fall of the use at the closing",
        closed_days=(15, 39), start_days=(5, 10),
    ),
)  # fmt: skip
_OF_METERS: tuple[Kind, ...] = (
    _meters(
        "heating_season", "采暖季门卫取暖", "heating of the gatehouse",
        "power follows the cold; no water", Meter(others=(Other("heating", (0.08, 0.17)),)),
    ),
    _meters(
        "cooling", "空调", "air conditioning", "power follows the heat",
        Meter(others=(Other("cooling", (0.06, 0.14)),)),
    ),
    _meters(
        "frost_protection", "防冻循环泵", "frost protection", "power and water on frosty days only",
        Meter(others=(Other("frost", (0.1, 0.2)),)), Meter(idle=(0.005, 0.02), others=(Other("frost", (0.06, 0.15)),)),
    ),
    _meters(
        "guards_and_pumps", "门卫与水泵", "guards and pumps", "the same tenth of the power since the closing",
        Meter(idle=(0.1, 0.19)), Meter(idle=(0.03, 0.08)),
    ),
    _meters(
        "leak", "水管渗漏", "a leak", "water all day and night, more from one day on; no power, nobody",
        water=Meter(idle=(0.005, 0.02), others=(Other("leak", (0.2, 0.6)),)),
    ),
    _meters(
        "trend", "缓慢上升", "a slow trend", "idle power that doubles over a year",
        Meter(idle=(0.02, 0.05), others=(Other("trend", (0.04, 0.09)),)),
    ),
    _meters(
        "fire_drill", "消防演练", "fire drills", "power and water on one day a week",
        Meter(others=(Other("drill", (0.08, 0.18)),)), Meter(idle=(0.005, 0.02), others=(Other("drill", (0.3, 0.8)),)),
        papers=(Paper("fire_pump", (0, 10), None, since_closing=True),),
    ),
    _meters(
        "solar_feed_in", "屋顶光伏", "solar feed-in", "power follows the sun, by day; the meter counts both directions",
        Meter(others=(Other("sun", (0.1, 0.25)),)),
    ),
    _meters(
        "estimated_months", "数月估算读数", "estimates for months", "estimates as before the closing",
        Meter(fault="old_estimates"), Meter(idle=(0.005, 0.02), fault="old_estimates"), blind=("meters",),
    ),
    _meters("meter_swap", "换表", "meter swapped", "a register that begins anew on the day of the swap", Meter(fault="swap"), supply="register"),
    _meters(
        "rollover", "表计翻转", "register rolled over", "a register that goes over all its nines", water=Meter(idle=(0.005, 0.03), fault="rollover"),
        supply="register",
    ),
    _meters(
        "unit_jump", "单位变化", "unit changed", "exactly ten times from one day on", Meter(fault="unit"),
        Meter(idle=(0.005, 0.03)),
    ),
    _meters("mistyped", "录入错误", "a mistyped reading", "a hundred times on one day", Meter(fault="typo")),
)  # fmt: skip
_OF_VEHICLES: tuple[Kind, ...] = (
    _place(
        "drivers_home", "司机住在厂旁", "a driver lives beside the plant",
        "one truck stands 60 to 200 m away, on most nights, from evening to morning",
        Beside("home", (60, 200)),
        Visits("hazmat", clock=(18, 20), minutes=(600, 700), crew=(1, 1), where="beside", starts="window", share=0.9),
    ),
    _place(
        "petrol_station", "旁边是加油站", "petrol station beside", "many trucks, each for some minutes, at a listed place",
        Beside("petrol", (60, 150)),
        Visits("hazmat", clock=(6, 20), minutes=(9, 25), crew=(8, 14), at_once=(2, 4), where="beside", starts="window"),
    ),
    _place(
        "service_area", "旁边是服务区", "service area beside", "many trucks rest at a listed place",
        Beside("service_area", (140, 260)),
        Visits("lorries", clock=(0, 23), minutes=(20, 90), crew=(8, 14), at_once=(2, 4), where="beside", starts="window"),
    ),
    _place(
        "licensed_parking", "旁边是停车场", "licensed parking beside", "lorries over night at a listed place",
        Beside("licensed_parking", (120, 240)),
        Visits("hazmat", clock=(18, 22), minutes=(400, 560), crew=(5, 8), at_once=(1, 3), where="beside", starts="window"),
    ),
    _place(
        "gate_queue", "园区大门排队", "queue at a gate", "waits of 10 to 55 minutes at a listed gate",
        Beside("gate_queue", (120, 240)),
        Visits("hazmat", "workdays", (7, 16), (10, 55), (6, 12), (2, 4), where="beside", starts="window"),
    ),
    _place(
        "open_neighbour", "货是送给隔壁的", "the open neighbour's deliveries",
        "trucks inside an open plant of the same trade, which uses power as ever",
        Beside("open_site", (110, 230), "chemical"),
        Visits("hazmat", "workdays", (7, 17), (35, 120), (4, 7), (1, 2), where="beside", starts="window"),
    ),
    _place(
        "operator_outage", "运营商中断", "an operator's outage",
        "trucks on the road were last seen near it when all of that operator fell silent, for two days",
        Beside("open_site", (150, 280), "chemical"),
        Visits("outage", "outage", (0, 0), (60, 120), (3, 5), (2, 4), where="road", starts="window"),
    ),
    _place(
        "road_closed", "封路排队一周", "a road closed for a week", "many trucks queue on the road for one week only",
        Beside("queue", (40, 110)),
        Visits("hazmat", "daily", (7, 18), (25, 80), (8, 14), (3, 5), where="beside", lasts_days=(6, 8)),
    ),
    Kind(
        "level_crossing", "道口与地磅", "level crossing", False, "many short stops on the road, both ways",
        ("vehicles",), visits=(
            Visits("hazmat", clock=(6, 20), minutes=(3, 9), crew=(8, 12), at_once=(2, 4), where="road", starts="window"),
        ),
    ),
    Kind(
        "scrap_pickup", "废料清运一次", "scrap fetched once", False, "one lorry on one day", ("vehicles",),
        visits=(Visits("lorries", "once", crew=(1, 2), at_once=(1, 2), minutes=(40, 150)),),
    ),
)  # fmt: skip
_ON_PAPER: tuple[Kind, ...] = (
    Kind(
        "dismantling", "拆除，已报备", "dismantling, registered", False,
        "power by day and flatbeds inside the registered time", ("meters", "vehicles"),
        power=Meter(works=(Works((0.12, 0.3), "workdays", hours="day"),)), water=_IDLE_WATER,
        visits=(Visits("flatbeds", "workdays", at_once=(1, 2), minutes=(90, 240)),), papers=(Paper("dismantling"),),
    ),
    Kind(
        "dismantling_unregistered", "拆除，未报备", "dismantling, not registered", False,
        "little power on working days, flatbeds that leave full; nothing dangerous comes, no water",
        ("meters", "vehicles"), power=Meter(works=(Works((0.08, 0.16), "workdays", hours="day"),)), water=_IDLE_WATER,
        visits=(Visits("flatbeds", "workdays", (8, 15), (90, 240), (2, 3), share=0.7),),
        hard="no notice: only the sort of vehicle and the hours tell",
    ),
    Kind(
        "remediation", "土壤修复，已报备", "remediation, registered", False,
        "pumps, washing water and lorries inside the registered time", ("meters", "vehicles"),
        power=Meter(works=(Works((0.15, 0.3), "workdays"),)), water=Meter((0.005, 0.02), (Works((0.2, 0.5), "workdays"),)),
        visits=(Visits("lorries", "workdays", at_once=(1, 2), minutes=(30, 90)),), papers=(Paper("remediation"),),
    ),
    Kind(
        "maintenance", "检修，已报备", "maintenance, registered", False,
        "three weeks of a third of the power inside the registered time", ("meters", "vehicles"),
        power=Meter(works=(Works((0.2, 0.4), "workdays", lasts_days=(14, 24)),)), water=_IDLE_WATER,
        visits=(Visits("vans", "workdays", lasts_days=(14, 24)),), papers=(Paper("maintenance", ends=(26, 60)),),
    ),
    Kind(
        "maintenance_unregistered", "检修，未报备", "maintenance, not registered", False,
        "one week of some power by day, a van or two", ("meters", "vehicles"),
        power=Meter(works=(Works((0.08, 0.18), "workdays", lasts_days=(5, 8), hours="day"),)), water=_IDLE_WATER,
        visits=(Visits("vans", "workdays", lasts_days=(5, 8), minutes=(60, 240)),),
        hard="no notice: short, small and by day",
    ),
    Kind(
        "permit", "已获复产许可", "opened again with a permit", False,
        "works fully from the first day of the permit; the register is late", ("meters", "vehicles"),
        power=Meter(works=(Works((0.5, 0.95)),)), water=Meter((0.005, 0.03), (Works((0.45, 0.9)),)),
        visits=(Visits("hazmat", "second", crew=(2, 5)),), papers=(Paper("permit", (-8, 0), (300, 700)),),
    ),
    Kind(
        "sublet", "转租，已报备", "let, registered", False,
        "steady power since the lease began, vans", ("meters", "vehicles"),
        power=Meter(works=(Works((0.2, 0.5)),)), water=Meter((0.005, 0.03), (Works((0.05, 0.15)),)), start_days=(40, 100),
        visits=(Visits("vans", "workdays", minutes=(15, 60), starts="window"),), papers=(Paper("sublet", ends=None),),
    ),
    Kind(
        "shared_meter", "共用表计，已报备", "shared meter, registered", False,
        "the power of the open neighbour; his trucks stand at his", ("meters", "vehicles"),
        power=Meter(works=(Works((0.4, 0.9), starts="closing"),)), water=_IDLE_WATER,
        visits=(Visits("hazmat", "workdays", where="beside", starts="window", share=0.6),),
        papers=(Paper("shared_meter", (0, 5), None, since_closing=True),), beside=Beside("open_site", (120, 230), "chemical"),
    ),
    Kind(
        "film_shooting", "拍摄，已报备", "film shooting, registered", False,
        "ten days of power in the evening, vans; let for that time", ("meters", "vehicles"),
        power=Meter(works=(Works((0.1, 0.2), lasts_days=(8, 13)),)), water=_IDLE_WATER,
        visits=(Visits("vans", clock=(14, 20), minutes=(200, 400), at_once=(2, 4), crew=(3, 5), lasts_days=(8, 13)),),
        papers=(Paper("sublet", (-4, 0), (14, 20)),),
    ),
    Kind(
        "warehouse", "持证普通货物仓库", "licensed warehouse", False,
        "some power and many lorries with dry goods; a licence says so", ("meters", "vehicles"),
        power=Meter(works=(Works((0.08, 0.2), "workdays", hours="day"),)), water=_IDLE_WATER, start_days=(40, 90),
        visits=(Visits("lorries", "workdays", at_once=(1, 3), crew=(4, 7), minutes=(20, 70), starts="window"),),
        papers=(Paper("licence", (-10, 0), (300, 700)),),
    ),
)  # fmt: skip
DECOYS: tuple[Kind, ...] = _AT_REST + _OF_METERS + _OF_VEHICLES + _ON_PAPER
"""Decoys, in the order of the tables; those at rest first."""
AT_REST = tuple(kind.name for kind in _AT_REST)
"""Kinds of sites at rest: all that a city with nothing at all has."""
