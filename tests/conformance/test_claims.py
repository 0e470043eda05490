"""What ``/conformance`` claims is what is tested: every class has a test for each of its abstract tests.

The ids are those of annex A of the standards; part 4 is a draft without an annex, its ids are those of its
requirements.
"""

from __future__ import annotations

import ast
from pathlib import Path

from starlette.testclient import TestClient

SPEC = "http://www.opengis.net/spec/"
CORE = """http crs84 root-op root-success api-definition-op api-definition-success conformance-op conformance-success fc-md-op
    fc-md-success fc-md-links fc-md-items fc-md-items-links fc-md-extent sfc-md-op sfc-md-success fc-op fc-limit-definition
    fc-limit-response fc-bbox-definition fc-bbox-response fc-time-definition fc-time-response fc-response fc-links fc-timestamp
    fc-number-matched fc-number-returned query-param-unknown query-param-invalid f-op f-success f-links"""
ABSTRACT_TESTS = {
    "ogcapi-features-1/1.0/conf/core": CORE,
    "ogcapi-features-1/1.0/conf/geojson": "definition content",
    "ogcapi-features-1/1.0/conf/html": "definition content",
    "ogcapi-features-2/1.0/conf/crs": """crs-uri default-crs storage-crs crs-parameter crs-parameter-default crs-parameter-invalid
        crs-parameter-transform bbox-crs-parameter bbox-crs-parameter-default bbox-crs-parameter-invalid crs-transform""",
    "ogcapi-features-3/1.0/conf/queryables": "get-conformance get-queryables-uris get-queryables",
    "ogcapi-features-3/1.0/conf/filter": """get-conformance get-collections get-collection filter-param filter-lang-default
        expression-construction filter-crs-wgs84 filter-crs-param mixing-expression""",
    "ogcapi-features-3/1.0/conf/features-filter": "get-conformance filter-on-items",
    "ogcapi-features-4/1.0/conf/create-replace-delete": """insert-post-op insert-response-rid options put-op put-missing
        delete-op""",
    "ogcapi-features-4/1.0/conf/update": "patch-op accept-patch merge-patch-removes-with-null",
    "ogcapi-features-4/1.0/conf/optimistic-locking-etags": "etag-header required lost-update",
    "ogcapi-features-4/1.0/conf/features": "content-crs invalid-body",
    "cql2/1.0/conf/cql2-text": "validate",
    "cql2/1.0/conf/cql2-json": "validate",
    "cql2/1.0/conf/basic-cql2": "basic-test comparison is-null boolean logical",
    "cql2/1.0/conf/advanced-comparison-operators": "like between in logical",
    "cql2/1.0/conf/case-insensitive-comparison": "casei casei-like logical",
    "cql2/1.0/conf/basic-spatial-functions": "s_intersects logical",
    "cql2/1.0/conf/basic-spatial-functions-plus": "s_intersects",
    "cql2/1.0/conf/spatial-functions": """s_intersects s_disjoint s_equals_s_touches_s_crosses s_within_and_s_contains
        s_overlaps logical""",
    "cql2/1.0/conf/temporal-functions": "temporal-functions-1 temporal-functions-2 logical",
    "cql2/1.0/conf/property-property": """comparison-value-property comparison-property-property comparison-value-value
        logical""",
    "cql2/1.0/conf/arithmetic": "arithmetic logical",
    "ogcapi-tiles-1/1.0/conf/core": """conformance-success tc-op tc-success tc-error tc-tilematrix-definition
        tc-tilerow-definition tc-tilecol-definition""",
    "ogcapi-tiles-1/1.0/conf/tileset": "description",
    "ogcapi-tiles-1/1.0/conf/tilesets-list": "tileset-links",
    "ogcapi-tiles-1/1.0/conf/geodata-tilesets": "desc-links operation",
    "ogcapi-tiles-1/1.0/conf/mvt": "content",
}
SAME_AS = {
    "ogcapi-common-1/1.0/conf/core": "ogcapi-features-1/1.0/conf/core",
    "ogcapi-common-1/1.0/conf/landing-page": "ogcapi-features-1/1.0/conf/core",
    "ogcapi-common-1/1.0/conf/json": "ogcapi-features-1/1.0/conf/core",
    "ogcapi-common-1/1.0/conf/html": "ogcapi-features-1/1.0/conf/html",
    "ogcapi-common-2/1.0/conf/collections": "ogcapi-features-1/1.0/conf/core",
    "ogcapi-common-2/1.0/conf/json": "ogcapi-features-1/1.0/conf/core",
    "ogcapi-common-2/1.0/conf/html": "ogcapi-features-1/1.0/conf/html",
    "tms/2.0/conf/tilematrixset": "ogcapi-tiles-1/1.0/conf/tileset",
    "tms/2.0/conf/json-tilematrixset": "ogcapi-tiles-1/1.0/conf/tileset",
}
"""Classes of a standard that asks the same of the same resources."""


def test_every_class_that_is_claimed_has_its_tests(public: TestClient) -> None:
    claimed = {uri.removeprefix(SPEC) for uri in public.get("/conformance").json()["conformsTo"]}
    assert claimed == {*ABSTRACT_TESTS, *SAME_AS}
    assert set(SAME_AS.values()) <= set(ABSTRACT_TESTS)


def test_every_abstract_test_is_a_test() -> None:
    written = {
        node.name
        for path in Path(__file__).parent.glob("test_*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
    }
    missing = [
        name
        for uri, tests in ABSTRACT_TESTS.items()
        for test in tests.split()
        if (name := name_of(uri, test)) not in written
    ]
    assert missing == []


def name_of(uri: str, test: str) -> str:
    """How the test of an abstract test is called."""
    standard, _, kind = uri.partition("/1.0/conf/")
    of = "tiles_" if standard == "ogcapi-tiles-1" else ""
    return f"test_conf_{of}{kind}_{test}".replace("-", "_")
