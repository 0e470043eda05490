"""Logs: one JSON object a line on standard error; passwords, cookies, tokens and query strings never get in."""

from __future__ import annotations

import logging
import sys

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


def configure_logs(level: str) -> None:
    """Set up structlog for this process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            hide_secrets,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
