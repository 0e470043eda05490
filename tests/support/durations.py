"""Time that the tests of each file took, told at the end of a long run: where the next minute can be saved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

TOLD_FILES = 40
LONG_RUN_S = 120


def file_times(reports: Iterable[Any]) -> list[tuple[float, int, str]]:
    """Seconds with set-up and end, number of tests and path of each file, the longest first."""
    seconds, tests = Counter[str](), Counter[str]()
    for report in reports:
        path = report.nodeid.split("::", 1)[0]
        seconds[path] += report.duration
        tests[path] += report.when == "call"
    return [(time, tests[path], path) for path, time in seconds.most_common()]


def told(reports: Iterable[Any]) -> list[str]:
    """Lines about the longest files; none of a short run."""
    times = file_times(reports)
    whole_s = sum(time for time, _, _ in times)
    if whole_s < LONG_RUN_S:
        return []
    first = f"{whole_s:.0f} s in {len(times)} files, all processes together"
    return [first, *(f"{time:7.1f} s {tests:5d} tests  {path}" for time, tests, path in times[:TOLD_FILES])]
