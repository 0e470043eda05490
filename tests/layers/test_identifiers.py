"""Codes against the standards' figures, published codes and python-stdnum."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc as stdnum_uscc

from layers.codes import identifiers as ids
from layers.errors import CodeOverflow, InvalidIdentifier

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def test_divisions():
    assert ids.parse_division("320685") == ids.Division("320685", "county")
    assert (ids.parse_division("320600").level, ids.parse_division("320000").level) == ("city", "province")
    assert ids.parse_division("320685").province == "320000"


@pytest.mark.parametrize("text", ["", "32068", "3206855", "32068A", "３２０６８５", "020685", "320012"])
def test_wrong_divisions(text):
    with pytest.raises(InvalidIdentifier):
        ids.parse_division(text)


@pytest.mark.parametrize(
    ("code", "kind"),
    [("320613001", "street"), ("320623100", "town"), ("320623201", "township"), ("320614400", "enterprise")],
)
def test_towns(code, kind):
    assert ids.parse_town_code(code).kind == kind


@pytest.mark.parametrize("code", ["320613000", "320613600", "320000001", "32061300"])
def test_wrong_towns(code):
    with pytest.raises(InvalidIdentifier):
        ids.parse_town_code(code)


def test_communities():
    assert ids.parse_statistical_code("320613001007").kind == "residents"
    assert ids.parse_statistical_code("320623100200").kind == "villagers"
    assert ids.parse_statistical_code("320623100498").kind == "similar"
    with pytest.raises(InvalidIdentifier, match="town itself"):
        ids.parse_statistical_code("320623100000")


LOCAL = ids.grid_profile("local_18")


def test_grid_codes():
    code = ids.parse_grid_code("320623100001012")
    assert (code.community, code.kind, code.sequence) == ("320623100001", "", 12)
    assert ids.parse_grid_code("320623100001010012", LOCAL).kind == "01"
    for wrong in ("320623100001000", "32062310000101", "32062310000101X"):
        with pytest.raises(InvalidIdentifier):
            ids.parse_grid_code(wrong)


def test_grid_numbers_are_never_reused_and_overflow_is_an_error():
    community = "320623100001"
    assert ids.next_grid_codes(community, []) == [community + "001"]
    used = [community + "001", community + "997", "320623100002999"]
    assert ids.next_grid_codes(community, used, 2) == [community + "998", community + "999"]
    with pytest.raises(CodeOverflow, match="2 left of 999"):
        ids.next_grid_codes(community, used, 3)
    with pytest.raises(CodeOverflow):
        ids.next_grid_codes(community, [community + "999"])
    assert ids.next_grid_codes(community, [], profile=LOCAL, kind="02") == [community + "020001"]
    with pytest.raises(InvalidIdentifier, match="kind digits"):
        ids.next_grid_codes(community, [], profile=LOCAL)


def test_a_profile_is_defined_by_its_digits_and_a_known_name_is_never_another_one():
    profile = ids.grid_profile("test_16:12+0+4")
    assert ids.next_grid_codes("320623100001", [], profile=profile) == ["3206231000010001"]
    assert ids.parse_grid_code("3206010010010012", profile).sequence == 12
    for wrong, reason in (("nowhere", "unknown"), ("local_18:12+0+5", "already"), ("own:twelve", "name:12")):
        with pytest.raises(InvalidIdentifier, match=reason):
            ids.grid_profile(wrong)


# Codes published by their owners or by python-stdnum; the second has a sum of 0 mod 31, the third is a
# collective.
VALID = ["91110000600037341L", "913206000000001230", "N2320623MA1TE5T0X3"]


@pytest.mark.parametrize("code", VALID)
def test_valid_social_credit_codes(code):
    assert ids.check_uscc(code).organisation_code == code[8:17]
    assert ids.uscc_is_valid([code]).tolist() == [True]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("91310115MA1H8R7C6D", "should be"),
        ("913206000000001231", "GB 32100"),
        ("913206000000001240", "GB 11714"),
        ("91320600000000123", "17 characters"),
        ("91320600000000I230", "'I'"),
        ("91320600000000o230", "'o'"),
        ("B13206000000001230", "register body"),
        ("9A3206000000001230", "second character"),
        ("913206A00000001230", "area"),
        ("", "0 characters"),
        ("９13206000000001230", "not allowed"),
    ],
)
def test_wrong_social_credit_codes(code, reason):
    with pytest.raises(InvalidIdentifier, match=reason):
        ids.check_uscc(code)
    assert ids.uscc_is_valid([code]).tolist() == [False]


@given(st.integers(0, 31**8 - 1), st.sampled_from(["320600", "320684", "110000"]), st.sampled_from("123459Y"))
def test_made_codes_satisfy_python_stdnum(serial, area, body):
    code = ids.make_uscc(area, serial, register_body=body)
    assert len(code) == 18 and code[2:8] == area
    # python-stdnum wants eight leading digits
    if body != "Y":
        assert stdnum_uscc.is_valid(code)


@given(st.integers(0, 31**8 - 1), st.integers(8, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_found_as_python_stdnum_finds_it(serial, position, character):
    code = ids.make_uscc("320600", serial)
    changed = code[:position] + character + code[position + 1 :]
    assert bool(ids.uscc_is_valid([changed])[0]) == (changed == code)
    if changed != code:
        assert not stdnum_uscc.is_valid(changed)


@given(st.lists(st.one_of(st.text(max_size=20), st.sampled_from(VALID)), max_size=20))
def test_bulk_check_agrees_with_the_single_one(codes):
    def single(code: str) -> bool:
        try:
            ids.check_uscc(code)
        except InvalidIdentifier:
            return False
        return True

    # NumPy text drops trailing NUL characters, no file holds them
    codes = [c.replace("\0", "") for c in codes]
    assert ids.uscc_is_valid(np.array(codes, dtype=str)).tolist() == [single(c) for c in codes]


@pytest.mark.parametrize("serial", [-1, 31**8])
def test_serials_outside_are_refused(serial):
    with pytest.raises(InvalidIdentifier, match="serial"):
        ids.make_uscc("320600", serial)


@pytest.mark.parametrize(
    ("text", "new_energy"),
    [
        ("苏F12345", False),
        ("苏FA1B2挂", False),
        ("京A8888学", False),
        ("苏FD12345", True),
        ("苏F12345D", True),
    ],
)
def test_plates(text, new_energy):
    plate = ids.parse_plate(text)
    assert (plate.office, plate.new_energy) == (text[:2], new_energy)


@pytest.mark.parametrize(
    "text", ["", "苏I12345", "苏F1234", "苏F123456", "SF12345", "苏F1234O", " 苏F12345", "苏FDO2345"]
)
def test_wrong_plates(text):
    with pytest.raises(InvalidIdentifier):
        ids.parse_plate(text)


def test_plate_key_needs_the_colour():
    assert ids.parse_plate("苏F12345", "blue").key != ids.parse_plate("苏F12345", 2).key
    assert ids.parse_plate("苏FD12345", 94).key == "苏FD12345_94"
    with pytest.raises(InvalidIdentifier, match="colour"):
        ids.parse_plate("苏F12345", "pink")
    with pytest.raises(InvalidIdentifier, match="green"):
        ids.parse_plate("苏FD12345", "blue")
