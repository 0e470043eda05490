"""Registers, overlaps and flags of readings: hand-made rows, and random ones against plain loops."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest

from layers.readings import GIVEN, INTERVALS, STORED, flag_series, plan_readings
from layers.readings.flags import in_other_unit
from layers.readings.overlaps import Interval, settle_overlaps
from layers.readings.registers import Point, spans_of_points

DAY = dt.timedelta(days=1)
FIRST = dt.datetime(2026, 9, 1, tzinfo=dt.UTC)
DAY_US = 86_400_000_000


def spans(
    registers: Sequence[float], estimated: Sequence[int] = ()
) -> list[tuple[float | None, str, tuple[str, ...]]]:
    """Value, quality and flags between registers that were read a day apart; the first one has no use."""
    points = [Point(n * DAY_US, r, n in estimated, n) for n, r in enumerate(registers)]
    return [(span.value, span.quality, span.flags) for span in spans_of_points(points)[1:]]


@pytest.mark.parametrize(
    ("registers", "expected"),
    [
        ([99_999, 12], [(13.0, "computed", ("rollover",))]),
        ([9_980, 9_990, 5], [(10.0, "measured", ()), (15.0, "computed", ("rollover",))]),
        ([98_000, 98_010, 3], [(10.0, "measured", ()), (None, "missing", ("meter_swap",))]),  # 1,993 in a day, 10 before
        ([5_000, 5_010, 2, 12], [(10.0, "measured", ()), (None, "missing", ("meter_swap",)), (10.0, "measured", ())]),
        ([5_000, 5_010, 3_000, 3_010], [(10.0, "measured", ()), (None, "missing", ("register_fell",)), (10.0, "measured", ())]),
        ([5_000, 50, 5_020], [(20.0, "computed", ("misread",))]),
        ([5_000, 50_010, 5_020, 5_030], [(20.0, "computed", ("misread",)), (10.0, "measured", ())]),
        ([7, 7, 7], [(0.0, "measured", ()), (0.0, "measured", ())]),
    ],
)  # fmt: skip
def test_differences_of_registers(
    registers: list[float], expected: list[tuple[float | None, str, tuple[str, ...]]]
) -> None:
    assert spans(registers) == expected


def test_estimated_registers() -> None:
    assert spans([100, 130, 160, 190], estimated=[1, 2]) == [(90.0, "computed", ())]
    assert spans([100, 130, 160], estimated=[1, 2]) == [(30.0, "estimated", ()), (30.0, "estimated", ())]
    assert spans([100, 130, 110], estimated=[1]) == [(10.0, "computed", ())], "the estimate was too high"


def test_random_registers_sum_to_what_the_meter_turned() -> None:
    for seed in range(200):
        chance = random.Random(seed)
        digits = 10 ** chance.choice([4, 5, 6])
        use = [chance.randint(0, digits // 200) for _ in range(60)]
        start = chance.randrange(digits)
        shown = [start, *(int(start + total) % digits for total in np.cumsum(use))]
        estimated = [n for n in range(1, 60) if chance.random() < 0.2]
        found = spans(shown, estimated)
        assert all(value is not None for value, _, _ in found), seed
        assert sum(value or 0.0 for value, _, _ in found) == sum(use), seed


def overlap(a: Interval, b: Interval) -> bool:
    return max(a.begin, b.begin) < min(a.end, b.end)


def chains(at: int, end: int, among: list[Interval]) -> list[list[Interval]]:
    """Every way to lay intervals end to end."""
    if at == end:
        return [[]]
    fitting = (t for t in among if t.begin == at and t.end <= end)
    return [[t, *rest] for t in fitting for rest in chains(t.end, end, among)]


def slow_settle(intervals: list[Interval]) -> tuple[set[int], set[int], set[Interval]]:
    """The rules by trying every chain of tiles: left out, refused, replaced."""
    valueless = [i for i in intervals if i.value is None]
    gone = {i for i in valueless if any(o.value is not None and overlap(i, o) for o in intervals)}
    left = {one.row for one in gone if one.row >= 0}
    refused: set[int] = set()
    for one in sorted((i for i in intervals if i not in gone), key=lambda i: i.begin - i.end):
        among = [i for i in intervals if i not in gone and i is not one and i.value is not None]
        if not (tilings := chains(one.begin, one.end, among)):
            continue
        gone.add(one)
        total, value = sum(t.value or 0 for t in max(tilings, key=len)), one.value or 0
        if one.row >= 0:
            (left if abs(total - value) <= 0.01 * max(total, value) else refused).add(one.row)
    kept: list[Interval] = []
    for one in sorted((i for i in intervals if i not in gone), key=lambda i: i.row):
        if one.row >= 0 and any(overlap(one, k) for k in kept):
            refused.add(one.row)
        else:
            kept.append(one)
    return left, refused, {one for one in gone if one.row < 0}


def test_random_intervals_are_settled_as_by_trying_all() -> None:
    for seed in range(400):
        chance = random.Random(seed)
        use = [chance.randint(1, 9) for _ in range(9)]
        stored_at, stored = 0, []
        while stored_at < 8:
            end = min(9, stored_at + chance.randint(1, 5))
            if chance.random() < 0.6:
                stored.append((stored_at, end))
            stored_at = end
        given: set[tuple[int, int]] = set()
        for _ in range(chance.randint(1, 6)):
            begin = chance.randrange(9)
            given.add((begin, min(9, begin + chance.choice([1, 1, 1, 2, 4, 9]))))
        given -= set(stored)

        def value(
            span: tuple[int, int], chance: random.Random = chance, use: list[int] = use
        ) -> float | None:
            if chance.random() < 0.15:
                return None
            return float(sum(use[slice(*span)])) * (
                2 if span[1] - span[0] > 1 and chance.random() < 0.2 else 1
            )

        wrong = [Interval(*span, value(span), -1) for span in stored]
        wrong += [
            Interval(*span, value(span), n)
            for n, span in enumerate(sorted(given, key=lambda _: chance.random()))
        ]
        exact = all(i.value is None or i.value == sum(use[i.begin : i.end]) for i in wrong)
        settled = settle_overlaps(wrong)
        left, refused, replaced = slow_settle(wrong)
        assert set(settled.replaced) == replaced, seed
        if exact:  # else the sum depends on which tiles are taken
            assert (set(settled.left_out), set(settled.refused)) == (left, refused), seed
        standing = [
            i
            for i in wrong
            if i not in settled.replaced and i.row not in settled.left_out and i.row not in settled.refused
        ]
        for one in standing:
            others = [o for o in standing if o is not one and max(o.begin, one.begin) < min(o.end, one.end)]
            assert not others, (seed, one, others)


def series(
    values: Sequence[float | None], quality: str | Sequence[str] = "measured", step: dt.timedelta = DAY
) -> pl.DataFrame:
    at = [FIRST + n * step for n in range(len(values) + 1)]
    qualities = [quality] * len(values) if isinstance(quality, str) else quality
    rows = [
        ("S", "power", "", a, b, v, q, []) for a, b, v, q in zip(at, at[1:], values, qualities, strict=False)
    ]
    return pl.DataFrame(rows, schema=INTERVALS, orient="row")


def flags(frame: pl.DataFrame) -> list[str]:
    return flag_series(frame, "UTC")["flags"].list.join(" ").to_list()


def noisy(n: int, level: float, seed: int = 1) -> list[float]:
    return np.round(level * np.random.default_rng(seed).lognormal(0, 0.1, n), 2).tolist()


def test_a_meter_that_says_the_same_for_fourteen_days_is_stuck() -> None:
    assert flags(series([*noisy(5, 60), *[61.2] * 13])) == [""] * 18
    assert flags(series([*noisy(5, 60), *[61.2] * 14])) == [*[""] * 5, *["stuck"] * 14]
    hours = series([*noisy(5, 60), *[61.2] * 336], step=dt.timedelta(hours=1))
    assert flags(hours).count("stuck") == 336
    assert flags(series([*noisy(2, 60), *[61.2] * 3], step=30 * DAY)) == [""] * 5, "three bills are too few"


def test_small_whole_numbers_and_zeros_repeat_without_being_stuck() -> None:
    assert set(flags(series([*[5.0] * 30, 6.0, 7.0]))) == {""}, (
        "5 kWh in whole kWh is a resolution of a fifth"
    )
    assert set(flags(series([*noisy(20, 60), *[0.0] * 60]))) == {""}, "a closed plant"


def test_zeros_that_are_made_up_for_at_once_are_of_a_stuck_meter() -> None:
    found = flags(series([*noisy(20, 60), *[0.0] * 10, 640.0, *noisy(10, 60, 2)]))
    assert found == [*[""] * 20, *["stuck"] * 11, *[""] * 10]
    assert set(flags(series([*noisy(20, 60), *[0.0] * 10, *noisy(10, 60, 2)]))) == {""}, "a pause"


@pytest.mark.parametrize("factor", [1e3, 1e-3, 1e4, 1e-4])
@pytest.mark.parametrize("length", [1, 3, 12])
def test_a_stretch_in_another_unit_jumps_and_comes_back(factor: float, length: int) -> None:
    values = [*noisy(15, 50_000), *(v * factor for v in noisy(length, 50_000, 2)), *noisy(15, 50_000, 3)]
    assert flags(series(values)) == [*[""] * 15, *["unit_jump"] * length, *[""] * 15]


def test_closing_and_working_again_are_no_jumps_of_the_unit() -> None:
    closing = [*noisy(30, 5_000), *noisy(30, 5, 2)]
    resumed = [*noisy(30, 5), *noisy(30, 5_000, 2)]
    for_a_week = [*noisy(30, 40), *noisy(7, 4_000, 2), *noisy(30, 40, 3)]
    weekends = [5.0 if n % 7 > 4 else 300.0 for n in range(60)]
    for values in (closing, resumed, for_a_week, weekends):
        assert "unit_jump" not in flags(series(values))


def test_jumps_of_random_series_against_a_plain_search() -> None:
    for seed in range(100):
        chance = np.random.default_rng(seed)
        values = np.log10(1000 * chance.lognormal(0, 0.08, 60))
        begin = int(chance.integers(6, 40))
        end = begin + int(chance.integers(1, 12))
        values[begin:end] += chance.choice([-4, -3, 3, 4])
        assert np.flatnonzero(in_other_unit(values)).tolist() == list(range(begin, end)), seed


def test_a_month_that_is_mostly_estimated() -> None:
    september = ["estimated"] * 16 + ["measured"] * 14
    october = ["estimated"] * 15 + ["measured"] * 16
    found = flags(series(noisy(61, 50), [*september, *october]))
    assert found == [*["mostly_estimated"] * 30, *[""] * 31]


def test_flags_of_registers_stay_and_those_of_a_series_are_found_anew() -> None:
    frame = series(noisy(20, 60)).with_columns(flags=pl.lit(["rollover", "stuck"]))
    assert flags(frame) == ["rollover"] * 20


def test_a_plan_in_parts_is_the_plan_of_the_whole() -> None:
    """Registers of a year, read in random order and delivered in random files, give the same intervals."""
    for seed in range(10):
        chance = random.Random(seed)
        shown = np.cumsum([chance.randint(0, 50) for _ in range(60)]) + 1000
        rows = [
            ("S", "power", "A", None, None, None, "measured", [], FIRST + n * 3 * DAY, float(r), n)
            for n, r in enumerate(shown.tolist())
        ]
        whole = plan_readings(
            pl.DataFrame(rows, schema=GIVEN, orient="row"), pl.DataFrame(schema=STORED), "UTC"
        )
        chance.shuffle(rows)
        stored = pl.DataFrame(schema=STORED)
        while rows:
            n = chance.randint(1, 20)
            part, rows = rows[:n], rows[n:]
            plan = plan_readings(pl.DataFrame(part, schema=GIVEN, orient="row"), stored, "UTC")
            assert plan.refused == []
            key = ["site_id", "kind", "meter_id", "from_at", "to_at"]
            kept = stored.join(plan.removed, on=key, how="anti").join(plan.written, on=key, how="anti")
            stored = pl.concat([kept, plan.written.select(kept.columns)]).sort(key)
        assert stored.drop("flags").equals(whole.written.sort("from_at", "to_at").drop("flags")), seed
