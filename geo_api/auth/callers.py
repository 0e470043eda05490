"""Callers and the permissions of each role. The database decides which *rows* a role sees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from geo_api.http.errors import Problem
from layers.postgres import PUBLIC, Scope

MAY: Mapping[str, frozenset[str]] = {
    "read_alerts": frozenset({"viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "read_cases": frozenset({"viewer", "grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "read_tracks": frozenset({"officer", "dispatcher", "supervisor", "service"}),
    "read_plates": frozenset({"dispatcher", "supervisor"}),
    "record_outcome": frozenset({"officer", "dispatcher", "supervisor"}),
    "report_clues": frozenset({"grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "read_clues": frozenset({"grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "decide_clues": frozenset({"grid_manager", "dispatcher", "supervisor"}),
    "open_cases": frozenset({"grid_manager", "dispatcher", "supervisor", "service"}),
    "move_cases": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "pack_cases": frozenset({"dispatcher", "supervisor"}),
    "edit_sites": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "edit_places": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "edit_areas": frozenset({"grid_manager", "supervisor"}),
    "write_tracks": frozenset({"dispatcher", "service"}),
    "read_change_sets": frozenset({"grid_manager", "officer", "dispatcher", "supervisor"}),
    "read_imports": frozenset({"grid_manager", "officer", "dispatcher", "supervisor", "service"}),
    "undo_imports": frozenset({"dispatcher", "supervisor"}),
    "read_sources": frozenset({"dispatcher", "supervisor"}),
    "decide_deliveries": frozenset({"dispatcher", "supervisor"}),
    "see_officers": frozenset({"dispatcher", "supervisor"}),
    "see_grid_workers": frozenset({"grid_manager", "dispatcher", "supervisor"}),
    "send_officers": frozenset({"dispatcher"}),
    "read_dispatches": frozenset({"officer", "dispatcher", "supervisor"}),
    "answer_calls": frozenset({"officer", "dispatcher"}),
    "edit_registers": frozenset({"dispatcher", "supervisor"}),
    "propose_duties": frozenset({"dispatcher", "supervisor"}),
    "approve_duties": frozenset({"supervisor"}),
    "put_models_in_force": frozenset({"supervisor"}),
    "set_budgets": frozenset({"dispatcher", "supervisor"}),
    "read_originals": frozenset({"supervisor"}),
    "take_down": frozenset({"supervisor"}),
    "manage_webhooks": frozenset({"dispatcher", "supervisor", "service"}),
    "read_access_log": frozenset({"supervisor"}),
}
"""Which roles may do what."""

CHALLENGE = 'Bearer realm="wangge"'
"""What a 401 asks for (RFC 6750)."""


@dataclass(frozen=True)
class Caller:
    """Caller of a request.

    Attributes
    ----------
    scope : Scope
        What the database lets the caller see.
    display_name, area_code, csrf_token : str or None
        Of the account; None when not logged in.
    by_key, by_token : bool
        The caller sent an API key, or a token of the identity provider, and no cookie: there is no page to
        prove.
    granted : frozenset of str or None
        Of a key that may do less than a role; None: what the role may.
    key_name : str or None
        Name of the API key that was sent.
    read_only : bool
        The key only reads: unsafe methods are refused.
    enrolling : str or None
        Name of an account that must set up its second factor before it may do anything: until then it has no
        scope.
    """

    scope: Scope = PUBLIC
    display_name: str | None = None
    area_code: str | None = None
    csrf_token: str | None = None
    by_key: bool = False
    by_token: bool = False
    granted: frozenset[str] | None = None
    key_name: str | None = None
    read_only: bool = False
    enrolling: str | None = None

    @property
    def logged_in(self) -> bool:
        """Return whether there is an account."""
        return self.scope.username is not None

    @property
    def username(self) -> str:
        """Name of the account; empty when there is none."""
        return self.scope.username or ""

    @property
    def role(self) -> str:
        """Role of the account, or ``public``."""
        return self.scope.role

    @property
    def areas_in_reach(self) -> tuple[int, ...] | None:
        """Areas of the caller, every version of them; None: the whole city."""
        return None if self.scope.city_wide else self.scope.area_ids

    @property
    def by_header(self) -> bool:
        """Return whether the credential came in a header, which no foreign page can make a browser send."""
        return self.by_key or self.by_token

    def may(self, permission: str) -> bool:
        """Return whether the caller has a permission of ``MAY``."""
        if self.granted is not None:
            return permission in self.granted
        return self.scope.role in MAY[permission]

    @property
    def reads_rows_of_areas(self) -> bool:
        """Return whether the database shows this role any row of an area; not to a key that only sends."""
        return self.logged_in and self.may("read_alerts")

    def check(self, permission: str) -> None:
        """Refuse unless the caller is logged in and the role has the permission."""
        self.check_login()
        if not self.may(permission):
            raise Problem(
                "not-allowed", f"The role {self.role} may not {permission}.", f"角色 {self.role} 无此权限。"
            )

    def check_login(self) -> None:
        """Refuse callers who are not logged in."""
        if self.enrolling is not None:
            raise Problem(
                "enrolment-needed",
                "Set up the second factor first: POST /v1/account/second-factor.",
                "请先设置二次验证。",
            )
        if not self.logged_in:
            raise unauthenticated("Log in first: POST /v1/login.", "请先登录。")


def unauthenticated(detail: str, detail_zh: str, *, error: str = "") -> Problem:
    """Return a 401 with its ``WWW-Authenticate``; ``error`` is a code of RFC 6750 when a token was sent."""
    said = detail.encode("ascii", "replace").decode().replace('"', "'").replace("\\", "/")
    challenge = f'{CHALLENGE}, error="{error}", error_description="{said}"' if error else CHALLENGE
    return Problem("login-required", detail, detail_zh, headers={"WWW-Authenticate": challenge})
