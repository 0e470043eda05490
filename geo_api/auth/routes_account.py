"""The own account: password, second factor, API keys, and the list of logins."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request, Response
from sqlalchemy.orm import Session

from geo_api.auth.access import COOKIE, CallerDep, SystemDb
from geo_api.auth.accounts import change_password, end_of_login, find_login, is_password, used_since
from geo_api.auth.api_keys import MOST_DAYS, MOST_KEYS, READER, create_own_key
from geo_api.auth.callers import Caller, unauthenticated
from geo_api.auth.login_tries import Try, address_of, answer_with_login, check_second_factor
from geo_api.auth.schemas import (
    AccountDocument,
    CodeProof,
    EndedKeys,
    EndedLogins,
    Enrolment,
    FirstCode,
    MadeKey,
    NewKey,
    NewPassword,
    OpenedLogin,
    OwnKeys,
    PasswordProof,
    RecoveryCodes,
)
from geo_api.credentials import (
    confirm_enrolment,
    factor_state,
    has_factor,
    new_recovery_codes,
    read_browser,
    remove_factor,
    start_enrolment,
)
from geo_api.http.caching import NEVER_KEPT, PRIVATE
from geo_api.http.errors import Problem
from geo_api.http.representations import json_response
from geo_api.http.request_bodies import JsonRoute
from layers.city import city_in_force
from layers.records import accounts
from layers.tables import ApiKey, LoginSession, User

router = APIRouter(prefix="/v1/account", tags=["login"], route_class=JsonRoute)


@dataclass(frozen=True)
class Owner:
    """The account of a login by cookie, and that login."""

    user: User
    login: LoginSession

    def check_password(self, request: Request, db: Session, password: str, code: str | None = None) -> None:
        """Refuse a wrong password, and a wrong code where one is given; wrong ones of this login are counted.

        Raises
        ------
        Problem
        """
        state, token = request.app.state, self.login.token_hash
        tried = Try(state.login_throttle, self.user.username, address_of(request), f"login {token}")
        tried.begin()
        if not is_password(self.user, password):
            raise Problem("login-failed", "The password of now is wrong.", "当前密码错误。")
        if code is not None:
            check_second_factor(db, state.signing_key, self.user, code)
        tried.succeeded()


def owner_of(request: Request, caller: CallerDep, db: SystemDb) -> Owner:
    """Return the caller's account, of a login by cookie; keys and tokens have none.

    Raises
    ------
    Problem
    """
    if caller.by_header:
        raise Problem("not-allowed", "Keys and tokens have no account here.", "密钥和令牌没有可管理的账号。")
    idle_minutes = request.app.state.settings.session_idle_minutes
    found = find_login(db, request.cookies.get(COOKIE, ""), idle_minutes)
    if found is None:
        raise unauthenticated("Log in first: POST /v1/login.", "请先登录。")
    return Owner(*found)


def whole_caller(caller: CallerDep) -> Caller:
    """Return the caller, unless nothing but the second factor is allowed yet."""
    caller.check_login()
    return caller


LoginId = Annotated[int, Path(ge=1, lt=2**63)]
OwnerDep = Annotated[Owner, Depends(owner_of, scope="function")]
WHOLE = [Depends(whole_caller)]


@router.get("", response_model=AccountDocument)
def get_account(request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Return the own account: its second factor and its logins."""
    settings = request.app.state.settings
    user, state = owner.user, factor_state(db, owner.user)
    logins = accounts.logins_of(db, user.id, used_since(settings.session_idle_minutes))
    body = {
        "username": user.username,
        "display_name": user.display_name,
        "role": user.role,
        "second_factor": {
            "enrolled": state.enrolled,
            "required": user.role in settings.roles_with_second_factor(),
            "since": state.since,
            "recovery_codes_left": state.recovery_codes_left,
        },
        "logins": [_login_document(owner, login, settings.session_idle_minutes) for login in logins],
        "idle_minutes": settings.session_idle_minutes,
        "session_hours": settings.session_hours,
    }
    return json_response(body, headers={"Cache-Control": PRIVATE})


def _login_document(owner: Owner, login: LoginSession, idle_minutes: int) -> dict[str, Any]:
    browser = read_browser(login.user_agent)
    return {
        "id": login.id,
        "opened_at": login.created_at,
        "last_used_at": login.last_used_at,
        "ends_at": end_of_login(login, idle_minutes),
        "address": login.address,
        "browser": browser.name,
        "system": browser.system,
        "this_one": login.id == owner.login.id,
    }


@router.post("/password", response_model=OpenedLogin, dependencies=WHOLE)
def set_password(body: NewPassword, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Set another password.

    Every login and API key of the account ends; this login goes on with a new cookie and CSRF token.
    """
    user = owner.user
    owner.check_password(request, db, body.password)
    change_password(db, user, body.new_password)
    return answer_with_login(request, db, user)


@router.post("/second-factor", response_model=Enrolment)
def start_second_factor(body: PasswordProof, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Make a secret for one-time codes; it is in force once a first code confirms it."""
    if has_factor(db, owner.user):
        raise Problem("conflict", "Remove the second factor that is there first.", "请先移除现有的二次验证。")
    owner.check_password(request, db, body.password)
    city = city_in_force()
    issuer = f"网格 {city.name_zh or city.name_en}".strip().replace(":", " ")
    made = start_enrolment(db, request.app.state.signing_key, owner.user, issuer)
    answer = {"secret": made.secret, "uri": made.uri, "picture": made.picture}
    return json_response(answer, headers=NEVER_KEPT)


@router.post("/second-factor/confirm", response_model=RecoveryCodes)
def confirm_second_factor(body: FirstCode, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Put the second factor in force; other logins of the account, opened without it, end."""
    codes = confirm_enrolment(db, request.app.state.signing_key, owner.user, body.code)
    if codes is None:
        raise Problem(
            "second-factor-failed",
            "The code is not one of the new secret. Is the phone's clock right?",
            "验证码与新密钥不符，请检查手机时间。",
        )
    accounts.end_other_logins(db, owner.user.id, owner.login.token_hash)
    return json_response({"recovery_codes": codes}, headers=NEVER_KEPT)


@router.post("/second-factor/remove", response_model=EndedLogins, dependencies=WHOLE)
def remove_second_factor(body: CodeProof, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Remove the second factor; a code of it is needed. Other logins of the account end."""
    _check_both(body, request, owner, db)
    remove_factor(db, owner.user)
    ended = accounts.end_other_logins(db, owner.user.id, owner.login.token_hash)
    return json_response({"ended": ended}, headers=NEVER_KEPT)


@router.post("/recovery-codes", response_model=RecoveryCodes, dependencies=WHOLE)
def renew_recovery_codes(body: CodeProof, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Make new recovery codes; the former ones end."""
    _check_both(body, request, owner, db)
    return json_response({"recovery_codes": new_recovery_codes(db, owner.user)}, headers=NEVER_KEPT)


def _check_both(body: CodeProof, request: Request, owner: Owner, db: Session) -> None:
    """Refuse unless password and code are right."""
    if not has_factor(db, owner.user):
        raise Problem("conflict", "There is no second factor.", "尚未设置二次验证。")
    owner.check_password(request, db, body.password, body.code)


@router.get("/keys", response_model=OwnKeys, dependencies=WHOLE)
def get_keys(owner: OwnerDep, db: SystemDb) -> Response:
    """Return the API keys of the own account that hold now; none can be read any more."""
    found = accounts.keys_of(db, owner.user.id, dt.datetime.now(dt.UTC))
    body = {"keys": [_key_document(each) for each in found], "most_keys": MOST_KEYS, "most_days": MOST_DAYS}
    return json_response(body, headers={"Cache-Control": PRIVATE})


@router.post("/keys", response_model=MadeKey, dependencies=WHOLE, status_code=201)
def add_key(body: NewKey, request: Request, owner: OwnerDep, db: SystemDb) -> Response:
    """Make an API key of the own account, which acts as the account does; `key` is shown this once."""
    user = owner.user
    enrolled = has_factor(db, user)
    if enrolled and body.code is None:
        raise Problem("second-factor-failed", "Send a code of the second factor.", "请输入二次验证的验证码。")
    owner.check_password(request, db, body.password, body.code if enrolled else None)
    key, stored = create_own_key(db, user, name=body.name, days=body.days, read_only=body.read_only)
    return json_response(_key_document(stored) | {"key": key}, status=201, headers=NEVER_KEPT)


@router.delete("/keys/{key_id}", response_model=EndedKeys, dependencies=WHOLE)
def end_key(key_id: LoginId, owner: OwnerDep, db: SystemDb) -> Response:
    """End one API key of the own account, at once."""
    if not accounts.revoke_key(db, owner.user.id, key_id):
        raise Problem("not-found", "There is no such key.", "没有此密钥。")
    return json_response({"ended": 1}, headers=NEVER_KEPT)


def _key_document(key: ApiKey) -> dict[str, Any]:
    names = ("id", "name", "created_at", "last_used_at", "expires_at")
    return {name: getattr(key, name) for name in names} | {"read_only": key.role in (READER, "viewer")}


@router.delete("/logins/{login_id}", response_model=EndedLogins, dependencies=WHOLE)
def end_login(login_id: LoginId, owner: OwnerDep, db: SystemDb) -> Response:
    """End one login of the own account."""
    if not accounts.end_login_of(db, owner.user.id, login_id):
        raise Problem("not-found", "There is no such login.", "没有此登录。")
    return json_response({"ended": 1}, headers=NEVER_KEPT)


@router.delete("/logins", response_model=EndedLogins, dependencies=WHOLE)
def end_other_logins(owner: OwnerDep, db: SystemDb) -> Response:
    """End every login of the own account but this one."""
    ended = accounts.end_other_logins(db, owner.user.id, owner.login.token_hash)
    return json_response({"ended": ended}, headers=NEVER_KEPT)
