import datetime as dt
import json
import math
import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_calcom.javascript import UNDEFINED, number, stringify

RECORDED = Path(__file__).parents[2] / "vectors" / "javascript.json"

#: Node reads each JSON text and writes it again; a text that it cannot read becomes null.
REWRITE = """
const texts = JSON.parse(require("fs").readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(texts.map((text) => JSON.stringify(JSON.parse(text)))));
"""


@pytest.mark.parametrize("vector", json.loads(RECORDED.read_text())["vectors"], ids=str)
def test_what_node_wrote_is_what_we_write(vector):
    assert stringify(json.loads(vector["text"])).decode() == vector["stringified"]


def some_values():
    """A thousand values that a shrug of a generator would not think of, the same every time."""
    import random

    chance = random.Random(20260727)
    doubles = (struct.unpack("<d", chance.randbytes(8))[0] for _ in range(400))
    yield from (double for double in doubles if math.isfinite(double))
    yield from (chance.randrange(-(10**k), 10**k) for k in range(1, 40) for _ in range(4))
    yield from (chance.randrange(1, 10**6) / 10 ** chance.randrange(1, 30) for _ in range(200))
    for _ in range(200):
        code_units = [chance.randrange(0, 0x10000) for _ in range(8)]
        yield "".join(map(chr, code_units))
    for _ in range(100):
        keys = [str(chance.randrange(0, 5_000_000_000)) for _ in range(5)] + ["a", "-1", "01", ""]
        chance.shuffle(keys)
        yield dict.fromkeys(keys, 0)


@pytest.mark.skipif(shutil.which("node") is None, reason="Node's outputs are recorded beside this")
def test_a_thousand_values_are_written_as_node_writes_them():
    texts = [json.dumps(value) for value in some_values()]
    run = subprocess.run(
        ["node", "-e", REWRITE], input=json.dumps(texts).encode(), capture_output=True, check=True
    )
    assert [stringify(json.loads(text)).decode() for text in texts] == json.loads(run.stdout)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
)


@given(JSON_VALUES)
def test_what_is_stringified_parses_back_to_the_same(value):
    assert json.loads(stringify(value)) == value


@given(JSON_VALUES)
def test_stringifying_twice_changes_nothing(value):
    once = stringify(value)
    assert stringify(json.loads(once)) == once


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_keeps_its_value(value):
    assert float(number(value)) == value


def test_a_member_that_is_undefined_vanishes():
    assert stringify({"a": UNDEFINED, "b": None}) == b'{"b":null}'


def test_an_element_that_is_undefined_becomes_null():
    assert stringify([UNDEFINED, 1]) == b"[null,1]"


def test_undefined_alone_is_no_text():
    with pytest.raises(TypeError, match="undefined"):
        stringify(UNDEFINED)


def test_integer_like_keys_come_first_by_number():
    members = {"b": 1, "10": 2, "2": 3, "01": 4, "a": 5, "4294967294": 6, "4294967295": 7}
    expected = b'{"2":3,"10":2,"4294967294":6,"b":1,"01":4,"a":5,"4294967295":7}'
    assert stringify(members) == expected


def test_only_quotes_backslashes_and_controls_are_escaped():
    text = "é/<>&'\u2028\u2029\x7f\U0001f3dd \"\\\b\f\n\r\t\x00\x1f"
    expected = '"é/<>&\'\u2028\u2029\x7f\U0001f3dd \\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f"'
    assert stringify(text).decode() == expected


def test_a_lone_surrogate_is_escaped_and_a_pair_is_one_character():
    assert stringify("\ud800x\udfff") == b'"\\ud800x\\udfff"'
    assert stringify("\ud83d\ude00") == '"\U0001f600"'.encode()
    assert stringify({"\udc00": 1}) == b'{"\\udc00":1}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1e21, "1e+21"),
        (123456789012345680000.0, "123456789012345680000"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (-12.5, "-12.5"),
        (2**53 + 1, "9007199254740992"),
        (10**400, "null"),
        (math.nan, "null"),
        (-math.inf, "null"),
    ],
)
def test_numbers_are_printed_the_way_of_javascript(value, text):
    assert number(value) == text


def test_a_date_is_its_iso_string():
    instant = dt.datetime(2026, 7, 14, 15, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    assert stringify([instant]) == b'["2026-07-14T13:00:00.000Z"]'


@pytest.mark.parametrize("value", [b"bytes", {1: 2}, object(), {"a": {1, 2}}])
def test_what_javascript_has_no_literal_for_is_refused(value):
    with pytest.raises(TypeError):
        stringify(value)
