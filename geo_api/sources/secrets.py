"""Credentials of sources: a file of the installation that only its account reads, never ``city.toml``."""

from __future__ import annotations

import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geo_api.sources.found import SourceFailed


def secret_of(path: Path, name: str) -> Mapping[str, Any]:
    """Return the credentials of a name: ``url`` of a database, or ``headers`` of HTTP.

    Raises
    ------
    SourceFailed
        No such file or name, or a file that others may read. No value is told.
    """
    try:
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SourceFailed(
                f"{path}: others may read it: chmod 600", f"{path}：权限过宽，请执行 chmod 600"
            )
        found = tomllib.loads(path.read_text(encoding="utf-8")).get(name)
    except (OSError, ValueError) as error:
        raise SourceFailed(f"{path}: no readable file of secrets", f"{path}：无法读取凭据文件") from error
    if not isinstance(found, dict):
        raise SourceFailed(f"{path}: holds no [{name}]", f"{path}：缺少 [{name}]")
    return found


def database_url(path: Path, name: str) -> str:
    """Return the URL of the database of a name."""
    url = secret_of(path, name).get("url")
    if not isinstance(url, str):
        raise SourceFailed(f"{path}: [{name}] has no url", f"{path}：[{name}] 缺少 url")
    return url


def http_headers(path: Path, name: str) -> dict[str, str]:
    """Return the headers of a name."""
    headers = secret_of(path, name).get("headers", {})
    if not isinstance(headers, dict) or not all(isinstance(one, str) for one in headers.values()):
        raise SourceFailed(f"{path}: [{name}] headers are no texts", f"{path}：[{name}] 的 headers 应为文本")
    return headers
