"""Rights of this process: root's are given up for those of the unprivileged account that runs the server."""

from __future__ import annotations

import ctypes
import os
import pwd
import stat
from collections.abc import Iterable
from pathlib import Path

from layers.private_server.settings import ServerUser

_NO_NEW_PRIVILEGES = 38
"""``PR_SET_NO_NEW_PRIVS`` of Linux: no program that this process starts gets more rights than it has."""


def give_up_root(user: ServerUser) -> None:
    """Become that account for good: no id, group or capability of root is left. Does nothing for other users.

    Raises
    ------
    OSError
        The system refuses, or root's rights could be taken back.
    """
    if os.geteuid() != 0:
        return
    os.setgroups(os.getgrouplist(user.name, user.gid))
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)  # Linux clears the capabilities with it
    if os.getresuid() != (user.uid,) * 3:
        raise OSError(f"the rights of root were not given up for {user.name}")
    ctypes.CDLL(None, use_errno=True).prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    try:
        os.environ["HOME"] = pwd.getpwuid(user.uid).pw_dir
    except KeyError:  # a number without a name
        os.environ.pop("HOME", None)


def closed_path(user: ServerUser, paths: Iterable[Path]) -> Path | None:
    """Return the first folder or file on the way to one of the paths that the account may not enter or read."""
    groups = {user.gid, *os.getgrouplist(user.name, user.gid)}
    for path in paths:
        whole = path.resolve()
        for step in (*reversed(whole.parents), whole):
            found = step.stat()
            needed = stat.S_IXOTH if step != whole else stat.S_IROTH
            if stat.S_ISDIR(found.st_mode) and step == whole:
                needed = stat.S_IROTH | stat.S_IXOTH
            if found.st_uid == user.uid:
                needed <<= 6
            elif found.st_gid in groups:
                needed <<= 3
            if found.st_mode & needed != needed:
                return step
    return None


def hand_over(folder: Path, user: ServerUser) -> None:
    """Give root's own folder and files in it to the account; links and folders inside stay as they are.

    Nothing is followed: the account may have put a link or a second name of somebody else's file there.

    Raises
    ------
    OSError
        The folder is a link, or no folder.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(opened).st_uid == 0:
            os.fchown(opened, user.uid, user.gid)
        for name in os.listdir(opened):
            if stat.S_ISREG(os.stat(name, dir_fd=opened, follow_symlinks=False).st_mode):
                _hand_over_file(name, opened, user)
    finally:
        os.close(opened)


def _hand_over_file(name: str, folder: int, user: ServerUser) -> None:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        found = os.fstat(descriptor)
        if stat.S_ISREG(found.st_mode) and found.st_uid == 0 and found.st_nlink == 1:
            os.fchown(descriptor, user.uid, user.gid)
    finally:
        os.close(descriptor)


def give_to_owner_of(folder: Path, descriptor: int) -> None:
    """Give a file that root writes into a folder to the folder's owner, whose service shall read it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
