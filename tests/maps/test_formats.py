"""Reports write values as the console does.

The examples of formats.json are read by the console's tests too.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from maps.formats import Formats
from maps.glossary import glossary

EXAMPLES = json.loads(Path(__file__).with_name("formats.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda each: f"{each['call']} {each['with']}")
def test_reports_write_values_as_the_console_does(example: dict[str, Any]) -> None:
    name = re.sub("([A-Z])", lambda m: "_" + m[1].lower(), example["call"])
    for language in ("zh", "en"):
        assert getattr(Formats(language), name)(*example["with"]) == example[language]


def test_times_follow_the_zone_of_the_city() -> None:
    urumqi = Formats("zh", "Asia/Urumqi")
    assert urumqi.time("2026-03-01T08:00:00Z") == "2026-03-01 14:00"
    assert urumqi.zone_note() == "时间均为新疆时间（UTC+6）"
    assert Formats("en", "Asia/Kolkata").zone_note() == "All times are Asia/Kolkata (UTC+5:30)"


def test_every_term_has_a_name_in_both_languages() -> None:
    for group, entry in glossary().items():
        for code, names in {"title": entry["title"], **entry["terms"]}.items():
            assert set(names) == {"zh", "en"} and names["zh"].strip() and names["en"].strip(), (group, code)
            assert not re.search("[一-鿿]", names["en"]), (group, code)
