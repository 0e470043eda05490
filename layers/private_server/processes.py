"""Execution of PostgreSQL's programs, and detection of a live server behind a pid file."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from layers.errors import ClusterError
from layers.private_server.settings import ServerUser

STATUS_LINE = 7
"""Place of the status in ``postmaster.pid``, from 0."""


def run_program(
    program: str, *arguments: str, user: ServerUser | None, cwd: Path, timeout_s: float = 120
) -> str:
    """Run a program and return its output; when the caller is root, run it as ``user``.

    Parameters
    ----------
    program, arguments : str
    user : ServerUser or None
    cwd : Path
    timeout_s : float

    Raises
    ------
    ClusterError
        It failed; the message has its own words.
    """
    rights = user.subprocess_arguments if user is not None else {}
    try:
        done = subprocess.run(
            [program, *arguments],
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=timeout_s,
            start_new_session=True,  # Ctrl+C in the shell is for us, not for the server
            check=False,
            **rights,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ClusterError(f"{program}: {error}") from error
    if done.returncode:
        hint = _missing_access_hint(user, cwd) if rights and "Permission denied" in done.stdout else ""
        raise ClusterError(hint + _failure(program, done.returncode, done.stdout))
    return done.stdout


@contextmanager
def piped_program(program: str, *arguments: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program whose standard input or output is a stream of this process; it must succeed.

    Raises
    ------
    ClusterError
        It failed; the message has its own words.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [program, *arguments],
            cwd=cwd,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            start_new_session=True,
        )
        with process:
            try:
                yield process
            except BaseException:
                process.kill()
                raise
        if process.returncode:
            said.seek(0)
            raise ClusterError(_failure(program, process.returncode, said.read().decode(errors="replace")))


def _failure(program: str, code: int, said: str) -> str:
    return f"{Path(program).name} failed with {code}:\n{said.strip()[-2000:]}"


def _environment() -> dict[str, str]:
    """Return this process's environment without PG* variables, which could name another server."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _missing_access_hint(user: ServerUser | None, folder: Path) -> str:
    name = user.name if user is not None else ""
    return (
        f"用户 {name} 无法进入 {folder}。The account {name} runs the server and must be able to"
        f" enter every folder above {folder} (`chmod o+x`), or name another folder in WANGGE_DATA_DIR.\n"
    )


def postmaster_pid(pgdata: Path) -> int | None:
    """Return the process id of the server that works on ``pgdata``; None when it is down.

    A killed server leaves its pid file, and another process may have that number now. So on Linux the process
    must have ``pgdata`` as its working folder.
    """
    try:
        pid = int((pgdata / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    if pid <= 0:
        return None
    proc = Path(f"/proc/{pid}")
    if Path("/proc/self").exists():
        try:
            return (
                pid if (proc / "cwd").resolve(strict=True) == pgdata.resolve() and _is_alive(proc) else None
            )
        except OSError:
            return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass
    return pid


def postmaster_status(pgdata: Path) -> str | None:
    """Return what the server says of itself: ``starting``, ``ready``, ``stopping``.

    None when it says nothing.
    """
    try:
        lines = (pgdata / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    return lines[STATUS_LINE].strip() or None if len(lines) > STATUS_LINE else None


def _is_alive(proc: Path) -> bool:
    state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
    return state not in {"Z", "X"}


def server_log_tail(folder: Path, lines: int = 15) -> str:
    """Return the last lines of the server log."""
    files = sorted(folder.glob("*.log"), key=lambda path: path.stat().st_mtime)
    text = "\n".join(path.read_text(errors="replace") for path in files[-2:])
    return "\n".join(text.splitlines()[-lines:])
