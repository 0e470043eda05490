"""Work on files of others without root's rights.

In a process of its own, which becomes the server's account first.

What can go wrong while a file is parsed goes wrong there: that process may read the file and talk to the
database, and nothing of root's.
"""

from __future__ import annotations

import importlib
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from geo_api.http.progress import console
from geo_api.imports.folders import OWN_OUTPUTS
from layers.postgres import leave_connections
from layers.private_server import ServerUser, closed_path, give_up_root


def work_on_file(
    path: Path, user: ServerUser, url: str, modules: Sequence[str], work: Callable[[Path, Path], int]
) -> int:
    """Do work on a file as another account, and put what it writes beside the file; returns the exit code.

    Parameters
    ----------
    path : Path
        A file, or one of several with the same stem (a Shapefile).
    url : str
        Database, whose connections the new process leaves to the first one.
    modules : sequence of str
        Modules that the new process loads while it has root's rights, as the account may not read them.
    work : callable
        Given the path under which the account reads the file, in a folder of its own, and the folder of the
        file.
    """
    return work_on_files([path], user, url, modules, lambda staged: work(staged[0], path.parent))


def work_on_files(
    paths: Sequence[Path],
    user: ServerUser,
    url: str,
    modules: Sequence[str],
    work: Callable[[list[Path]], int],
) -> int:
    """Do work on files as another account, as :func:`work_on_file` does on one.

    Parameters
    ----------
    paths : sequence of Path
    work : callable
        Given the paths under which the account reads the files, which lie to each other as they did.
    """
    base = Path(os.path.commonpath([path.absolute().parent for path in paths]))
    folder = Path(tempfile.mkdtemp(prefix="wangge-import-"))
    try:
        staged = [_staged(path, folder / path.absolute().parent.relative_to(base), user) for path in paths]
        for inside in (folder, *(each for each in folder.rglob("*") if each.is_dir())):
            os.chown(inside, user.uid, user.gid)
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            _finish(user, lambda: _load(user, url, modules), lambda: work(staged))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        for path, of in zip(paths, staged, strict=True):
            _collect(of.parent, path, user)
        return code if code >= 0 else 128 - code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _load(user: ServerUser, url: str, modules: Sequence[str]) -> None:
    leave_connections(url)
    os.environ["NUMBA_CACHE_DIR"] = str(Path(tempfile.gettempdir()) / f"wangge-numba-{user.uid}")
    for name in modules:
        importlib.import_module(name)


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
    folder.mkdir(parents=True, exist_ok=True)
    for each in {path, *path.parent.glob(f"{path.stem}.*")}:
        target = folder / each.name
        if not each.is_file() or each.name.endswith(OWN_OUTPUTS) or os.path.lexists(target):
            continue
        if closed_path(user, [each]) is None:
            target.symlink_to(each.resolve())
        else:
            shutil.copyfile(each, target)
            os.chown(target, user.uid, user.gid)
    return folder / path.name


def _collect(folder: Path, path: Path, user: ServerUser) -> None:
    """Put the files that were written beside the file; only plain files of that account."""
    for ending in OWN_OUTPUTS:
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
