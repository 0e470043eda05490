"""CQL2 (OGC 21-065r2), annex A: each conformance class that is claimed, as text and as JSON.

Over three collections that have queryables of every type.

A test is named as its abstract test. The tests ``test-data`` need the data set of the standard and are not
here: every operator is compared with what Python finds in this service's own features in
``test_features_filter.py``.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cql2
import httpx
import pytest

Languages = ("cql2-text", "cql2-json")
COMPARED = {
    "string": "'foo'", "boolean": "TRUE", "number": "3.14", "integer": "1",
    "date-time": "TIMESTAMP('2022-04-14T14:48:46Z')", "date": "DATE('2022-04-14')",
}  # fmt: skip
WORLD_BOX = "BBOX(-180,-90,180,90)"
WORLD = "POLYGON((-180 -90,180 -90,180 90,-180 90,-180 -90))"
LINE, POINT, POINTS = "LINESTRING(7 50,10 51)", "POINT(7.02 49.92)", "MULTIPOINT((7 50),(10 51))"
YEAR = {
    "date-time": "INTERVAL('2021-01-01T00:00:00Z','2021-12-31T23:59:59Z')",
    "date": "INTERVAL('2021-01-01','2021-12-31')",
}
OF_MOMENTS = ("T_AFTER", "T_BEFORE", "T_DISJOINT", "T_EQUALS", "T_INTERSECTS")
OF_INTERVALS = ("T_CONTAINS", "T_DURING", "T_FINISHEDBY", "T_FINISHES", "T_MEETS", "T_METBY", "T_OVERLAPPEDBY",
                "T_OVERLAPS", "T_STARTEDBY", "T_STARTS")  # fmt: skip


@dataclass
class Source:
    """A collection: what may be asked of it, and the predicates that were found valid."""

    client: httpx.Client
    name: str
    queryables: dict[str, dict[str, Any]]
    valid: dict[str, set[int]] = field(default_factory=dict)

    def named(self, *kinds: str) -> list[str]:
        """Queryables of a type."""
        return [name for name, schema in self.queryables.items() if kind_of(schema) in kinds]

    def ask(self, text: str, language: str = "cql2-text") -> Any:
        if language == "cql2-json":
            text = json.dumps(cql2.parse_text(text).to_json())
        query = {"filter": text, "filter-lang": language, "limit": 10_000}
        return self.client.get(f"/collections/{self.name}/items", params=query)

    def ids(self, text: str) -> set[int]:
        """What a filter finds, the same in both languages."""
        if text in self.valid:
            return self.valid[text]
        found: set[int] | None = None
        for language in Languages:
            answer = self.ask(text, language)
            assert answer.status_code == 200, (self.name, language, text, answer.text)
            ids = {feature["id"] for feature in answer.json()["features"]}
            assert found in (None, ids), (self.name, text)
            found = ids
        assert found is not None
        self.valid[text] = found
        return found

    def refused(self, text: str) -> None:
        answer = self.ask(text)
        assert answer.status_code == 400, (self.name, text, answer.text[:300])
        assert answer.headers["content-type"] == "application/problem+json"

    def whole(self) -> set[int]:
        features = self.client.get(f"/collections/{self.name}/items?limit=10000").json()["features"]
        return {feature["id"] for feature in features}

    def are_consistent(self, predicates: list[str]) -> None:
        """Combinations of four predicates are what set algebra makes of the four."""
        every, chance = self.whole(), random.Random(1)
        for _ in range(10):
            names = [chance.choice(predicates) for _ in range(4)]
            # NOT of what is unknown is unknown: both truths are asked, so that nulls do not matter.
            true, false = zip(*((self.ids(p), self.ids(f"NOT ({p})")) for p in names), strict=True)
            one, two, three, four = (f"({name})" for name in names)
            text = f"((NOT {one} AND {two}) OR ({three} AND NOT {four}) OR NOT ({one} AND {four}))"
            expected = (false[0] & true[1]) | (true[2] & false[3]) | false[0] | false[3]
            assert self.ids(text) == expected <= every, (self.name, text)


def kind_of(schema: dict[str, Any]) -> str:
    form: str = schema.get("format", "")
    return "geometry" if form.startswith("geometry-") else form or schema["type"]


@pytest.fixture(scope="module", params=["areas", "sites", "stays"])
def source(request: pytest.FixtureRequest, address: str, dispatcher: dict[str, str]) -> Iterator[Source]:
    with httpx.Client(base_url=address, headers=dispatcher, timeout=60) as client:
        schema = client.get(f"/collections/{request.param}/queryables").json()
        yield Source(client, request.param, schema["properties"])


def comparisons(source: Source, template: str) -> Iterator[dict[str, set[int]]]:
    """Results by operator, of each queryable that is compared."""
    for name, schema in source.queryables.items():
        if value := COMPARED.get(kind_of(schema)):
            yield {
                op: source.ids(template.format(queryable=name, op=op, value=value))
                for op in ("=", "<>", ">", "<", ">=", "<=")
            }


def test_conf_basic_cql2_basic_test(source: Source) -> None:
    kinds = {name: kind_of(schema) for name, schema in source.queryables.items()}
    assert set(kinds.values()) <= {*COMPARED, "geometry"}
    assert source.named(*COMPARED) and source.named("geometry")


def test_conf_basic_cql2_comparison(source: Source) -> None:
    for found in comparisons(source, "{queryable} {op} {value}"):
        assert not found["="] & found["<>"]
        assert not found[">"] & found["<="]
        assert not found["<"] & found[">="]
        assert found["<="] == found["<"] | found["="] and found[">="] == found[">"] | found["="]


def test_conf_basic_cql2_is_null(source: Source) -> None:
    for name in source.queryables:
        null, given = source.ids(f"{name} IS NULL"), source.ids(f"{name} is not null")
        assert not null & given and null | given == source.whole()


def test_conf_basic_cql2_boolean(source: Source) -> None:
    assert source.ids("true") == source.whole()
    assert source.ids("false") == set()


def test_conf_basic_cql2_logical(source: Source) -> None:
    source.are_consistent([f"{n} = {COMPARED[kind_of(source.queryables[n])]}" for n in source.named(*COMPARED)]
                          + [f"{name} IS NULL" for name in source.queryables])  # fmt: skip


def test_conf_advanced_comparison_operators_like(source: Source) -> None:
    for name in source.named("string"):
        some, none = source.ids(f"{name} like '_%'"), source.ids(f"{name} like ''")
        assert not some & none
        assert source.ids(f"{name} LIKE '%'") == source.ids(f"{name} like '%%'") == some | none
        source.ids(f"{name} like '\\%\\_'")


def test_conf_advanced_comparison_operators_between(source: Source) -> None:
    for name in source.named("number", "integer"):
        assert source.ids(f"{name} BETWEEN 0 AND 100") == source.ids(f"{name} >= 0 AND {name} <= 100")
        assert source.ids(f"{name} between 100.0 and 1.0") == set()


LISTS = {
    "number": "(1, 2, 3)", "integer": "(1, 2, 3)", "string": "('foo', 'bar')", "boolean": "(true)",
    "date-time": "(TIMESTAMP('2022-04-14T14:52:56Z'), TIMESTAMP('2022-04-14T15:52:56Z'))",
    "date": "(DATE('2022-04-14'), DATE('2022-04-15'))",
}  # fmt: skip


def test_conf_advanced_comparison_operators_in(source: Source) -> None:
    for kind, values in LISTS.items():
        for name in source.named(kind):
            listed = source.ids(f"{name} IN {values}")
            assert not listed & source.ids(f"{name} NOT IN {values}")


def test_conf_advanced_comparison_operators_logical(source: Source) -> None:
    texts, numbers = source.named("string"), source.named("number", "integer")
    source.are_consistent([f"{n} LIKE '%1%'" for n in texts] + [f"{n} BETWEEN 1 AND 1e6" for n in numbers]
                          + [f"{n} IN ('foo', 'bar')" for n in texts] + [f"{n} IN (1, 2, 3)" for n in numbers])  # fmt: skip


def test_conf_case_insensitive_comparison_casei(source: Source) -> None:
    for name in source.named("string"):
        equal = source.ids(f"CASEI({name}) = casei('foo')")
        assert not equal & source.ids(f"CASEI({name}) <> casei('FOO')")


def test_conf_case_insensitive_comparison_casei_like(source: Source) -> None:
    for name in source.named("string"):
        assert source.ids(f"CASEI({name}) LIKE casei('foo%')") == source.ids(
            f"CASEI({name}) LIKE casei('FOO%')"
        )
        first = source.ids(f"CASEI({name}) LIKE casei('s%')")
        assert first == source.ids(f"{name} LIKE 's%' OR {name} LIKE 'S%'")


def test_conf_case_insensitive_comparison_logical(source: Source) -> None:
    names = source.named("string")
    source.are_consistent(
        [f"CASEI({n}) LIKE casei('%A%')" for n in names] + [f"CASEI({n}) = casei('X')" for n in names]
    )


def test_conf_basic_spatial_functions_s_intersects(source: Source) -> None:
    assert source.ids(f"S_INTERSECTS(geometry,{WORLD_BOX})") == source.whole()
    assert source.ids(f"S_INTERSECTS(geometry,{POINT})") == set()
    source.refused("S_INTERSECTS(geometry,POINT(90 180))")
    assert source.ids("S_INTERSECTS(geometry,BBOX(150,-90,-150,90))") == set()  # across the antimeridian
    assert source.ids("S_INTERSECTS(geometry,BBOX(110,-90,-150,90))") == source.whole()
    halves = [f"S_INTERSECTS(geometry,BBOX({west},-90,{east},90))" for west, east in ((-180, -90), (90, 180))]
    assert source.ids(" AND ".join(halves)) == set()


def test_conf_basic_spatial_functions_logical(source: Source) -> None:
    boxes = ["BBOX(120,31,120.3,31.3)", "BBOX(120.05,31,121,31.2)", "POINT(120.1 31.2)", WORLD_BOX]
    source.are_consistent([f"S_INTERSECTS(geometry,{box})" for box in boxes])


def test_conf_basic_spatial_functions_plus_s_intersects(source: Source) -> None:
    assert source.ids(f"S_INTERSECTS(geometry,{WORLD})") == source.whole()
    assert (
        source.ids(f"S_INTERSECTS(geometry,{LINE})")
        == source.ids(f"S_INTERSECTS(geometry,{POINTS})")
        == set()
    )
    box = "POLYGON((120 31,120.3 31,120.3 31.3,120 31.3,120 31))"
    same = source.ids(f"S_INTERSECTS(geometry,{box})")
    assert same == source.ids("S_INTERSECTS(geometry,BBOX(120,31,120.3,31.3))")
    assert same == source.ids(f"S_INTERSECTS(geometry,MULTIPOLYGON({box.removeprefix('POLYGON')}))")


def test_conf_spatial_functions_s_intersects(source: Source) -> None:
    boxed, drawn = (source.ids(f"S_INTERSECTS(geometry,{each})") for each in (WORLD_BOX, WORLD))
    assert boxed == drawn
    assert (
        source.ids(f"S_INTERSECTS(geometry,{LINE})") == source.ids(f"S_INTERSECTS(geometry,{POINT})") == set()
    )
    source.refused("S_INTERSECTS(geometry,POINT(90 180))")


def test_conf_spatial_functions_s_disjoint(source: Source) -> None:
    assert (
        source.ids(f"S_DISJOINT(geometry,{WORLD_BOX})")
        == source.ids(f"S_DISJOINT(geometry,{WORLD})")
        == set()
    )
    for shape in (LINE, POINT, "LINESTRING(120 31.2,121 31.2)"):
        apart, met = (
            source.ids(f"S_DISJOINT(geometry,{shape})"),
            source.ids(f"S_INTERSECTS(geometry,{shape})"),
        )
        assert not apart & met and apart | met == source.whole()
    source.refused("S_DISJOINT(geometry,POINT(90 180))")


@pytest.mark.parametrize("op", ["S_EQUALS", "S_TOUCHES", "S_CROSSES"])
def test_conf_spatial_functions_s_equals_s_touches_s_crosses(source: Source, op: str) -> None:
    assert source.ids(f"{op}(geometry,{WORLD_BOX})") == source.ids(f"{op}(geometry,{WORLD})") == set()
    assert source.ids(f"{op}(geometry,{LINE})") == set()


def test_conf_spatial_functions_s_within_and_s_contains(source: Source) -> None:
    for op in ("S_WITHIN", "S_CONTAINS"):
        assert source.ids(f"{op}(geometry,{WORLD_BOX})") == source.ids(f"{op}(geometry,{WORLD})")
        assert source.ids(f"{op}(geometry,{LINE})") == source.ids(f"{op}(geometry,{POINTS})") == set()
    assert source.ids(f"S_WITHIN(geometry,{WORLD})") == source.whole()
    assert not source.ids(f"S_WITHIN(geometry,{WORLD})") & source.ids(f"S_CONTAINS(geometry,{WORLD})")


def test_conf_spatial_functions_s_overlaps(source: Source) -> None:
    for shape in (POINTS, LINE, WORLD):
        assert source.ids(f"S_OVERLAPS(geometry,{shape})") == set()


def test_conf_spatial_functions_logical(source: Source) -> None:
    shape = "POLYGON((120 31,120.3 31,120.3 31.3,120 31.3,120 31))"
    source.are_consistent(
        [f"{op}(geometry,{shape})" for op in ("S_WITHIN", "S_DISJOINT", "S_OVERLAPS", "S_CONTAINS")]
    )


def test_conf_temporal_functions_temporal_functions_1(source: Source) -> None:
    for kind in ("date-time", "date"):
        for name in source.named(kind):
            for other in (COMPARED[kind], YEAR[kind]):
                found = {op: source.ids(f"{op}({name},{other})") for op in OF_MOMENTS}
                assert not found["T_AFTER"] & found["T_BEFORE"]
                assert found["T_DISJOINT"] == found["T_AFTER"] | found["T_BEFORE"]
                assert not found["T_DISJOINT"] & found["T_INTERSECTS"]
                assert found["T_EQUALS"] <= found["T_INTERSECTS"]


def test_conf_temporal_functions_temporal_functions_2(source: Source) -> None:
    for kind in ("date-time", "date"):
        for one, two in itertools.combinations(source.named(kind), 2):
            span = f"INTERVAL({one},{two})"
            found = {op: source.ids(f"{op}({span},{YEAR[kind]})") for op in (*OF_MOMENTS, *OF_INTERVALS)}
            assert not found["T_DISJOINT"] & found["T_INTERSECTS"]
            for op in ("T_DURING", "T_CONTAINS", "T_OVERLAPS", "T_OVERLAPPEDBY", "T_STARTS", "T_FINISHES"):
                assert found[op] <= found["T_INTERSECTS"], op


def test_conf_temporal_functions_logical(source: Source) -> None:
    moments = source.named("date-time")
    if moments:
        source.are_consistent([f"{op}({name},{YEAR['date-time']})" for name in moments for op in OF_MOMENTS])


def test_conf_property_property_comparison_value_property(source: Source) -> None:
    turned = {"=": "=", "<>": "<>", ">": "<", "<": ">", ">=": "<=", "<=": ">="}
    ahead = comparisons(source, "{value} {op} {queryable}")
    for found, behind in zip(ahead, comparisons(source, "{queryable} {op} {value}"), strict=True):
        assert all(found[op] == behind[turned[op]] for op in turned)


def test_conf_property_property_comparison_property_property(source: Source) -> None:
    for found in comparisons(source, "{queryable} {op} {queryable}"):
        assert found["<>"] == found["<"] == found[">"] == set()
        assert found["="] == found[">="] == found["<="]


def test_conf_property_property_comparison_value_value(source: Source) -> None:
    for value in COMPARED.values():
        for op in ("=", ">=", "<="):
            assert source.ids(f"{value} {op} {value}") == source.whole()
        for op in ("<>", "<", ">"):
            assert source.ids(f"{value} {op} {value}") == set()


def test_conf_property_property_logical(source: Source) -> None:
    names = source.named("string")
    source.are_consistent([f"{one} <= {two}" for one, two in itertools.product(names[:6], names[:6])])


def test_conf_arithmetic_arithmetic(source: Source) -> None:
    for name in source.named("number", "integer"):
        known = source.ids(f"{name} IS NOT NULL")
        for text in (f"{name}+8-8 = {name}*2/2", f"{name} < {name}+2^3", f"{name} > {name}-21 div 10",
                     f"{name}*0 = 4%2", f"{name} BETWEEN {name}-5%3 AND {name}+(3*(1+1))"):  # fmt: skip
            assert source.ids(text) == known, text


def test_conf_arithmetic_logical(source: Source) -> None:
    numbers = source.named("number", "integer")
    if numbers:
        source.are_consistent([f"{n}+{k} > 10-2*2^{k}" for n in numbers for k in (0, 1)])


def test_conf_cql2_text_validate(source: Source) -> None:
    """Both encodings passed every test above: ``ids`` asks in both."""
    assert source.ids(f"S_INTERSECTS(geometry,{WORLD_BOX})") == source.whole()
    source.refused("THIS IS NOT A FILTER")


def test_conf_cql2_json_validate(source: Source) -> None:
    for text in (
        "{}",
        "[]",
        '{"op":"nothing","args":[]}',
        '{"op":"=","args":[{"property":"geometry"}]}',
        "NOT JSON",
    ):
        query = {"filter": text, "filter-lang": "cql2-json"}
        answer = source.client.get(f"/collections/{source.name}/items", params=query)
        assert answer.status_code == 400 and answer.json()["position"], (text, answer.text)
