"""Passphrases, second factors, known devices, and the throttle of logins."""

from __future__ import annotations

from geo_api.credentials.browsers import Browser, read_browser
from geo_api.credentials.known_devices import DEVICE_COOKIE, DEVICE_DAYS, add_device, find_device
from geo_api.credentials.login_throttle import LoginThrottle
from geo_api.credentials.passphrases import MIN_LENGTH, check_passphrase
from geo_api.credentials.second_factor import (
    Enrolment,
    FactorState,
    check_code,
    confirm_enrolment,
    factor_state,
    has_factor,
    new_recovery_codes,
    remove_factor,
    start_enrolment,
)

__all__ = [
    "DEVICE_COOKIE",
    "DEVICE_DAYS",
    "MIN_LENGTH",
    "Browser",
    "Enrolment",
    "FactorState",
    "LoginThrottle",
    "add_device",
    "check_code",
    "check_passphrase",
    "confirm_enrolment",
    "factor_state",
    "find_device",
    "has_factor",
    "new_recovery_codes",
    "read_browser",
    "remove_factor",
    "start_enrolment",
]
