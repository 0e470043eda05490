"""Times in bodies: text of RFC 3339; a number, in quotes or not, is no time."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from geo_api.http.schemas import Moment


@pytest.mark.parametrize("value", ["2021", " 1609459200", "1609459200.5", "-5", "+5", 2021, 1.5])
def test_a_number_is_no_time(value: object) -> None:
    """``"at": "2021"`` was answered as of 1970-01-01T00:33:41Z."""
    with pytest.raises(ValidationError, match="RFC 3339"):
        TypeAdapter(Moment).validate_python(value)


@pytest.mark.parametrize("value", ["2021-06-01T00:00:00Z", "2021-06-01T08:00:00+08:00", "2021-06-01"])
def test_text_is(value: str) -> None:
    assert TypeAdapter(Moment).validate_python(value).isoformat().startswith("2021-06-01")
