"""Registers of bodies, officers and matters: limits as they are written, checks and writing of versions."""

from grid.registers.checking import check_duty_bodies, check_versions
from grid.registers.limits import read_limits
from grid.registers.versions import (
    KEYS,
    add_unconfirmed_bodies,
    add_unconfirmed_matters,
    has_confirmed_body,
    set_alert_matters,
    write_versions,
)

__all__ = [
    "KEYS",
    "add_unconfirmed_bodies",
    "add_unconfirmed_matters",
    "check_duty_bodies",
    "check_versions",
    "has_confirmed_body",
    "read_limits",
    "set_alert_matters",
    "write_versions",
]
