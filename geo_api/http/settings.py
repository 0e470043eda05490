"""Settings of the service: environment variables ``WANGGE_…`` or arguments.

Nothing else reads the environment; values go down as arguments.
"""

from __future__ import annotations

import os
import secrets
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from layers.codes import KEPT_CODE_LAND_SHARE, NATIONAL_GRID_PROFILE, GridProfile, grid_profile
from layers.postgres import MIN_CONNECTIONS, ConnectionLimits, set_pool_size, sqlalchemy_url
from layers.private_server import (
    LONGEST_PAUSE_S,
    MOST_FAILED_STARTS,
    Cluster,
    DiskSpace,
    default_data_dir,
    running_cluster,
)
from layers.tables import ROLES


def _listed(value: str) -> frozenset[str]:
    """Return the parts of a text with commas."""
    return frozenset(part.strip() for part in value.split(",") if part.strip())


class WrongSetting(Exception):
    """A setting has a value that it cannot have."""


class TileSource(BaseModel):
    """Base map of another host, as pictures by zoom, column and row."""

    model_config = ConfigDict(extra="forbid")

    name_zh: str
    name_en: str = ""
    url: str = Field(pattern=r"^https?://[^\s{}]+(\{[zxy]\}[^\s{}]*){3}$")
    datum: Literal["wgs84", "cgcs2000", "gcj02"]
    attribution: str
    max_zoom: int = Field(default=18, ge=1, le=22)


_TILE_SOURCES = TypeAdapter(tuple[TileSource, ...])


class Settings(BaseSettings):
    """Settings of an installation.

    Attributes
    ----------
    data_dir : Path
        Folder of the private cluster and of the secret that signs cursors.
    database_url : str or None
        URL of PostgreSQL; None: the private cluster of ``data_dir``.
    pg_bin : Path or None
        Folder of PostgreSQL's programs for the private cluster; None: they are looked for.
    wal_archive : str
        Folder into which the private cluster writes its log, for restorations to a moment; ``off`` ends that;
        empty: as it was said last for this data folder.
    backup_recipients : str
        Public keys (``age1…``, ``ssh-ed25519 …``) that backups are encrypted to, with commas.
    database_starts : int
        Starts of a private cluster that is gone which may fail in a row, before the service ends.
    database_pause_s : float
        Longest pause before such a start, in seconds; the first pauses are 0, 1, 2, 4 …
    disk_warning_mb, disk_reserve_mb : int
        Free space of the disk of the private cluster in MiB, below which the log warns, and below which
        writes are refused; 0: never.
    connections : int
        Connections to the database that one process may hold, 7 at least.
    secret : SecretStr or None
        Key that signs cursors, the same in all processes; None: made once and kept in ``data_dir``.
    city_file : Path or None
        The city that is served, see docs/city.md; None: ``city.toml`` in ``data_dir``.
    city : str
        Name of the city for a city file that is written because there was none; nothing else reads it.
    chain_keys : Path or None
        Folder of the keys that sign the heads of the chain, see docs/chain.md; None: ``chain_keys`` in
        ``data_dir``.
    attachments : str
        Store of files that are attached to cases: a folder, or a URL of fsspec (``s3://bucket/folder``); empty:
        ``attachments`` in ``data_dir``.
    tile_url, tile_crs, tile_attribution : str
        Optional base map (``https://…/{z}/{x}/{y}.png``), its CRS, and whose it is; empty: no foreign host.
    tile_sources : str
        Several of them as JSON: ``[{"name_zh", "name_en", "url", "datum", "attribution", "max_zoom"}, …]``.
    base_map_file : Path or None
        Base map in a PMTiles file; None: ``base_map.pmtiles`` in ``data_dir``, if it is there.
    chromium : Path or None
        Program that prints reports as PDF; None: the first Chromium on the path. Without one reports are HTML only.
    kept_code_land_share : float
        Share of its land, up to 1, that a unit grid keeps at least to keep its code when its border is corrected.
    grid_profile : str
        Code profile of unit grids: a name, or ``name:parent+kind+running`` digits.
    self_approval : bool
        Whether authors may approve their own change sets: for the demo only, ``wangge check`` calls it a
        fault.
    cookie_secure : bool or None
        None: as the request came (https).
    session_hours : int
        How long a login lasts, however it is used.
    session_idle_minutes : int
        A login that is not used for so long ends; 0: only after ``session_hours``.
    second_factor_roles : str
        Roles whose local accounts must have a second factor, with commas, such as ``supervisor,dispatcher``.
    login_failures, login_window_s : int
        Failed logins of one name from one address before an answer 429, and for how long they count.
    statement_timeout_s : int
        A query of a caller is ended after this time.
    tile_cache_mb : int
        Memory of one process for tiles that were made, in MiB; 0: none is kept.
    ingest_max_bytes, ingest_max_bytes_at_once : int
        Bytes of one batch of fixes, and of all batches that one process holds at once.
    ingest_batches, ingest_writers : int
        Batches that one process takes at once before an answer 429, and those of them that write.
    ingest_max_age_days : int
        Older fixes are rejected over HTTP (``wangge import`` takes them).
    exports, export_timeout_s : int
        Exports that one process makes at once before an answer 429, and how long one may take.
    oidc_issuer, oidc_audience, oidc_jwks_url : str
        Provider whose tokens are accepted; its keys' address when its metadata shall not be asked for it.
    oidc_username_claim, oidc_username_prefix : str
        Claim with the name, and what is put before it so that no token is taken for a local account.
    oidc_role_claim, oidc_roles : str
        Claim with the role, and ``group=role,…`` when the provider names them otherwise.
    oidc_area_claim, oidc_domains_claim, oidc_body_claim : str
        Claims with the code of the area (``*``: the whole city), the domains and the body.
    rate_limits : str
        ``class=per second/burst,…`` for other than the limits of ``geo_api.server.rate_limits``; ``off`` for
        none.
    webhook_networks : str
        Private networks that webhooks may lead to, with commas; empty: public addresses only.
    source_networks : str
        Private networks that sources are fetched from over HTTP, with commas; empty: public addresses only.
    source_secrets : Path or None
        File with the credentials of sources, see docs/sources.md; None: ``source_secrets.toml`` in ``data_dir``.
    source_max_mb : int
        Greatest size of one delivery of a source, in MiB.
    trusted_proxies : str
        Networks whose ``X-Forwarded-For`` is believed, with commas.
    allowed_hosts : str
        Names under which the service answers beside addresses, names without a dot and the machine's own,
        with commas; ``.city.example`` for all under it, ``*`` for any.
    cors_origins : str
        Origins whose pages may call, with commas; ``*`` for all, without cookies.
    access_log_days : int
        Older rows of the access log are removed by ``wangge worker``; 0: never. Half a year is kept at least.
    analyse_cron, old_log_cron, due_changes_cron, sources_cron, deadlines_cron, settle_cron : str
        When ``wangge worker`` analyses, removes old rows of the access log, puts change sets into force whose
        date has come, looks whether a source is due, escalates cases that became late, and adds up the cells
        of tiles (UTC).
    models_dir : Path or None
        Folder with models of the city's own (``*.toml``), see docs/models.md; None: ``models`` in ``data_dir``.
    demo_dir : Path or None
        Folder of the files of demo cities; None: ``demo`` in ``data_dir``.
    log_level : str
        What is logged at least.
    """

    model_config = SettingsConfigDict(env_prefix="WANGGE_", extra="ignore")

    data_dir: Path = Field(default_factory=default_data_dir)
    database_url: str | None = None
    pg_bin: Path | None = None
    wal_archive: str = ""
    backup_recipients: str = ""
    database_starts: int = Field(default=MOST_FAILED_STARTS, ge=1)
    database_pause_s: float = Field(default=LONGEST_PAUSE_S, ge=0, allow_inf_nan=False)
    disk_warning_mb: int = Field(default=5_120, ge=0)
    disk_reserve_mb: int = Field(default=512, ge=0)
    connections: int = ConnectionLimits.total
    secret: SecretStr | None = None
    city_file: Path | None = None
    city: str = ""
    chain_keys: Path | None = None
    attachments: str = ""
    tile_url: str = ""
    tile_crs: Literal["wgs84", "cgcs2000", "gcj02"] = "wgs84"
    tile_attribution: str = ""
    tile_sources: str = ""
    base_map_file: Path | None = None
    chromium: Path | None = None
    grid_profile: str = NATIONAL_GRID_PROFILE.name
    kept_code_land_share: float = Field(default=KEPT_CODE_LAND_SHARE, gt=0, le=1)
    self_approval: bool = False
    cookie_secure: bool | None = None
    session_hours: int = Field(default=12, ge=1)
    session_idle_minutes: int = Field(default=60, ge=0)
    second_factor_roles: str = ""
    login_failures: int = 5
    login_window_s: int = 300
    statement_timeout_s: int = 30
    tile_cache_mb: int = Field(default=64, ge=0)
    ingest_max_bytes: int = 64 * 2**20
    ingest_max_bytes_at_once: int = 256 * 2**20
    ingest_batches: int = 16
    ingest_writers: int = 2
    ingest_max_age_days: int = 366
    exports: int = 4
    export_timeout_s: int = 1_800
    oidc_issuer: str = ""
    oidc_audience: str = ""
    oidc_jwks_url: str = ""
    oidc_username_claim: str = "preferred_username"
    oidc_username_prefix: str = "oidc:"
    oidc_role_claim: str = "wangge_role"
    oidc_roles: str = ""
    oidc_area_claim: str = "wangge_area"
    oidc_domains_claim: str = "wangge_domains"
    oidc_body_claim: str = "wangge_body"
    rate_limits: str = ""
    trusted_proxies: str = ""
    webhook_networks: str = ""
    source_networks: str = ""
    source_secrets: Path | None = None
    source_max_mb: int = Field(default=1_024, ge=1)
    allowed_hosts: str = ""
    cors_origins: str = ""
    access_log_days: int = 0
    analyse_cron: str = "0 18 * * *"
    old_log_cron: str = "30 19 * * *"
    due_changes_cron: str = "* * * * *"
    sources_cron: str = "* * * * *"
    deadlines_cron: str = "*/5 * * * *"
    settle_cron: str = "* * * * *"
    models_dir: Path | None = None
    demo_dir: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator(
        "data_dir",
        "database_url",
        "pg_bin",
        "database_starts",
        "database_pause_s",
        "disk_warning_mb",
        "disk_reserve_mb",
        "connections",
        "city_file",
        "chain_keys",
        "grid_profile",
        "kept_code_land_share",
        "self_approval",
        "analyse_cron",
        "old_log_cron",
        "due_changes_cron",
        "sources_cron",
        "source_secrets",
        "source_max_mb",
        "deadlines_cron",
        "settle_cron",
        "models_dir",
        "demo_dir",
        "base_map_file",
        "chromium",
        mode="before",
    )
    @classmethod
    def _empty_is_not_set(cls, value: object, info: ValidationInfo) -> object:
        """Drop empty variables, as if they were not set, where the empty text has no meaning of its own."""
        field = cls.model_fields[str(info.field_name)]
        return field.get_default(call_default_factory=True) if value == "" else value

    @field_validator("data_dir")
    @classmethod
    def _whole_path(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @field_validator("second_factor_roles")
    @classmethod
    def _known_roles(cls, value: str) -> str:
        if unknown := _listed(value) - (set(ROLES) - {"service"}):
            raise ValueError(f"{min(unknown)!r} is no role of people")
        return value

    @field_validator("tile_sources")
    @classmethod
    def _readable_sources(cls, value: str) -> str:
        if value:
            _TILE_SOURCES.validate_json(value)
        return value

    def base_map_sources(self) -> tuple[TileSource, ...]:
        """Return base maps of other hosts, that of ``tile_url`` first."""
        listed = _TILE_SOURCES.validate_json(self.tile_sources) if self.tile_sources else ()
        if not self.tile_url:
            return listed
        first = TileSource.model_construct(
            name_zh="在线底图",
            name_en="Online base map",
            url=self.tile_url,
            datum=self.tile_crs,
            attribution=self.tile_attribution,
            max_zoom=18,
        )
        return (first, *listed)

    def base_map_path(self) -> Path | None:
        """Return the PMTiles file of the base map; None: there is none."""
        if self.base_map_file is not None:
            return self.base_map_file
        return path if (path := self.data_dir / "base_map.pmtiles").exists() else None

    def url(self) -> str:
        """Return the database of this installation, as SQLAlchemy takes it.

        The private cluster is started if it is not up.
        """
        if self.database_url is not None:
            return sqlalchemy_url(self.database_url)
        return running_cluster(self.data_dir, programs=self.pg_bin, archive=self.wal_archive).url

    def open_database(self) -> str:
        """Return the URL of the database, to which this process may hold as many connections as are set."""
        url = self.url()
        set_pool_size(url, self.limits().pool)
        return url

    def cluster(self) -> Cluster:
        """Return the private cluster of the data folder, as it is."""
        return Cluster(self.data_dir, programs=self.pg_bin, archive=self.wal_archive)

    def served_cluster(self) -> Cluster | None:
        """Return the private cluster, also where its address was filled in; None: the database is another's."""
        cluster = self.cluster()
        return cluster if self.database_url in (None, cluster.url) else None

    def disk_space(self) -> DiskSpace:
        """Free space of the disk of the data folder."""
        return DiskSpace(self.data_dir, warning_mib=self.disk_warning_mb, reserve_mib=self.disk_reserve_mb)

    def limits(self) -> ConnectionLimits:
        """Return the number of connections that one process may hold."""
        return ConnectionLimits(max(MIN_CONNECTIONS, self.connections))

    def recipients(self) -> tuple[str, ...]:
        """Public keys that backups are encrypted to."""
        return tuple(key.strip() for key in self.backup_recipients.split(",") if key.strip())

    def models_folder(self) -> Path:
        """Return the folder with models of the city's own; it need not be there."""
        return self.models_dir or self.data_dir / "models"

    def city_path(self) -> Path:
        """Return the file of the city that is served."""
        return self.city_file or self.data_dir / "city.toml"

    def chain_keys_folder(self) -> Path:
        """Return the folder of the keys that sign the heads of the chain."""
        return self.chain_keys or self.data_dir / "chain_keys"

    def deliveries_folder(self) -> Path:
        """Return the folder of what sources delivered."""
        return self.data_dir / "deliveries"

    def call_journals_folder(self) -> Path:
        """Return the folder of rows of the access log that are not in the database yet."""
        return self.data_dir / "access_journals"

    def snapshots_folder(self) -> Path:
        """Return the folder of the snapshots behind alerts and cases."""
        return self.data_dir / "snapshots"

    def attachments_place(self) -> str:
        """Return the folder or URL of the store of attached files."""
        return self.attachments or str((self.data_dir / "attachments").absolute())

    def unit_grid_profile(self) -> GridProfile:
        """Code profile of unit grids.

        Raises
        ------
        InvalidIdentifier
            A definition that cannot be read.
        """
        return grid_profile(self.grid_profile)

    def allowed_origins(self) -> frozenset[str]:
        """Origins whose pages may call with cookies."""
        return frozenset(o.strip().rstrip("/") for o in self.cors_origins.split(",") if o.strip()) - {"*"}

    def roles_with_second_factor(self) -> frozenset[str]:
        """Roles whose accounts may do nothing before they have a second factor."""
        return _listed(self.second_factor_roles)

    def host_names(self) -> frozenset[str]:
        """Names under which the service answers."""
        return frozenset(name.lower() for name in _listed(self.allowed_hosts))

    def shared_count(self) -> Path:
        """Return the file of the count by which all processes of this machine hear of changed accounts."""
        return self.data_dir / "accounts.count"

    def signing_key(self) -> bytes:
        """Return the key that signs cursors: ``secret``, else made once and kept in the data folder (mode 0600)."""
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


def read_settings() -> Settings:
    """Return the settings of this process's environment.

    Raises
    ------
    WrongSetting
        A variable has a value that it cannot have; the message names it.
    """
    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(
            f"WANGGE_{str(fault['loc'][0]).upper()}={fault['input']!r}: {fault['msg']}"
            for fault in error.errors()
        )
        raise WrongSetting(f"设置有误 wrong settings: {wrong}") from error


def installed_version() -> str:
    """Version of the installed distribution; ``0+source`` when run from a checkout that is not installed."""
    try:
        return metadata.version("wangge")
    except metadata.PackageNotFoundError:
        return "0+source"
