"""The drills as a command: ``python -m tests.support.drills --rounds 2 --minutes 10``.

See docs/operations.md.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.support.drills.faults import RoundResult, run_round
from tests.support.drills.soak import FIX_WRITERS, NOTE_WRITERS, BackupResult, SoakResult, soak
from tests.support.private_town import make_private_town
from tests.support.small_disks import small_disk

DISK_MIB = 1536
WIDTHS = (28, 24, 24, 8, 8, 10)
HEADINGS = ("fault", "acknowledged", "stored", "missing", "refused", "ready, s")


def main() -> int:
    """Do the drills, print the table; 1 when something was lost or wrong."""
    options = _options()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory(prefix="wgd-", dir="/tmp") as name, contextlib.ExitStack() as stack:
        Path(name).chmod(0o711)
        place = Path(name) / "disk"
        mounted = stack.enter_context(small_disk(place, DISK_MIB))
        print("the data lies on a tmpfs" if mounted else "no tmpfs may be mounted: disk full is left out")
        town = make_private_town(place / "data")
        disk = place if mounted else None
        print(_line(HEADINGS))
        for _ in range(options.rounds):
            results = run_round(
                town, disk=disk, viewers=options.viewers, streams=options.streams, tell=_print_round
            )
            wrong += [f"{result.fault}: {fault}" for result in results for fault in _faults_of(result)]
        if options.minutes > 0:
            wrong += _print_soak(
                *soak(
                    town,
                    options.minutes * 60,
                    viewers=options.soak_viewers,
                    streams=options.streams,
                ),
                options,
            )
    print("WRONG:" if wrong else "nothing acknowledged was lost, nothing grew", *wrong, sep="\n  ")
    return 1 if wrong else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make drill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=2, help="times that every fault is done")
    parser.add_argument("--minutes", type=float, default=10, help="of the soak; 0: none, and no backup")
    parser.add_argument("--viewers", type=int, default=200, help="under which the database is restarted")
    parser.add_argument("--streams", type=int, default=20, help="event streams, there and in the soak")
    parser.add_argument("--soak-viewers", type=int, default=50)
    return parser.parse_args()


def _line(cells: tuple[str, ...]) -> str:
    return " ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True)).rstrip()


def _counts(found: dict[str, int]) -> str:
    return ", ".join(f"{number} {what}" for what, number in found.items())


def _print_round(result: RoundResult) -> None:
    cells = (_counts(result.found.acknowledged), _counts(result.found.stored), f"{len(result.found.missing)}")
    print(_line((result.fault, *cells, f"{result.refused}", f"{result.recovered_s:.1f}")), flush=True)


def _faults_of(result: RoundResult) -> tuple[str, ...]:
    return (*result.found.missing, *result.faults)


def _print_soak(found: SoakResult, backup: BackupResult, options: argparse.Namespace) -> list[str]:
    print(
        f"\nsoak of {options.minutes:g} minutes: {options.soak_viewers} viewers, {options.streams} streams,"
        f" {FIX_WRITERS} senders of fixes and {NOTE_WRITERS} of notes, a write a second each"
    )
    print("quarter  memory MiB  files  connections  p50 ms  p99 ms")
    for number, part in enumerate(found.quarters, start=1):
        print(
            f"{number:7}  {part.memory_mib:10.0f}  {part.files:5.0f}  {part.connections:11.0f}"
            f"  {part.p50_ms:6.0f}  {part.p99_ms:6.0f}"
        )
    print(
        _line(
            (
                "soak",
                _counts(found.found.acknowledged),
                _counts(found.found.stored),
                f"{len(found.found.missing)}",
                "",
                "",
            )
        )
    )
    differing = ", ".join(backup.differing) or "none"
    print(
        f"backup under load: {backup.tables} tables, {backup.rows} rows, {backup.seconds:.1f} s;"
        f" tables that differ after restoring it: {differing}"
    )
    return [*found.found.missing, *found.faults, *(f"{table} differs" for table in backup.differing)]


if __name__ == "__main__":
    sys.exit(main())
