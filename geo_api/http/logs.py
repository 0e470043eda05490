"""Logs: one JSON object a line on standard error.

Passwords, cookies, tokens and query strings never get in.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import logging
import sys
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, WrappedLogger

SECRET_KEYS = frozenset({"password", "cookie", "authorization", "token", "csrf_token", "secret", "plate"})


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace the value of a key that names a secret.

    Examples
    --------
    >>> hide_secrets(None, "info", {"event": "x", "password": "p"})
    {'event': 'x', 'password': '***'}
    """
    return {key: "***" if key.lower() in SECRET_KEYS else value for key, value in event.items()}


class StandardError:
    """Standard error whose full disk or closed pipe loses lines, and is no fault of a request."""

    def write(self, text: str) -> None:
        """Write, if it can be written."""
        with contextlib.suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Hand over what was written."""
        with contextlib.suppress(OSError):
            sys.stderr.flush()


_stderr = StandardError()
_told = {"requests": True}


def configure_logs(level: str) -> None:
    """Set up structlog for this process."""
    _told["requests"] = getattr(logging, level.upper()) <= logging.INFO
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _stderr)),
        cache_logger_on_first_use=False,
    )


def request_line(
    *, method: str, path: str, status: int, ms: float, request_id: str, user: str | None
) -> None:
    """One line about one request, as structlog would write it: at once, since every request has one."""
    if not _told["requests"]:
        return
    line = {
        "method": method,
        "path": path.encode("utf-8", "replace").decode(),
        "status": status,
        "ms": ms,
        "request_id": request_id,
        "user": user,
        "event": "request",
        "level": "info",
        "timestamp": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
    }
    _stderr.write(orjson.dumps(line).decode() + "\n")
    _stderr.flush()


class JsonLines(logging.Formatter):
    """Records of libraries (the server's own) as the same JSON lines."""

    def format(self, record: logging.LogRecord) -> str:
        """One record."""
        event: dict[str, Any] = {
            "event": record.getMessage(),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat().replace("+00:00", "Z"),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def uvicorn_logging() -> dict[str, Any]:
    """Return the configuration of the loggers of server and private database.

    Warnings and worse, as JSON lines on standard error.
    """
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "geo_api.http.logs.JsonLines"}},
        "handlers": {
            "lines": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}
        },
        "loggers": {
            name: {"handlers": ["lines"], "level": "WARNING", "propagate": False}
            for name in ("uvicorn", "layers")
        },
    }
