"""Compiled loops over the intervals of meters: their sum, levels, and the probability of use above idle."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from spatial_models.frames import Array

_NONE = -1_000_000
_LEAST_FORMER = 10
_SWAP_DAYS = 3
_SILENT_DAYS = 60


@njit(cache=True, nogil=True)
def weighted_quantile(values: Array, weight: Array, q: float) -> float:
    """Return the quantile of weighted values; NaN without any."""
    if len(values) == 0:
        return math.nan
    order = np.argsort(values)
    total, reached = weight.sum() * q, 0.0
    for i in order:
        reached += weight[i]
        if reached >= total - 1e-12:
            return float(values[i])
    return float(values[order[-1]])


@njit(cache=True, nogil=True)
def former_levels(
    start: Array, length: Array, use: Array, weight: Array, closed: int, run_down: int, former_days: int
) -> tuple[float, float]:
    """Return the former use of a working day and of a mean day; NaN when it is not known.

    Working days are those above half of the mean, so that weekends of any kind do not count.
    """
    end, begin = closed - run_down, closed - run_down - former_days
    chosen = (start >= begin) & (start + length <= end) & (weight > 0)
    if closed == _NONE or length[chosen].sum() < _LEAST_FORMER:
        return math.nan, math.nan
    mean = float((use[chosen] * length[chosen]).sum() / length[chosen].sum())
    if mean <= 0:
        return math.nan, math.nan
    days = use[chosen & (length == 1)]
    days = days[days > 0.5 * mean]
    work = float(np.median(days)) if len(days) >= _LEAST_FORMER else mean
    return work, max(mean, 1e-300)


@njit(cache=True, nogil=True)
def idle_level(
    start: Array, length: Array, use: Array, weight: Array, since: int, window: int, quantile: float
) -> tuple[float, float, float]:
    """Return idle use a day, the standard deviation of its logarithm, and the known days since ``since``.

    The quietest window is that with the lowest quantile: the 20 % one stays at idle while up to four days of five
    are worked; it holds ten known days, or seven tenths of what the fullest window holds. Idle use is the median of
    the days of this window that lie within a factor 1.6 of the quantile.
    """
    chosen = (start >= since) & (weight > 0)
    s, ln, u, w = start[chosen], length[chosen], use[chosen], weight[chosen]
    if len(s) == 0:
        return math.nan, math.nan, 0.0
    best, best_from = math.inf, s[0]
    most = 0
    for i in range(len(s)):
        most = max(most, ln[i : np.searchsorted(s, s[i] + window)].sum())
    least = min(10.0, 0.7 * most)
    day = s[0]
    while day <= s[-1]:
        a, b = np.searchsorted(s, day), np.searchsorted(s, day + window)
        if b > a and ln[a:b].sum() >= least:
            low = weighted_quantile(u[a:b], ln[a:b] * w[a:b], quantile)
            if low < best:
                best, best_from = low, day
        day += 7
    if not best < math.inf:
        return math.nan, math.nan, 0.0
    a, b = np.searchsorted(s, best_from), np.searchsorted(s, best_from + window)
    near = u[a:b][(u[a:b] <= best * 1.6) & (u[a:b] >= best / 1.6)]
    level = float(np.median(near))
    spread = 0.0
    if level > 0:
        spread = 1.4826 * float(np.median(np.abs(np.log(near / level))))
    return level, spread, float(ln.sum())


@njit(cache=True, nogil=True)
def smallest_step(use: Array) -> float:
    """Return the smallest difference of two values, or 0 when they are all the same."""
    values = np.sort(use)
    step = math.inf
    for i in range(1, len(values)):
        gap = values[i] - values[i - 1]
        if gap > 1e-9 * max(values[-1], 1e-300):
            step = min(step, gap)
    return step if step < math.inf else 0.0


@njit(cache=True, nogil=True)
def active_probability(
    start: Array,
    length: Array,
    use: Array,
    weight: Array,
    expected: Array,
    offset: float,
    spread: float,
    highest: float,
    start_rate: float,
    stop_rate: float,
    outlier_share: float,
) -> Array:
    """Return the probability of each interval that use was above idle, given all intervals.

    A two-state hidden Markov chain (Rabiner 1989), forward and backward. The observation is z, the logarithm of
    use + offset over expected idle use + offset. Idle: Student's t with 5 degrees of freedom and scale
    ``spread``, and a share of outliers; active: even between idle and ``highest``. The observation of a longer
    interval is its mean: its scale falls with the 0.3rd power of the length (days are not independent), never
    its spread over days. Weights temper the likelihood: an estimate says nothing.
    """
    n = len(start)
    like = np.ones((n, 2))
    top = max(math.log((highest + offset) / (np.median(expected) + offset)), 1.4)
    for i in range(n):
        z = math.log((use[i] + offset) / (expected[i] + offset))
        scale = max(spread * length[i] ** -0.3, 0.05)
        t = z / scale
        idle = 0.3796 / scale * (1 + t * t / 5) ** -3
        above = 1 / top if 0 < z <= top else 1 / top * math.exp(-abs(z if z < 0 else z - top) / scale)
        like[i, 0] = ((1 - outlier_share) * idle + outlier_share * above) ** weight[i]
        like[i, 1] = max(above, 1e-12) ** weight[i]
    stationary = start_rate / (start_rate + stop_rate)
    ahead = np.zeros(n)
    stay = np.zeros(n)
    p = stationary
    for i in range(n):
        days = length[i] if i == 0 else max(start[i] - start[i - 1], 1)
        stay[i] = (1 - start_rate - stop_rate) ** days
        p = stationary + (p - stationary) * stay[i]
        on, off = p * like[i, 1], (1 - p) * like[i, 0]
        p = on / (on + off)
        ahead[i] = p
    found = np.zeros(n)
    on, off = 1.0, 1.0
    for i in range(n - 1, -1, -1):
        a, b = ahead[i] * on, (1 - ahead[i]) * off
        found[i] = a / (a + b)
        on, off = on * like[i, 1], off * like[i, 0]
        up = stationary * (1 - stay[i])
        down = (1 - stationary) * (1 - stay[i])
        on, off = (1 - down) * on + down * off, up * on + (1 - up) * off
        total = on + off
        on, off = on / total, off / total
    return found


@njit(cache=True, nogil=True)
def common_intervals(
    meter: Array, start: Array, length: Array, use: Array, weight: Array, today: int
) -> tuple[Array, Array, Array, Array]:
    """Return start, length (days), use and weight of the intervals that all meters of a site share.

    Rows are sorted by meter and start. An interval ends where no meter is inside an interval of its own, so
    that a bill is never spread over its days. Where a meter that is at work has no reading, there is no result:
    a part of the use is not the use. A meter at work is one that has readings before and after; one that
    fell silent counts as at work for 60 days, unless another one began when it ended (a swap).
    """
    keep = _without_overlaps(meter, start, length)
    n = len(start)
    first, last = today, start[0]
    for i in range(n):
        if keep[i]:
            first, last = min(first, start[i]), max(last, start[i] + length[i])
    days = max(last, today + 1) - first
    inside, at_work = np.zeros(days + 1, np.int64), np.zeros(days + 1, np.int64)
    for begin, end in _spans_at_work(meter, start, length, keep, today):
        at_work[begin - first] += 1
        at_work[end - first] -= 1
    for i in range(n):
        if keep[i] and length[i] > 1:
            inside[start[i] - first + 1] += 1
            inside[start[i] - first + length[i]] -= 1
    part = np.zeros(days, np.int64)
    needed = np.zeros(days)
    within, working, which = 0, 0, -1
    for d in range(days):
        within, working = within + inside[d], working + at_work[d]
        which += within == 0
        part[d] = which
        needed[which] += working
    covered, total, mean_weight = np.zeros(which + 1), np.zeros(which + 1), np.zeros(which + 1)
    for i in range(n):
        if keep[i]:
            p = part[start[i] - first]
            covered[p] += length[i]
            total[p] += use[i]
            mean_weight[p] += weight[i] * length[i]
    begins, lengths = np.zeros(which + 1, np.int64), np.zeros(which + 1, np.int64)
    for d in range(days - 1, -1, -1):
        begins[part[d]] = first + d
        lengths[part[d]] += 1
    chosen = (covered > 0) & (covered == needed[: which + 1])
    w = mean_weight[chosen] / covered[chosen]
    return begins[chosen], lengths[chosen], total[chosen] / lengths[chosen], w


@njit(cache=True, nogil=True)
def _without_overlaps(meter: Array, start: Array, length: Array) -> Array:
    """Return which rows stay where one meter has bills beside daily values, or two bills for the same days."""
    n = len(start)
    keep = np.ones(n, np.bool_)
    begin = 0
    while begin < n:
        end = begin
        while end < n and meter[end] == meter[begin]:
            end += 1
        free_from = -1_000_000
        for i in range(begin, end):
            if length[i] == 1:
                continue
            if start[i] < free_from:
                keep[i] = False
                continue
            within = 0
            for j in range(begin, end):
                within += length[j] == 1 and start[i] <= start[j] < start[i] + length[i]
            if within >= 0.8 * length[i]:
                keep[i] = False
                continue
            free_from = start[i] + length[i]
            for j in range(begin, end):
                if length[j] == 1 and start[i] <= start[j] < start[i] + length[i]:
                    keep[j] = False
        begin = end
    return keep


@njit(cache=True, nogil=True)
def _spans_at_work(
    meter: Array, start: Array, length: Array, keep: Array, today: int
) -> list[tuple[int, int]]:
    """Return first and last day (exclusive) of each meter; see `common_intervals`."""
    spans = [(0, 0)]
    spans.pop()
    n, begin = len(start), 0
    while begin < n:
        end = begin
        lowest, highest = 2**60, -(2**60)
        while end < n and meter[end] == meter[begin]:
            if keep[end]:
                lowest, highest = min(lowest, start[end]), max(highest, start[end] + length[end])
            end += 1
        if highest > lowest:
            spans.append((lowest, highest))
        begin = end
    if len(spans) == 1:
        return spans
    for i in range(len(spans)):
        lowest, highest = spans[i]
        swapped = False
        for j in range(len(spans)):
            swapped |= j != i and abs(spans[j][0] - highest) <= _SWAP_DAYS
        if not swapped:
            spans[i] = (lowest, max(highest, min(today + 1, highest + _SILENT_DAYS)))
    return spans
