"""Work on files of others without root's rights.

In a process of its own, which becomes the server's account first.

What can go wrong while a file is parsed goes wrong there: that process may read the file and talk to the
database, and nothing of root's.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from geo_api.http.progress import console
from layers.private_server import ServerUser, closed_path, give_up_root

OUTPUTS = (".rejected.csv", ".topology.geojson")
"""Endings of the files that an import writes beside its file."""


def work_on_file(
    path: Path, user: ServerUser, prepare: Callable[[], None], work: Callable[[Path, Path], int]
) -> int:
    """Do work on a file as another account, and put what it writes beside the file; returns the exit code.

    Parameters
    ----------
    path : Path
        A file, or one of several with the same stem (a Shapefile).
    prepare : callable
        Called in the new process with root's rights: loads what cannot be loaded later.
    work : callable
        Given the path under which the account reads the file, in a folder of its own, and the folder of the
        file.
    """
    folder = Path(tempfile.mkdtemp(prefix="wangge-import-"))
    try:
        staged = _staged(path, folder, user)
        os.chown(folder, user.uid, user.gid)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _finish(user, prepare, lambda: work(staged, path.parent))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        _collect(folder, path, user)
        return code if code >= 0 else 128 - code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _finish(user: ServerUser, prepare: Callable[[], None], work: Callable[[], int]) -> None:
    """The life of the new process, which ends here whatever happens.

    What ends with the first one is not its own.
    """
    code = 1
    try:
        prepare()
        give_up_root(user)
        code = work()
    except BaseException as error:
        console.print(f"[bold red]错误 error[/] {type(error).__name__}: {error}", highlight=False)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _staged(path: Path, folder: Path, user: ServerUser) -> Path:
    """The file and those of the same stem in the folder.

    As links where the account may read them, else as copies.
    """
    for each in {path, *path.parent.glob(f"{path.stem}.*")}:
        if not each.is_file() or each.name.endswith(OUTPUTS):
            continue
        target = folder / each.name
        if closed_path(user, [each]) is None:
            target.symlink_to(each.resolve())
        else:
            shutil.copyfile(each, target)
            os.chown(target, user.uid, user.gid)
    return folder / path.name


def _collect(folder: Path, path: Path, user: ServerUser) -> None:
    """Put the files that were written beside the file; only plain files of that account."""
    for ending in OUTPUTS:
        name = path.name + ending
        try:
            descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_uid != user.uid or found.st_nlink != 1:
            os.close(descriptor)
            continue
        (path.parent / name).unlink(missing_ok=True)
        with open(descriptor, "rb") as written, (path.parent / name).open("xb") as target:
            shutil.copyfileobj(written, target)
