"""Distribution of test files over the processes of a run: files of one city together, long ones first.

A process makes a city once (``loaded_cities``, ``prepared_demo``): files that read one are worth more together.
A process that is free gets the longest of what is left, so that all end together.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

ROOT = Path(__file__).parents[2]
TOGETHER = {"tests.support.loaded_cities": "cities"}
"""Modules of ``tests/support`` whose users go to one process, and the name of their group."""
LONG_S = {
    "cities": 600,
    "tests/geo_api/test_analysis.py": 250,
    "tests/geo_api/test_access_matrix.py": 240,
    "tests/layers/test_sql_in_force.py": 100,
    "tests/geo_api/test_exports.py": 80,
    "tests/geo_api/test_replay.py": 70,
    **dict.fromkeys(
        (
            *(f"tests/geo_api/test_{name}.py" for name in ("drills", "evaluation", "generated_client")),
            *(
                f"tests/geo_api/test_{name}.py"
                for name in ("demo_month", "demo_city", "planted_kinds", "undo")
            ),
            *(f"tests/geo_api/test_{name}.py" for name in ("installation", "log_after_kill", "operations")),
            *(f"tests/geo_api/test_{name}.py" for name in ("unprivileged", "upgrade", "watched_database")),
            *(f"tests/grid/test_random_{name}.py" for name in ("operations", "case_steps", "dispatches")),
            "tests/test_second_city.py",
        ),
        40,
    ),
}
"""About how long groups and files take that hold few tests for their time, seconds; only the order matters.

``tests.support.durations`` tells the time of each file at the end of a run.
"""
IN_A_BROWSER_S = 60


def length_s(scope: str) -> int:
    """About how long a group or file takes, seconds; 0: not long."""
    return LONG_S.get(scope, IN_A_BROWSER_S if scope.startswith("tests/browser/") else 0)


@cache
def group_of(path: str) -> str:
    """Name of the group of a file: its own path, unless it shares a city.

    Examples
    --------
    >>> group_of("tests/geo_api/test_runs.py"), group_of("tests/grid/test_cases.py")
    ('cities', 'tests/grid/test_cases.py')
    """
    file = ROOT / path
    written = file.read_text(encoding="utf-8") if file.is_file() else ""
    return next((name for module, name in TOGETHER.items() if f"from {module} import" in written), path)


class LongFilesFirst(LoadFileScheduling):
    """Whole files or groups of files to each process, in the order of their length."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid.split("::", 1)[0])

    def _assign_work_unit(self, node: WorkerController) -> None:
        longest = max(self.workqueue, key=lambda scope: (length_s(scope), len(self.workqueue[scope])))
        self.workqueue.move_to_end(longest, last=False)
        super()._assign_work_unit(node)
