"""Problems that an operation can answer: one table, by the dependencies of its route."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from geo_api.areas.routes_drafts import known_version
from geo_api.auth.access import current_caller, scoped_session, system_session
from geo_api.cases.routes_cases import known_hashes
from geo_api.features.parameters import filter_parameter, published_collection
from geo_api.features.routes_edits import expected_version, feature_patch, whole_feature
from geo_api.http.errors import TITLES
from geo_api.http.parameters import known_parameters
from geo_api.registers.routes_registers import known_tags
from geo_api.server.rate_limits import class_of

BY_DEPENDENCY: Mapping[Callable[..., Any], tuple[int, ...]] = {
    known_parameters: (400,),
    current_caller: (401, 403, 503, 507),
    scoped_session: (503, 507),
    system_session: (503, 507),
    published_collection: (404,),
    filter_parameter: (422,),
    whole_feature: (408, 409, 413, 415, 422),
    feature_patch: (408, 409, 413, 415, 422),
    expected_version: (409, 412, 428),
    known_hashes: (412, 428),
    known_tags: (409, 412, 428),
    known_version: (412, 428),
}
"""Statuses that a dependency can end a request with, or that come of what it does."""
BY_OPERATION: Mapping[str, tuple[int, ...]] = {
    "addCaseEvent": (409,),
    **dict.fromkeys(
        (
            "sendOneOfficer",
            "acceptDispatch",
            "declineDispatch",
            "arriveDispatch",
            "recallDispatch",
            "relocateCase",
        ),
        (409,),
    ),
    "addReport": (401, 403),
    "getReportStatus": (401, 403, 404),
    "linkClue": (409,),
    "mergeClue": (409,),
    "openClue": (409,),
    "rejectClue": (409,),
    "attachFile": (408, 409, 413, 415, 422),
    "readGuideLayer": (408, 413, 422),
    "applyChangeSet": (409, 422),
    "draftChangeSet": (409,),
    "createDraft": (409,),
    "copyDraft": (409,),
    "exportCollection": (429,),
    "putModelInForce": (409,),
    "putModelBack": (409,),
    "proposeDuties": (408, 413, 415, 422),
    "previewDuties": (408, 413, 415, 422),
    "approveProposal": (409, 422),
    "rejectProposal": (409,),
    "undoProposal": (409,),
    "getBalance": (422,),
    "getDifference": (422,),
    "getBaseMap": (404,),
    "getFigureCases": (422,),
    "getIndicators": (422,),
    "listRegister": (422,),
    "patchEntry": (422,),
    "logIn": (401, 403),
    "removeSecondFactor": (409,),
    "renewRecoveryCodes": (409,),
    "releaseDelivery": (409,),
    "refuseDelivery": (409,),
    "getLineageOfRow": (422,),
    "startSecondFactor": (409,),
    "addKey": (409,),
    "getHotSpotReport": (404,),
    "getHotSpotReportAsPdf": (404,),
    "getReadiness": (503,),
    "listChanges": (410,),
    "postFixes": (408, 413, 415, 422),
    "postOsmandFix": (413,),
    "previewChangeSet": (409,),
    "takeBackAttachment": (409,),
    "takeDownCase": (409,),
    "addOutcome": (409,),
    "rejectChangeSet": (409,),
    "undoChangeSet": (409, 422),
    "undoImport": (409,),
    "verifyCase": (409,),
}
"""What an operation does beside."""
EVERY = (421, 431, 500)


def problem_statuses(
    operation_id: str, method: str, path: str, calls: Iterable[Callable[..., Any]], *, has_body: bool
) -> tuple[int, ...]:
    """Statuses of the problems that an operation can answer, in order.

    Parameters
    ----------
    calls : iterable of callable
        Everything that the route depends on, at any depth.
    has_body : bool
        The route reads a body as JSON.
    """
    found = {*EVERY, *BY_OPERATION.get(operation_id, ())}
    for call in calls:
        found.update(BY_DEPENDENCY.get(call, ()))
    if "{" in path:
        found.add(404)
    if has_body:
        found.update((408, 413, 422))
    if class_of(method, path) is not None:
        found.add(429)
    return tuple(sorted(found))


PROBLEM_STATUSES = tuple(sorted({status for status, _, _ in TITLES.values()}))
"""Every status that a problem can have."""
