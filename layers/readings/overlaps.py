"""Overlapping intervals of one meter: which stand, which are replaced, which are refused.

The rules, in this order:

1. The same interval again corrects the one before.
2. An interval without a value gives way to those with one.
3. An interval that shorter ones with values cover without a gap is the coarser series: a stored one is replaced by
   them, a new one is left out when its value agrees with their sum (within 1 %) and refused when it does not.
4. Of what still overlaps, the stored one stands, then the one that stands first in the file; the others are refused.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

AGREES = 0.01
"""Part of a sum by which a coarser value may differ from it."""


@dataclass(frozen=True)
class Interval:
    """An interval in microseconds since 1970; ``row`` of the file, -1: it is stored."""

    begin: int
    end: int
    value: float | None
    row: int

    @property
    def is_stored(self) -> bool:
        """Whether it was there before the file."""
        return self.row < 0


@dataclass
class Settled:
    """Outcome of settling overlapping intervals.

    Attributes
    ----------
    replaced : list of Interval
        Stored ones that go: a finer series stands for them, or they had no value.
    left_out : list of int
        Rows that say nothing new: without a value, or the agreeing sum of a finer series.
    refused : dict of int to tuple
        Rows that contradict, each with the interval that it contradicts and the sum of the finer ones (None: it only
        overlaps).
    """

    replaced: list[Interval] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    refused: dict[int, tuple[Interval, float | None]] = field(default_factory=dict)


def settle_overlaps(intervals: list[Interval]) -> Settled:
    """Settle intervals of one meter of which each overlaps another one and none is given twice.

    Examples
    --------
    A stored bill of ten days, and ten days with their values:

    >>> bill = Interval(0, 10, 50.0, -1)
    >>> days = [Interval(n, n + 1, 5.0, n) for n in range(10)]
    >>> settle_overlaps([bill, *days]).replaced == [bill]
    True
    >>> sorted(settle_overlaps([bill, *days[:4]]).refused), settle_overlaps([])
    ([0, 1, 2, 3], Settled(replaced=[], left_out=[], refused={}))
    """
    settled = Settled()
    known = [each for each in intervals if each.value is not None]
    for each in intervals:
        if each.value is None and any(_overlap(each, other) for other in known):
            _give_way(settled, each)
    gone = {*map(id, settled.replaced)}
    standing = [e for e in intervals if id(e) not in gone and e.row not in settled.left_out]
    for each in sorted(standing, key=lambda e: e.begin - e.end):
        tiles = _tiles(each, standing)
        if tiles is None:
            continue
        standing.remove(each)
        if each.is_stored:
            settled.replaced.append(each)
            continue
        total = sum(tile.value or 0.0 for tile in tiles)
        if abs(total - (each.value or 0.0)) <= AGREES * max(total, each.value or 0.0):
            settled.left_out.append(each.row)
        else:
            settled.refused[each.row] = (tiles[0], total)
    _refuse_rest(settled, standing)
    return settled


def _overlap(one: Interval, other: Interval) -> bool:
    return one.begin < other.end and other.begin < one.end


def _give_way(settled: Settled, each: Interval) -> None:
    if each.is_stored:
        settled.replaced.append(each)
    else:
        settled.left_out.append(each.row)


def _tiles(coarse: Interval, among: list[Interval]) -> list[Interval] | None:
    """Return shorter intervals with values that cover one without a gap, the shortest first; None: there are none."""
    inside = sorted(
        (
            e
            for e in among
            if e.value is not None and coarse.begin <= e.begin and e.end <= coarse.end and e is not coarse
        ),
        key=lambda e: (e.begin, e.end),
    )
    leads = {coarse.end}
    for each in reversed(inside):
        if each.end in leads:
            leads.add(each.begin)
    begins = [each.begin for each in inside]
    at, found = coarse.begin, []
    while at < coarse.end:
        place = bisect_left(begins, at)
        following = next((e for e in inside[place:] if e.begin == at and e.end in leads), None)
        if following is None:
            return None
        found.append(following)
        at = following.end
    return found


def _refuse_rest(settled: Settled, standing: list[Interval]) -> None:
    kept: list[Interval] = []
    for each in sorted(standing, key=lambda e: e.row):
        other = next((k for k in kept if _overlap(k, each)), None)
        if other is None or each.is_stored:
            kept.append(each)
        else:
            settled.refused[each.row] = (other, None)
