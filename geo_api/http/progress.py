"""Progress on long work: on standard error, so that standard output stays a clean result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

console = Console(stderr=True)


def tell_waiting(zh: str, en: str) -> None:
    """Say that another run of a job has to end first."""
    console.print(f"[dim]…[/] 等待另一项{zh}结束 waiting for another {en} to end")


@contextmanager
def step(
    title: str, seconds: dict[str, float] | None = None, name: str = ""
) -> Iterator[Callable[[int, int], None]]:
    """Show one step with its progress; the seconds that it took go to ``seconds[name]``.

    Yields
    ------
    callable
        Takes work done and work in all.
    """
    started = time.perf_counter()
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)

        def tell(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield tell
    took = time.perf_counter() - started
    console.print(f"[green]✓[/] {title} [dim]{took:.1f} s[/]")
    if seconds is not None:
        seconds[name or title] = round(took, 2)
