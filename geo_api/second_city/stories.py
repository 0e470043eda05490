"""The sites that matter.

Closed ones that work again in secret, and closed ones that only look as if they did.

A story says what the register says, what the meters show, who comes, what was registered as a reason, and why
a person who looks closely would decide as they should. Places, enterprises, meters and journeys are made from
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from geo_api.second_city.land.gazetteer import LAST_DAY
from geo_api.second_city.meters import Faults, Frost, Heating, Idle, Meter, Normal, OnDays, Part, Runs

D = date


@dataclass(frozen=True)
class Visits:
    """Planned visits: which fleet comes where, on which days, when, for how long."""

    fleet: str
    first: date
    clock: str
    minutes: int
    last: date = LAST_DAY
    every_days: int = 1
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    market_days: bool = False
    where: str = "site"
    """``site``, ``companion`` (the place beside it), or ``road`` (120 m before the gate)."""
    vehicles: int = 2
    """How many vehicles of the fleet take turns."""
    at_once: int = 1
    festival: bool = False
    """Whether they come in the Spring Festival too."""
    dark: bool = False
    """The terminal is silent from 1.5 km before the place until 1.5 km after it."""


@dataclass(frozen=True)
class Companion:
    """Something beside the site.

    A home, a market, a petrol station, a gate, an open plant, the firm's own store.
    """

    kind: str
    distance_m: float
    trade: str = ""


@dataclass(frozen=True)
class Story:
    """One site of interest."""

    key: str
    title: str
    title_zh: str
    because: str
    trade: str
    since: date
    status: str = "closed"
    meters: tuple[Meter, ...] = ()
    visits: tuple[Visits, ...] = ()
    notices: tuple[tuple[str, date, date | None], ...] = ()
    companion: Companion | None = None
    companion_meters: tuple[Meter, ...] = ()
    in_park: bool = False

    @property
    def guilty(self) -> bool:
        """Planted sites have keys with G, decoys with D."""
        return self.key.startswith("G")


def power(since: date, *parts: Part, supply: str = "daily", faults: Faults | None = None) -> Meter:
    """Return a power meter: normal work until the site was closed, then these parts."""
    return Meter("power", supply, (Normal(since), *parts), faults or Faults())


def water(since: date, *parts: Part, supply: str = "daily", faults: Faults | None = None) -> Meter:
    """Return a water meter, in the same way."""
    return Meter("water", supply, (Normal(since), *parts), faults or Faults())


def gas(since: date, *parts: Part, supply: str = "daily") -> Meter:
    """Return a gas meter, in the same way."""
    return Meter("gas", supply, (Normal(since), *parts))


def _quiet(since: date, level: float = 0.025) -> tuple[Meter, ...]:
    """Meters of a site where nothing goes on."""
    return (power(since, Idle(level)), water(since, Idle(level * 0.6), supply="bill"))


CLOSED_1, CLOSED_2, CLOSED_3 = D(2025, 6, 30), D(2025, 8, 15), D(2025, 5, 20)

PLANTED = (
    Story(
        key="G01",
        title="Full restart by day",
        title_zh="白天全面复工",
        because="Power at 65 % and water at 60 % of normal work from 20 January on, tank trucks inside the"
        " plant every second day.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), Runs(D(2026, 1, 20), 0.62, ramp_days=3)),
            water(CLOSED_1, Idle(0.02), Runs(D(2026, 1, 20), 0.58, ramp_days=3)),
        ),
        visits=(
            Visits("tankers", D(2026, 1, 20), "09:30", 70, every_days=2),
            Visits("tankers", D(2026, 1, 21), "14:30", 85, every_days=2),
        ),
        in_park=True,
    ),
    Story(
        key="G02",
        title="Night shifts only",
        title_zh="只在夜间生产",
        because="A quarter of normal power and water from 22 January on; tank trucks come towards midnight"
        " and leave before dawn, nobody by day.",
        trade="pesticide_intermediates",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.03), Runs(D(2026, 1, 22), 0.27)),
            water(CLOSED_2, Idle(0.02), Runs(D(2026, 1, 22), 0.24)),
        ),
        visits=(Visits("tankers", D(2026, 1, 22), "23:20", 160, every_days=2),),
    ),
    Story(
        key="G03",
        title="Weekends only, when offices are closed",
        title_zh="只在周末生产",
        because="Power and water jump to 60 % on every Saturday and Sunday from 24 January on and fall back"
        " to idle on Mondays; trucks come on the same days.",
        trade="coatings",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), Runs(D(2026, 1, 24), 0.58, weekdays=(5, 6))),
            water(CLOSED_1, Idle(0.02), Runs(D(2026, 1, 24), 0.55, weekdays=(5, 6))),
        ),
        visits=(Visits("tankers", D(2026, 1, 24), "10:00", 130, weekdays=(5, 6), festival=True),),
    ),
    Story(
        key="G04",
        title="Water only: a diesel generator makes the power",
        title_zh="自备柴油发电,只有用水",
        because="Half of the normal water from 21 January on and tank trucks every second day, while the"
        " power meter stays idle.",
        trade="fine_chemicals",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.025)),
            water(CLOSED_3, Idle(0.02), Runs(D(2026, 1, 21), 0.5)),
        ),
        visits=(Visits("tankers", D(2026, 1, 21), "10:30", 90, every_days=2),),
    ),
    Story(
        key="G05",
        title="Goods unloaded in the yard next door",
        title_zh="在隔壁堆场卸货",
        because="Power and water at 40 % from 23 January on; tank trucks stand 170 m away in the yard of a"
        " dealer in stone, who has no use for them.",
        trade="coatings",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), Runs(D(2026, 1, 23), 0.38)),
            water(CLOSED_1, Idle(0.02), Runs(D(2026, 1, 23), 0.36)),
        ),
        visits=(Visits("tankers", D(2026, 1, 23), "11:00", 80, every_days=2, where="companion"),),
        companion=Companion("open_site", 170, "stone_trade"),
    ),
    Story(
        key="G06",
        title="Terminals dark on arrival",
        title_zh="到场前关闭终端",
        because="Power and gas at half from 22 January on; the same two tank trucks fall silent 1.5 km"
        " before the plant every third day and are back on the same road hours later.",
        trade="fine_chemicals",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.03), Runs(D(2026, 1, 22), 0.5)),
            gas(CLOSED_2, Idle(0.01), Runs(D(2026, 1, 22), 0.5)),
        ),
        visits=(Visits("tankers", D(2026, 1, 22), "13:00", 210, every_days=3, dark=True),),
    ),
    Story(
        key="G07",
        title="Trucks that are on no list",
        title_zh="名单之外的车辆",
        because="Power at half from 10 December on, water bills the same; terminals that are on no list"
        " stand in the plant every second day.",
        trade="plating",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), Runs(D(2025, 12, 10), 0.5)),
            water(CLOSED_1, Idle(0.02), Runs(D(2025, 12, 10), 0.5), supply="bill"),
        ),
        visits=(Visits("unlisted", D(2026, 1, 19), "10:00", 60, every_days=2, vehicles=3),),
        in_park=True,
    ),
    Story(
        key="G08",
        title="Closed three weeks ago, at work again",
        title_zh="刚关闭又复工",
        because="Closed on 5 January, at 70 % again from 26 January on, with the trucks that came before;"
        " there are only three idle weeks to compare with.",
        trade="coatings",
        since=D(2026, 1, 5),
        meters=(
            power(D(2026, 1, 5), Idle(0.03), Runs(D(2026, 1, 26), 0.68)),
            water(D(2026, 1, 5), Idle(0.02), Runs(D(2026, 1, 26), 0.65)),
        ),
        visits=(Visits("tankers", D(2026, 1, 26), "15:30", 75, every_days=2),),
    ),
    Story(
        key="G09",
        title="Suspended kiln, seen in bills only",
        title_zh="错峰停产砖窑,只有月账单",
        because="Ordered to stand still from 1 November to 31 March; the bills of power and gas from"
        " December on show 55 %, and lorries load every morning.",
        trade="bricks",
        since=D(2025, 10, 31),
        status="suspended",
        meters=(
            power(D(2025, 10, 31), Idle(0.03), Runs(D(2025, 12, 1), 0.55), supply="bill"),
            gas(D(2025, 10, 31), Idle(0.01), Runs(D(2025, 12, 1), 0.55), supply="bill"),
        ),
        visits=(Visits("trucks", D(2026, 1, 19), "08:30", 55, vehicles=3, at_once=2),),
    ),
    Story(
        key="G10",
        title="The registered reason has expired",
        title_zh="报备过期后生产",
        because="Maintenance was registered until 31 December; power and water at 45 % and tank trucks come"
        " from 20 January on, under no valid reason.",
        trade="pesticide_intermediates",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.03), Runs(D(2026, 1, 20), 0.43)),
            water(CLOSED_3, Idle(0.02), Runs(D(2026, 1, 20), 0.4)),
        ),
        visits=(Visits("tankers", D(2026, 1, 21), "08:45", 65, every_days=2),),
        notices=(("maintenance", D(2025, 10, 1), D(2026, 1, 1)),),
    ),
    Story(
        key="G11",
        title="Only in the Spring Festival, when nobody inspects",
        title_zh="春节期间突击生产",
        because="Idle before and after; 60 % of power and half of the water from 13 to 24 February, trucks"
        " before dawn on these days, while every other plant rests.",
        trade="plating",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.03), Runs(D(2026, 2, 13), 0.58, last=D(2026, 2, 24))),
            water(CLOSED_2, Idle(0.02), Runs(D(2026, 2, 13), 0.5, last=D(2026, 2, 24))),
        ),
        visits=(Visits("tankers", D(2026, 2, 13), "05:30", 60, last=D(2026, 2, 24), festival=True),),
    ),
    Story(
        key="G12",
        title="Work moved into the firm's own store",
        title_zh="转移到自有仓库生产",
        because="The closed plant is quiet; the store of the same firm 1.4 km away draws as much power and"
        " water from 20 January on as the plant did, and tank trucks go there.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=_quiet(CLOSED_1),
        visits=(Visits("tankers", D(2026, 1, 20), "16:00", 80, every_days=2, where="companion"),),
        companion=Companion("own_storage", 1400),
        companion_meters=(
            Meter("power", "daily", (Idle(0.02), Runs(D(2026, 1, 20), 0.5))),
            Meter("water", "daily", (Idle(0.01), Runs(D(2026, 1, 20), 0.5))),
        ),
    ),
)

DECOYS = (
    Story(
        key="D01",
        title="Guards heat their room",
        title_zh="门卫电采暖",
        because="Power follows the cold from November on and never passes 15 % of normal work; no water,"
        " nobody comes.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.02), Heating(0.1)),
            water(CLOSED_1, Idle(0.012)),
        ),
    ),
    Story(
        key="D02",
        title="Frost pumps and dripping taps",
        title_zh="防冻循环泵与滴水",
        because="Power and water rise together, but only on days below −9 °C and as much as a pump needs; no truck.",
        trade="coatings",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.02), Frost(0.16)),
            water(CLOSED_2, Idle(0.012), Frost(0.1)),
        ),
    ),
    Story(
        key="D03",
        title="Dismantling, registered",
        title_zh="拆除,已报备",
        because="Flatbeds and 15 % of power on working days, all inside the registered time of a"
        " dismantling.",
        trade="plating",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.02), Runs(D(2026, 1, 19), 0.15, weekdays=(0, 1, 2, 3, 4), festival=0.0)),
            water(CLOSED_3, Idle(0.01), Runs(D(2026, 1, 19), 0.08, weekdays=(0, 1, 2, 3, 4), festival=0.0)),
        ),
        visits=(Visits("flatbeds", D(2026, 1, 20), "09:00", 230, weekdays=(0, 1, 2, 3, 4), at_once=2),),
        notices=(("dismantling", D(2026, 1, 12), D(2026, 4, 1)),),
    ),
    Story(
        key="D04",
        title="Maintenance, registered",
        title_zh="检修,已报备",
        because="A third of power on weekdays for three weeks inside the registered time, service lorries,"
        " then quiet again.",
        trade="pesticide_intermediates",
        since=CLOSED_1,
        meters=(
            power(
                CLOSED_1,
                Idle(0.03),
                Runs(D(2026, 1, 20), 0.3, last=D(2026, 2, 11), weekdays=(0, 1, 2, 3, 4)),
            ),
            water(
                CLOSED_1, Idle(0.02), Runs(D(2026, 1, 20), 0.2, last=D(2026, 2, 11), weekdays=(0, 1, 2, 3, 4))
            ),
        ),
        visits=(Visits("trucks", D(2026, 1, 20), "09:40", 120, last=D(2026, 2, 11), weekdays=(1, 3)),),
        notices=(("maintenance", D(2026, 1, 15), D(2026, 3, 1)),),
        in_park=True,
    ),
    Story(
        key="D05",
        title="Hall let to a cold store, registered",
        title_zh="厂房转租冷库,已报备",
        because="Steady 35 % of power since November, no process water, vans with food; the lease is"
        " registered.",
        trade="plating",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.02), Runs(D(2025, 11, 3), 0.35)),
            water(CLOSED_3, Idle(0.02)),
        ),
        visits=(Visits("vans", D(2026, 1, 19), "06:30", 45, every_days=2),),
        notices=(("sublet", D(2025, 11, 1), None),),
    ),
    Story(
        key="D06",
        title="Meter shared with an open plant, registered",
        title_zh="与在产企业共用电表,已报备",
        because="The open neighbour has no meter of its own and works through this one; both firms"
        " registered it.",
        trade="coatings",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.02), Runs(D(2025, 12, 15), 0.5, festival=0.3)),
            water(CLOSED_2, Idle(0.01)),
        ),
        notices=(("shared_meter", D(2025, 12, 10), None),),
        companion=Companion("open_site", 150, "machines"),
    ),
    Story(
        key="D07",
        title="Meters confused when they were changed",
        title_zh="换表后与邻户串户",
        because="From the change of meters on 20 January on this site has the use of the open neighbour, and"
        " the neighbour suddenly has none; tank trucks stand at the neighbour's.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.025), Runs(D(2026, 1, 20), 0.8, festival=0.35)),
            water(CLOSED_1, Idle(0.015), supply="bill"),
        ),
        visits=(Visits("tankers", D(2026, 1, 19), "10:10", 60, every_days=2, where="companion"),),
        companion=Companion("open_site", 190, "fine_chemicals"),
        companion_meters=(Meter("power", "daily", (Normal(D(2026, 1, 19)), Idle(0.025))),),
    ),
    Story(
        key="D08",
        title="A driver lives beside the plant",
        title_zh="司机家在厂旁",
        because="The same tank truck stands 130 m away from evening to morning and through the holidays, and"
        " never by day; meters idle.",
        trade="pesticide_intermediates",
        since=CLOSED_2,
        meters=_quiet(CLOSED_2),
        companion=Companion("home", 130),
    ),
    Story(
        key="D09",
        title="Petrol station beside the plant",
        title_zh="旁边是加油站",
        because="Many different trucks stop for 15 to 35 minutes at a station that is on the list of places.",
        trade="coatings",
        since=CLOSED_1,
        meters=_quiet(CLOSED_1, 0.03),
        visits=(
            Visits("tankers", D(2026, 1, 19), "07:40", 18, where="companion", vehicles=8, at_once=2),
            Visits("trucks", D(2026, 1, 19), "12:40", 33, where="companion", vehicles=6, at_once=2),
        ),
        companion=Companion("petrol", 110),
    ),
    Story(
        key="D10",
        title="Market beside the plant",
        title_zh="旁边是集市",
        because="Vans and lorries stand for hours, but only on days that end in 2, 5 or 8, when the market"
        " is; meters idle.",
        trade="fine_chemicals",
        since=CLOSED_3,
        meters=_quiet(CLOSED_3),
        visits=(
            Visits("vans", D(2026, 1, 22), "07:00", 270, market_days=True, where="companion", at_once=3),
            Visits("trucks", D(2026, 1, 22), "07:20", 200, market_days=True, where="companion", at_once=2),
        ),
        companion=Companion("market", 90),
    ),
    Story(
        key="D11",
        title="Opened again with a permit",
        title_zh="已获复产许可",
        because="The permit holds from 12 January on, the register is only late; everything after it is legal.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), Runs(D(2026, 1, 14), 0.8, festival=0.4)),
            water(CLOSED_1, Idle(0.02), Runs(D(2026, 1, 14), 0.75, festival=0.4)),
        ),
        visits=(Visits("tankers", D(2026, 1, 19), "13:40", 70, every_days=2),),
        notices=(("permit", D(2026, 1, 12), None),),
        in_park=True,
    ),
    Story(
        key="D12",
        title="Readings guessed from the year before",
        title_zh="按上年同期估抄",
        because="The bills of January and February are marked as guessed and equal those of the year before,"
        " when the plant still worked.",
        trade="plating",
        since=CLOSED_1,
        meters=(
            power(
                CLOSED_1, Idle(0.03), supply="bill", faults=Faults(guessed=(D(2026, 1, 20), D(2026, 3, 1)))
            ),
            water(CLOSED_1, Idle(0.02), supply="bill"),
        ),
    ),
    Story(
        key="D13",
        title="One mistyped reading",
        title_zh="一次录入错误",
        because="A hundred times the value of the days around it on one day, and exactly so.",
        trade="coatings",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.03), faults=Faults(mistyped=D(2026, 2, 10))),
            water(CLOSED_2, Idle(0.02)),
        ),
    ),
    Story(
        key="D14",
        title="Soil is cleaned, registered",
        title_zh="土壤修复,已报备",
        because="Pumps and washing water on weekdays and dump trucks, inside the registered time of a"
        " remediation.",
        trade="pesticide_intermediates",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.02), Runs(D(2025, 12, 1), 0.2, weekdays=(0, 1, 2, 3, 4), festival=0.1)),
            water(CLOSED_3, Idle(0.01), Runs(D(2025, 12, 1), 0.5, weekdays=(0, 1, 2, 3, 4), festival=0.1)),
        ),
        visits=(Visits("flatbeds", D(2026, 1, 19), "14:00", 150, weekdays=(0, 2, 4)),),
        notices=(("remediation", D(2025, 11, 20), D(2026, 6, 1)),),
    ),
    Story(
        key="D15",
        title="Weekly test of the fire pump, registered",
        title_zh="消防泵每周试运行,已报备",
        because="Power and water for an hour on every Monday, a tenth of a working day, registered.",
        trade="solvents_storage",
        since=CLOSED_1,
        meters=(
            power(
                CLOSED_1,
                Idle(0.02),
                OnDays(tuple(D.fromordinal(D(2025, 9, 1).toordinal() + 7 * n) for n in range(26)), 0.1),
            ),
            water(
                CLOSED_1,
                Idle(0.01),
                OnDays(tuple(D.fromordinal(D(2025, 9, 1).toordinal() + 7 * n) for n in range(26)), 0.12),
            ),
        ),
        notices=(("fire_pump", D(2025, 9, 1), None),),
    ),
    Story(
        key="D16",
        title="Lost transmissions, caught up in one value",
        title_zh="采集中断后补录",
        because="Six days are missing and the next value is exactly as much as seven idle days.",
        trade="fine_chemicals",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.05), faults=Faults(lost=(D(2026, 2, 3), D(2026, 2, 8)))),
            water(CLOSED_2, Idle(0.03), faults=Faults(lost=(D(2026, 2, 3), D(2026, 2, 8)))),
        ),
    ),
    Story(
        key="D17",
        title="Queue at the gate of the park",
        title_zh="园区大门排队",
        because="Tank trucks wait half an hour and longer at the gate, a listed place 200 m away, and then"
        " drive on to open plants.",
        trade="fine_chemicals",
        since=CLOSED_1,
        meters=_quiet(CLOSED_1),
        visits=(
            Visits(
                "tankers",
                D(2026, 1, 19),
                "07:30",
                40,
                where="companion",
                vehicles=6,
                at_once=2,
                weekdays=(0, 1, 2, 3, 4),
            ),
        ),
        companion=Companion("gate_queue", 200),
        in_park=True,
    ),
    Story(
        key="D18",
        title="Truck park beside the plant",
        title_zh="旁边是货车停车场",
        because="Lorries spend their nights and breaks in a licensed car park 160 m away that is on the list"
        " of places.",
        trade="coatings",
        since=CLOSED_3,
        meters=_quiet(CLOSED_3),
        visits=(Visits("trucks", D(2026, 1, 19), "19:30", 420, where="companion", vehicles=4, at_once=2),),
        companion=Companion("licensed_parking", 160),
    ),
    Story(
        key="D19",
        title="The open neighbour gets the deliveries",
        title_zh="货是送给隔壁在产企业的",
        because="Tank trucks stand 180 m away inside an open plant of the same trade, which works at full"
        " power; the closed one is idle.",
        trade="fine_chemicals",
        since=CLOSED_2,
        meters=_quiet(CLOSED_2),
        visits=(
            Visits(
                "tankers",
                D(2026, 1, 19),
                "09:00",
                90,
                where="companion",
                vehicles=4,
                weekdays=(0, 1, 2, 3, 4),
            ),
            Visits("tankers", D(2026, 1, 19), "15:00", 60, where="companion", vehicles=4, weekdays=(0, 2, 4)),
        ),
        companion=Companion("open_site", 180, "fine_chemicals"),
        companion_meters=(
            Meter("power", "daily", (Normal(),)),
            Meter("water", "daily", (Normal(),)),
        ),
    ),
    Story(
        key="D20",
        title="Weighbridge and level crossing",
        title_zh="地磅与铁路道口",
        because="Many trucks stop before the gate for 6 to 14 minutes, all day long and in both directions;"
        " too short to load.",
        trade="plating",
        since=CLOSED_1,
        meters=_quiet(CLOSED_1),
        visits=(
            Visits("trucks", D(2026, 1, 19), "10:45", 9, where="road", vehicles=6, at_once=3),
            Visits("tankers", D(2026, 1, 19), "12:15", 12, where="road", vehicles=6, at_once=2),
        ),
    ),
    Story(
        key="D21",
        title="A parked truck drifts into the plant",
        title_zh="停车漂移点落入厂内",
        because="On two nights the fixes of one truck creep 700 m from its home to the plant and back at a"
        " walking pace over walls and a canal; speed says 0.",
        trade="pesticide_intermediates",
        since=CLOSED_3,
        meters=_quiet(CLOSED_3),
        companion=Companion("drifting_home", 700),
    ),
    Story(
        key="D22",
        title="Last fix before the operator's outage",
        title_zh="运营商中断前的最后位置",
        because="A truck was seen 260 m away at an open customer, then nobody of that operator was seen for"
        " two days; not a stay of two days.",
        trade="coatings",
        since=CLOSED_1,
        meters=_quiet(CLOSED_1),
        visits=(
            Visits(
                "outage_tanker", D(2026, 2, 3), "23:20", 90, last=D(2026, 2, 3), where="companion", vehicles=1
            ),
            Visits(
                "outage_tanker", D(2026, 2, 5), "23:40", 50, last=D(2026, 2, 5), where="companion", vehicles=1
            ),
        ),
        companion=Companion("open_site", 260, "machines"),
    ),
    Story(
        key="D23",
        title="A frozen pipe bursts",
        title_zh="水管冻裂",
        because="Much water for six days after the cold spell, day and night alike, until the main was shut;"
        " power idle, nobody comes.",
        trade="fine_chemicals",
        since=CLOSED_2,
        meters=(
            power(CLOSED_2, Idle(0.025)),
            water(CLOSED_2, Idle(0.01), Runs(D(2026, 1, 27), 0.9, last=D(2026, 2, 1), noise=0.02)),
        ),
    ),
    Story(
        key="D24",
        title="Families still live in the dormitory",
        title_zh="宿舍仍有人居住",
        because="The same small use of power and water since the day of closure, a little more in the"
        " holidays.",
        trade="plating",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.05), Heating(0.03), Runs(D(2026, 2, 14), 0.02, last=D(2026, 2, 23))),
            water(CLOSED_3, Idle(0.07), Runs(D(2026, 2, 14), 0.03, last=D(2026, 2, 23))),
        ),
    ),
    Story(
        key="D25",
        title="Lanterns on the gate",
        title_zh="春节彩灯",
        because="One or two per cent more power from 10 February to the Lantern Festival.",
        trade="coatings",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.012), Runs(D(2026, 2, 10), 0.02)),
            water(CLOSED_1, Idle(0.01), supply="bill"),
        ),
    ),
    Story(
        key="D26",
        title="Another firm has taken over the place",
        title_zh="原址已由新企业合法经营",
        because="A new firm with a licence and meters of its own works at the same address; the closed"
        " firm's account was ended.",
        trade="fine_chemicals",
        since=CLOSED_3,
        meters=(
            power(CLOSED_3, Idle(0.02), faults=Faults(removed=D(2025, 9, 1))),
            water(CLOSED_3, Idle(0.02), faults=Faults(removed=D(2025, 9, 1))),
        ),
        visits=(Visits("tankers", D(2026, 1, 20), "11:40", 70, every_days=2, where="companion"),),
        companion=Companion("open_site", 12, "fine_chemicals"),
        companion_meters=(
            Meter("power", "daily", (Runs(D(2025, 10, 1), 0.9, festival=0.4),)),
            Meter("water", "daily", (Runs(D(2025, 10, 1), 0.9, festival=0.4),)),
        ),
    ),
    Story(
        key="D27",
        title="Waste water must still be treated",
        title_zh="废水站须持续运行",
        because="The same 7 % of power on every day since closure, as the order of closure itself demands;"
        " no change in winter.",
        trade="pesticide_intermediates",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.07)),
            water(CLOSED_1, Idle(0.04)),
        ),
    ),
    Story(
        key="D28",
        title="No data at all",
        title_zh="表计已拆除,无数据",
        because="The meters were taken away a month after closure and nobody comes: no data is not a sign of"
        " anything.",
        trade="plating",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.03), faults=Faults(removed=D(2025, 8, 1))),
            water(CLOSED_1, Idle(0.02), faults=Faults(removed=D(2025, 8, 1))),
        ),
    ),
    Story(
        key="D29",
        title="Coaches wait for the holiday traffic",
        title_zh="春运大客车过夜",
        because="Coaches stand over night in the yard of a coach firm 140 m away in the weeks of the holiday"
        " traffic; meters idle.",
        trade="coatings",
        since=CLOSED_2,
        meters=_quiet(CLOSED_2),
        visits=(
            Visits(
                "coaches",
                D(2026, 2, 2),
                "20:30",
                560,
                where="companion",
                vehicles=4,
                at_once=3,
                festival=True,
            ),
        ),
        companion=Companion("open_site", 140, "coach_yard"),
    ),
    Story(
        key="D30",
        title="Snow ploughs stand in the yard",
        title_zh="扫雪车借用厂院",
        because="The town's snow ploughs wait in the yard in winter, a place on the list; heating of the"
        " drivers' room only.",
        trade="plating",
        since=CLOSED_1,
        meters=(
            power(CLOSED_1, Idle(0.02), Heating(0.05)),
            water(CLOSED_1, Idle(0.01), supply="bill"),
        ),
        visits=(
            Visits(
                "municipal",
                D(2026, 1, 19),
                "21:00",
                500,
                every_days=2,
                where="companion",
                vehicles=3,
                at_once=2,
                festival=True,
            ),
        ),
        companion=Companion("licensed_parking", 40),
    ),
)

STORIES = PLANTED + DECOYS
