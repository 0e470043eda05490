"""Errors of pictures.

::

    MapError
    ├── MissingAsset       a map element wants a file that is not shipped
    ├── InvalidLayer       a layer that cannot be drawn
    ├── ChromiumMissing    a PDF is wanted where no Chromium is installed
    └── PrintingFailed     Chromium did not print a page
"""

from __future__ import annotations


class MapError(Exception):
    """Base of this package's errors."""


class MissingAsset(MapError):
    """A map element wants a file that is not shipped; the page would ask another host for it."""

    def __init__(self, name: str, url: str) -> None:
        super().__init__(f"no shipped file for {name!r} ({url})")
        self.name = name
        self.url = url


class InvalidLayer(MapError):
    """A layer that cannot be drawn; the message says why."""


class ChromiumMissing(MapError):
    """A PDF is wanted where no Chromium is installed; it names what was looked for."""

    def __init__(self, sought: str) -> None:
        self.message_en = (
            f"no Chromium ({sought}): reports are HTML only; apt-get install chromium fonts-noto-cjk,"
            " or name one in WANGGE_CHROMIUM"
        )
        self.message_zh = (
            f"未安装 Chromium（{sought}），报告只有 HTML；请安装 chromium 与 fonts-noto-cjk，"
            "或以 WANGGE_CHROMIUM 指定"
        )
        super().__init__(f"{self.message_en} · {self.message_zh}")


class PrintingFailed(MapError):
    """Chromium did not print a page."""

    def __init__(self, reason_en: str, reason_zh: str) -> None:
        self.message_en = f"the report was not printed: {reason_en}"
        self.message_zh = f"报告未能打印：{reason_zh}"
        super().__init__(f"{self.message_en} · {self.message_zh}")
