"""Data folder, system account, memory and configuration of a private cluster."""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.errors import ClusterError

PORT = 5432
"""Only part of the name of the socket file; the server does not listen on TCP."""
SOCKET_PATH_BYTES = 107
"""Greatest length of a socket path: ``sun_path`` has 108 bytes, one of them the closing zero."""
MIB = 1024 * 1024


def default_data_dir() -> Path:
    """Return the default data folder: ``/var/lib/wangge`` for root, else in the XDG data folder.

    Root's home folder is not used, because the server's account cannot enter it.
    """
    if os.geteuid() == 0:
        return Path("/var/lib/wangge")
    base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser().absolute() / "wangge"


@dataclass(frozen=True)
class ServerUser:
    """Unprivileged account that runs the server."""

    uid: int
    gid: int
    name: str

    @property
    def subprocess_arguments(self) -> dict[str, Any]:
        """Arguments of ``subprocess.run`` that drop root's rights; empty for other users."""
        if os.geteuid() != 0:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": os.getgrouplist(self.name, self.gid)}


def server_user() -> ServerUser:
    """Return the account that runs the server.

    It is the caller, or for root ``postgres``, else a system account ``wangge``.

    Raises
    ------
    ClusterError
        Root, and no such account exists or can be made.
    """
    if os.geteuid() != 0:
        return _account(os.geteuid())
    for name in ("postgres", "wangge"):
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", "wangge"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
        return _account(pwd.getpwnam("wangge").pw_uid)
    except (OSError, subprocess.CalledProcessError, KeyError) as error:
        raise ClusterError(
            f"PostgreSQL 不能以 root 运行。PostgreSQL never runs as root, and no account was found to drop to: "
            f"run `{' '.join(command)}` ({error})"
        ) from error


def _account(uid: int) -> ServerUser:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:  # a container may run under a number that has no name
        return ServerUser(uid, os.getegid(), str(uid))
    return ServerUser(entry.pw_uid, entry.pw_gid, entry.pw_name)


def make_private_folder(folder: Path, user: ServerUser) -> None:
    """Make ``folder`` with mode 0700 for ``user``.

    A folder that another account could have placed there is refused.

    Raises
    ------
    ClusterError
        The folder is a link or belongs to another account.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {user.uid, os.geteuid()}:
        raise ClusterError(
            f"{folder} 属于其他用户。{folder} belongs to another account (uid {found.st_uid}, not {user.name}): "
            "remove it, or name another folder in WANGGE_DATA_DIR"
        )
    if os.geteuid() == 0:
        os.chown(folder, user.uid, user.gid)
    folder.chmod(0o700)


def socket_fits(folder: Path) -> bool:
    """Return whether the path of a socket in ``folder`` is short enough for the system.

    Examples
    --------
    >>> socket_fits(Path("/var/lib/wangge/run")), socket_fits(Path("/" + "x" * 100))
    (True, False)
    """
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= SOCKET_PATH_BYTES


def socket_folder(data_dir: Path) -> tuple[Path, str]:
    """Return the folder of the socket, and the reason when it is not the data folder's own ``run`` (else "").

    The name of the short folder depends only on the data folder, so every process finds the same one.
    """
    own = data_dir / "run"
    if socket_fits(own):
        return own, ""
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    base = Path(f"/run/user/{os.geteuid()}")
    if not (os.geteuid() != 0 and runtime == str(base) and base.is_dir()):
        base = Path("/tmp")
    short = base / f"wangge-{os.geteuid()}-{digest}"
    reason = (
        f"数据目录路径过长，套接字改放 {short}。The path of {own} is too long for a Unix socket "
        f"({SOCKET_PATH_BYTES} bytes at most), so the socket lies in {short} (mode 0700)"
    )
    return short, reason


def memory_bytes() -> int:
    """Return the memory of this machine or of its container, whichever is smaller, bytes."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        total = min(total, int(text))
    return total


def server_settings(socket: Path, *, durable: bool, memory: int) -> dict[str, str]:
    """Return PostgreSQL settings for a laptop or a server that also does other work.

    Parameters
    ----------
    socket : pathlib.Path
        Folder of the Unix socket.
    durable : bool
        False: a temporary cluster for tests, which can be lost in a power failure.
    memory : int
        Memory in bytes; the server's cache takes a quarter of it, at most 1 GiB.

    Examples
    --------
    >>> server_settings(Path("/run/x"), durable=True, memory=2 * 1024**3)["shared_buffers"]
    '512MB'
    >>> server_settings(Path("/run/x"), durable=True, memory=64 * 1024**3)["shared_buffers"]
    '1024MB'
    """
    cache_mib = max(64, min(1024, memory // MIB // 4)) if durable else 128
    chosen = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(socket),
        "unix_socket_permissions": "0700",
        "max_connections": "60",
        "shared_buffers": f"{cache_mib}MB",
        "effective_cache_size": f"{max(256, memory // MIB // 2)}MB",
        "work_mem": "32MB",
        "maintenance_work_mem": f"{max(64, min(512, memory // MIB // 16))}MB",
        "jit": "off",
        "max_parallel_workers_per_gather": "1" if durable else "0",
        "max_wal_size": "2GB",
        "synchronous_commit": "on",
        "random_page_cost": "1.1",
        "max_locks_per_transaction": "256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "logging_collector": "on" if durable else "off",
        "log_directory": "../log",
        "log_filename": "postgres-%a.log",
        "log_truncate_on_rotation": "on",
        "log_rotation_age": "1d",
        "log_rotation_size": "0",
    }
    if not durable:
        chosen |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        chosen |= {"max_connections": "100", "autovacuum": "off", "max_wal_size": "512MB"}
    return chosen


def settings_text(chosen: dict[str, str]) -> str:
    """Return the text of an included configuration file.

    Examples
    --------
    >>> settings_text({"jit": "off"}).splitlines()[-1]
    "jit = 'off'"
    """
    lines = [f"{name} = '" + value.replace("'", "''") + "'" for name, value in chosen.items()]
    return (
        "# Written by wangge at every start; own changes go to postgresql.auto.conf (ALTER SYSTEM).\n"
        + "\n".join([*lines, ""])
    )


def access_file_texts(user: ServerUser) -> tuple[str, str]:
    """Return the texts of ``pg_hba.conf`` and ``pg_ident.conf``.

    Only the server's account and root may connect, and only as ``wangge``.
    """
    hba = "# Unix socket only; the system says who asks.\nlocal all all peer map=wangge\n"
    names = dict.fromkeys((user.name, "root"))
    return hba, "".join(f"wangge {name} wangge\n" for name in names)
