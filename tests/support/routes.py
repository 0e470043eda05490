"""Routes of the application."""

from __future__ import annotations

from typing import Any


def routes_of(app: Any) -> set[tuple[str, str]]:
    """Method and path of every route that the application answers; a folder of files is one."""
    found = set()
    for route in app.routes:
        for each in (
            route.effective_route_contexts() if hasattr(route, "effective_route_contexts") else (route,)
        ):
            methods = getattr(each, "methods", None)
            path = each.path if methods else f"{each.path}/"
            found |= {(method, path) for method in (methods or {"GET"}) - {"HEAD"}}
    return found
