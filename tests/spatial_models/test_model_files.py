"""Model files: what is refused, with which line, and that the published schema says the same."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema_rs
import pytest

from spatial_models.errors import WrongModelFile
from spatial_models.signal_rows import SignalKind
from spatial_models.suspicion import (
    Catalogue,
    catalogue,
    model_schema,
    read_model,
    shipped_models,
    shipped_texts,
)

SCHEMA = Path(__file__).parents[2] / "docs" / "model.schema.json"
KNOWN = Catalogue(
    {
        "power": SignalKind("power", "meters", "share", 0.0, 1.0, ("readings",), "用电", "power"),
        "trucks": SignalKind("trucks", "vehicles", "vehicles", 0.0, 99.0, ("fixes",), "车辆", "trucks"),
    },
    {"vehicles": frozenset({"visit_days"})},
)
GOOD = """\
format = 1
name = "workshop"
version = "1"
alert_kind = "unlicensed_workshop"
title = { zh = "无证作坊", en = "Unlicensed workshop" }

[population]
statuses = ["operating"]

[prior]
share = 0.01

[levels]
attention = 0.1
warning = 0.5
high = 0.8
least_families = 1

[families.meters]
title = { zh = "水电", en = "Meters" }
upper = 3
lower = -2
would_settle = { zh = "看表。", en = "Read the meter." }

[[signals]]
signal = "power"
family = "meters"
points = [
  [0.0, -1.0],
  [0.5, 2.0],
]

[notices.permit]
meters = 1.0

[parameters.vehicles]
visit_days = 30
"""


def refused(text: str) -> list[tuple[int, str]]:
    with pytest.raises(WrongModelFile) as caught:
        read_model(text, KNOWN, source="workshop.toml")
    faults = caught.value.faults
    assert all(fault.reason_zh and fault.reason_en for fault in faults)
    assert str(caught.value).startswith("workshop.toml: ")
    return [(fault.line, fault.where) for fault in faults]


def test_a_good_file_is_read() -> None:
    model = read_model(GOOD, KNOWN)
    assert model.signals[0].points == ((0.0, -1.0), (0.5, 2.0))
    assert model.population.site_kinds == ("production", "storage"), "what is left out has its default"


@pytest.mark.parametrize(("old", "new", "line", "where"), [
    ('["operating"]', '["operating"]\nlacks_licence = "cooking"', 9, "population.lacks_licence"),
        ("share = 0.01", "share = 0.7", 11, "prior.share"),
    ("share = 0.01", 'share = "much"', 11, "prior.share"),
    ("share = 0.01", "share = nan", 11, "prior.share"),
    ('version = "1"\n', "", 1, "version"),
    ('version = "1"', 'version = "1"\ncolour = "red"', 4, "colour"),
    ("lower = -2", "lower = 2", 22, "families.meters.lower"),
    ("upper = 3\n", "", 19, "families.meters.upper"),
    ('["operating"]', '["open"]', 8, "population.statuses[0]"),
    ('signal = "power"', 'signal = "powr"', 26, "signals[0].signal"),
    ('family = "meters"', 'family = "vehicles"', 27, "signals[0].family"),
    ("[0.5, 2.0]", "[0.5, 20.0]", 30, "signals[0].points[1][1]"),
    ("[0.5, 2.0]", "[1.5, 2.0]", 28, "signals[0].points"),
    ("[0.5, 2.0]", "[0.0, 2.0]", 28, "signals[0].points"),
    ("[notices.permit]", "[notices.permission]", 33, "notices.permission"),
    ("meters = 1.0", "cars = 1.0", 34, "notices.permit.cars"),
    ("visit_days = 30", "visit_day = 30", 37, "parameters.vehicles.visit_day"),
    ("warning = 0.5", "warning = 0.05", 13, "levels"),
    ("least_families = 1", "least_families = 2", 17, "levels.least_families"),
    ("format = 1", "format = 2", 1, "format"),
])  # fmt: skip
def test_a_wrong_file_is_refused_with_line_and_field(old: str, new: str, line: int, where: str) -> None:
    assert old in GOOD
    assert (line, where) in refused(GOOD.replace(old, new, 1))


def test_what_is_no_toml_is_refused_with_its_line() -> None:
    assert refused(GOOD.replace("upper = 3", "upper = = 3")) == [(21, "")]


def test_the_message_is_in_both_languages_and_names_the_nearest_word() -> None:
    with pytest.raises(
        WrongModelFile, match=r"未知信号 powr，是否为 power？；unknown signal powr, did you mean power\?"
    ):
        read_model(GOOD.replace('"power"', '"powr"'), KNOWN)


def test_a_signal_that_is_named_twice_is_refused() -> None:
    again = '[[signals]]\nsignal = "power"\nfamily = "meters"\npoints = [[0.0, 0.0]]\n\n[notices.permit]'
    assert (34, "signals[1].signal") in refused(GOOD.replace("[notices.permit]", again))


def test_the_published_schema_is_that_of_the_code() -> None:
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json.loads(json.dumps(model_schema())), (
        "run scripts/write_model_schema.py"
    )


def test_the_published_schema_takes_the_shipped_files_and_refuses_wrong_ones() -> None:
    check = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text(encoding="utf-8")))
    for name, text in shipped_texts().items():
        assert check.is_valid(tomllib.loads(text)), name
    assert check.is_valid(tomllib.loads(GOOD))
    for old, new in (
        ("share = 0.01", "share = 0.7"),
        ('["operating"]', '["open"]'),
        ("upper = 3", "upper = 3\nx = 1"),
    ):
        assert not check.is_valid(tomllib.loads(GOOD.replace(old, new))), new


def test_every_shipped_file_is_named_as_its_model_and_gives_a_reason_for_each_table() -> None:
    assert set(shipped_texts()) == set(shipped_models())
    for name, text in shipped_texts().items():
        read_model(text, catalogue(), source=name)
        for block in text.split("[[signals]]")[1:]:
            assert "#" in block, f"{name}: a table of points without its reason"


def test_documents_with_the_same_meaning_have_the_same_digest() -> None:
    one, two = (
        read_model(GOOD, KNOWN),
        read_model("# a comment\n" + GOOD.replace("upper = 3\n", "upper = 3.0\n"), KNOWN),
    )
    assert one.digest() == two.digest() != read_model(GOOD.replace("upper = 3", "upper = 2"), KNOWN).digest()
