"""Near misses, spellings and changes: each is what it says, and never what it must not be."""

from __future__ import annotations

import datetime as dt
import json
from random import Random

import pytest

from calcontract.stimuli import bodies, forgeries, signatures, spellings
from mock_calcom import delivery as deliveries
from mock_calcom.delivery import Subscription
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import PROFILES

AT = dt.datetime(2026, 7, 11, 9, tzinfo=dt.UTC)

BODIES = {
    name: deliveries.compose(
        Calendar(People(1), Ids(Random(1)), PROFILES[name]).book(AT)[0],
        Subscription("http://127.0.0.1/", "secret", profile=PROFILES[name]),
    ).body
    for name in ("guide", "direct-2026", "task-2026")
}

every_body = pytest.mark.parametrize("body", list(BODIES.values()), ids=list(BODIES))


@every_body
@pytest.mark.parametrize("name", list(forgeries.VALUES))
def test_a_forgery_is_none_of_the_signatures_that_are_right(name, body):
    material = signatures.Material(body, "a-secret-of-some-length", Random(2))
    value = signatures.value(name, material)
    right = {material.digest(), material.trimmed()}
    # White space around a value is no part of it.
    shown = value.decode("latin-1").strip().removeprefix("sha256=")
    assert shown not in right
    assert not set(value) & {0, 10, 13}


def test_the_nearest_and_the_farthest_forgery():
    digest = signatures.Material(b"{}", "secret", Random(3)).digest()
    near, far = forgeries.near(digest), forgeries.far(digest)
    assert [a == b for a, b in zip(digest, near, strict=True)] == [True] * 63 + [False]
    assert not any(a == b for a, b in zip(digest, far, strict=True))
    assert all(digit in "0123456789abcdef" for digit in near + far)


def without_notes(value):
    value = json.loads(json.dumps(value))
    value["payload"].pop("numbers", None)
    metadata = value["payload"].get("metadata") or {}
    metadata.pop("note", None)
    value["payload"]["metadata"] = metadata
    return value


@every_body
@pytest.mark.parametrize("name", [name for name in spellings.SPELLINGS if "mark" not in name])
def test_a_spelling_says_what_the_body_says(name, body):
    spelled = bodies.spelled(name, body)
    assert spelled != body
    assert without_notes(json.loads(spelled)) == without_notes(json.loads(body))


@every_body
@pytest.mark.parametrize("name", list(spellings.CHANGES))
def test_a_change_is_a_change(name, body):
    changed = bodies.changed(name, body, uid=None, other=b"")
    assert changed != body
    # Line ends at the end are no part of what the guide signs.
    assert changed.rstrip(b"\r\n") != body
    assert abs(len(changed) - len(body)) <= 5


@every_body
def test_a_change_of_one_place_leaves_the_rest(body):
    for name in (name for name in spellings.CHANGES if name.startswith("one ")):
        changed = bodies.changed(name, body, uid=None, other=b"")
        if len(changed) == len(body):
            assert sum(a != b for a, b in zip(body, changed, strict=True)) == 1, name
