"""Settings of the service: environment variables ``WANGGE_…`` or arguments."""

from __future__ import annotations

import os
import secrets
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

import layers.database


def _data_dir() -> Path:
    from layers.cluster import default_data_dir

    return default_data_dir()


class Settings(BaseSettings):
    """What an installation may set.

    Attributes
    ----------
    data_dir : Path
        Folder of the private cluster and of the secret that signs cursors.
    database_url : str or None
        SQLAlchemy URL; None: ``layers.database.database_url()``.
    city : str
        Name shown by the landing page and the console.
    tile_url, tile_crs : str
        Optional base map (``https://…/{z}/{x}/{y}.png``) and its CRS; empty: no base map and no foreign host.
    cookie_secure : bool or None
        None: as the request came (https).
    session_hours : int
        How long a login lasts.
    login_failures, login_window_s : int
        Failed logins of one name from one address before an answer 429, and for how long they count.
    statement_timeout_s : int
        A query of a caller is ended after this time.
    ingest_max_bytes, ingest_max_bytes_at_once : int
        Bytes of one batch of fixes, and of all batches that one process holds at once.
    ingest_batches, ingest_writers : int
        Batches that one process takes at once before an answer 429, and those of them that write.
    ingest_max_age_days : int
        Older fixes are rejected over HTTP (``wangge import`` takes them).
    exports, export_timeout_s : int
        Exports that one process makes at once before an answer 429, and how long one may take.
    """

    model_config = SettingsConfigDict(env_prefix="WANGGE_", extra="ignore")

    data_dir: Path = Field(default_factory=_data_dir)
    database_url: str | None = None
    secret: SecretStr | None = None
    city: str = "南通市 Nantong"
    tile_url: str = ""
    tile_crs: Literal["wgs84", "gcj02"] = "wgs84"
    cookie_secure: bool | None = None
    session_hours: int = 12
    login_failures: int = 5
    login_window_s: int = 300
    statement_timeout_s: int = 30
    ingest_max_bytes: int = 64 * 2**20
    ingest_max_bytes_at_once: int = 256 * 2**20
    ingest_batches: int = 16
    ingest_writers: int = 2
    ingest_max_age_days: int = 366
    exports: int = 4
    export_timeout_s: int = 1_800
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def url(self) -> str:
        """The database of this installation, as SQLAlchemy takes it."""
        if self.database_url is None:
            return layers.database.database_url()
        plain = self.database_url.replace("postgres://", "postgresql://", 1)
        return plain.replace("postgresql://", "postgresql+psycopg://", 1)

    def signing_key(self) -> bytes:
        """The key that signs cursors: ``secret``, else made once and kept in the data folder (mode 0600)."""
        if self.secret is not None:
            return self.secret.get_secret_value().encode()
        path = self.data_dir / "secret"
        if not path.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            fresh = path.with_name(f"secret.{os.getpid()}")
            fresh.touch(mode=0o600)
            fresh.write_text(secrets.token_urlsafe(48))
            try:
                os.link(fresh, path)  # the first of several starting processes wins
            except FileExistsError:
                pass
            fresh.unlink()
        return path.read_text().encode()


def installed_version() -> str:
    """Version of the installed distribution; ``0+source`` when run from a checkout that is not installed."""
    try:
        return metadata.version("wangge")
    except metadata.PackageNotFoundError:
        return "0+source"
