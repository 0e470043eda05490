"""The account that works in place of root, if it can run this program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from geo_api.http.progress import console
from geo_api.http.settings import Settings
from layers.errors import ClusterError
from layers.private_server import ServerUser, closed_path, give_up_root, hand_over, server_user


def unprivileged_account(*more: Path) -> ServerUser | None:
    """Return the account to become.

    None: this process is not root's, or the account cannot run it, which is said.

    Parameters
    ----------
    more : Path
        Folders that the account must be able to enter, beside those of the program.
    """
    if os.geteuid() != 0:
        return None
    try:
        user = server_user()
        closed = closed_path(user, [*program_paths(), *more])
    except (ClusterError, OSError) as error:
        console.print(f"[yellow]![/] 以 root 权限运行 keeps the rights of root: {error}", highlight=False)
        return None
    if closed is not None:
        console.print(
            f"[yellow]![/] 用户 {user.name} 无法进入 {closed}，以 root 权限运行。The account {user.name} may not enter"
            f" {closed}: "
            "this runs with the rights of root. Install under /opt or /srv, or run it as another account.",
            highlight=False,
        )
        return None
    return user


def leave_root(settings: Settings) -> None:
    """Go on as the account of the database where root started a service.

    Says so when that account cannot.
    """
    settings.data_dir.mkdir(mode=0o711, parents=True, exist_ok=True)
    user = unprivileged_account(settings.data_dir.parent)
    if user is None:
        return
    settings.signing_key()  # made now, if it is not there
    for folder in (settings.data_dir.resolve(), settings.chain_keys_folder()):
        if folder.is_dir() and not folder.is_symlink():
            hand_over(folder, user)
    os.environ["NUMBA_CACHE_DIR"] = str(settings.data_dir / "numba")
    give_up_root(user)
    console.print(f"[green]✓[/] 以用户 {user.name} 运行 runs as {user.name}", highlight=False)


def program_paths() -> list[Path]:
    """Return what the program is made of: interpreter, standard library, packages."""
    parts = {Path(sys.executable), Path(os.__file__), Path(__file__)}
    return sorted(parts | {Path(entry) for entry in sys.path if entry and Path(entry).is_dir()})
