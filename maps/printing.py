"""Reports as PDF: Chromium prints the page on A4, in its sandbox, without a network.

It gets nothing of this process's environment. It is optional: without one a report is HTML only. When this process is
root, Chromium runs as ``nobody``, since its sandbox needs an account without rights.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from threading import BoundedSemaphore

from maps.errors import ChromiumMissing, PrintingFailed

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MOST_AT_ONCE = 2
"""Browsers at a time: each takes some 200 MB."""
WAIT_S = 10
PRINT_S = 60
CONTENT_WIDTH_PX = 703
"""Width of an A4 page between its margins of 12 mm, at 96 px an inch: the map is drawn for it."""
PADDING_PX = 32
ARGUMENTS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=http://127.0.0.1:9",
    f"--window-size={CONTENT_WIDTH_PX + PADDING_PX},1200",
    "--no-pdf-header-footer",
)
_places = BoundedSemaphore(MOST_AT_ONCE)


def find_chromium(named: Path | None = None) -> Path:
    """Return the Chromium of this machine: the one that is named, else the first on the path.

    Raises
    ------
    ChromiumMissing
        There is none.
    """
    if named is not None:
        if os.access(named, os.X_OK):
            return named
        raise ChromiumMissing(str(named))
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise ChromiumMissing(", ".join(NAMES))
    return Path(found)


def can_print(named: Path | None = None) -> bool:
    """Return whether there is a Chromium."""
    try:
        find_chromium(named)
    except ChromiumMissing:
        return False
    return True


def print_pdf(html: str, chromium: Path) -> bytes:
    """Return a page as PDF.

    Raises
    ------
    PrintingFailed
        Chromium did not print it in time, or too many prints wait already.
    """
    if not _places.acquire(timeout=WAIT_S):
        raise PrintingFailed("other reports are being printed", "其他报告正在打印")
    try:
        with tempfile.TemporaryDirectory(prefix="wangge-print-") as name:
            return _printed(html, chromium, Path(name))
    finally:
        _places.release()


def _printed(html: str, chromium: Path, folder: Path) -> bytes:
    page, printed = folder / "page.html", folder / "page.pdf"
    page.write_text(html, encoding="utf-8")
    account = _account()
    if account is not None:
        for path in (folder, page):
            os.chown(path, account.pw_uid, account.pw_gid)
    command = [
        str(chromium), *ARGUMENTS, f"--user-data-dir={folder / 'profile'}", f"--print-to-pdf={printed}", page.as_uri(),
    ]  # fmt: skip
    environment = {"HOME": str(folder), "PATH": os.defpath, "LANG": "C.UTF-8", "TMPDIR": str(folder)}
    rights = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        done = subprocess.run(
            command, env=environment, cwd=folder, capture_output=True, timeout=PRINT_S, check=False, **rights
        )  # type: ignore[call-overload]
    except subprocess.TimeoutExpired as error:
        raise PrintingFailed(f"no page within {PRINT_S} s", f"{PRINT_S} 秒内未完成") from error
    if done.returncode or not printed.is_file():
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise PrintingFailed(f"exit {done.returncode} {' '.join(last)}", f"退出码 {done.returncode}")
    return printed.read_bytes()


def _account() -> pwd.struct_passwd | None:
    """Return the account that Chromium runs as; None: this process's own."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None
