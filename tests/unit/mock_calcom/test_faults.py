import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mock_calcom import delivery, faults, javascript
from mock_calcom.delivery import Subscription
from mock_calcom.profiles import PROFILES
from mock_calcom.signature import HEADER, UNSIGNED, sign

SECRET = "s3cret"
SUBSCRIPTION = Subscription("http://r.example/", SECRET)


@pytest.fixture
def honest(calendar, at):
    return delivery.compose(calendar.any_of("BOOKING_CREATED", at), SUBSCRIPTION)


@pytest.mark.parametrize("where", faults.PLACES)
def test_a_tampered_body_no_longer_fits_its_signature_and_is_still_json(honest, where):
    spoiled = faults.tampered(honest, where)
    assert spoiled.headers == honest.headers
    assert spoiled.body != honest.body
    assert sign(spoiled.body, SECRET) != honest.header(HEADER)
    json.loads(spoiled.body)


@pytest.mark.parametrize("where", ["start", "middle", "end", "key", "number"])
def test_tampering_changes_one_byte(honest, where):
    spoiled = faults.tampered(honest, where)
    pairs = zip(honest.body, spoiled.body, strict=True)
    assert sum(old != new for old, new in pairs) == 1


@given(
    st.dictionaries(st.text(min_size=1), st.text() | st.integers() | st.lists(st.text())),
    st.sampled_from(["start", "middle", "end", "key", "number"]),
)
def test_tampering_keeps_any_json_whole(value, where):
    body = javascript.stringify(value)
    honest = delivery.from_body(body, SUBSCRIPTION)
    try:
        spoiled = faults.tampered(honest, where)
    except ValueError:
        return  # nothing of that kind in it
    assert javascript.stringify(json.loads(spoiled.body)) != body


def test_a_body_that_is_no_json_is_tampered_with_too():
    honest = delivery.from_body(b"id=7&who=Zo", SUBSCRIPTION)
    assert faults.tampered(honest, "start").body == b"jd=7&who=Zo"
    assert faults.tampered(honest, "end").body == b"id=7&who=Zp"


def test_a_body_without_the_part_is_refused():
    with pytest.raises(ValueError, match="number"):
        faults.tampered(delivery.from_body(b"false", SUBSCRIPTION), "number")


def test_signatures_are_spoiled_one_at_a_time(honest):
    digest = honest.header(HEADER)
    assert faults.unsigned(honest).header(HEADER) == UNSIGNED
    assert faults.without_signature(honest).header(HEADER) is None
    assert faults.signed_with(honest, "other").header(HEADER) == sign(honest.body, "other")
    assert faults.signature(honest, "any").header(HEADER) == "any"
    renamed = faults.renamed(honest, "Cal-Signature")
    assert renamed.header(HEADER) is None
    assert renamed.header("Cal-Signature") == digest
    assert faults.renamed(renamed, "X") == renamed


def test_the_empty_key_signs_too(honest):
    assert re.fullmatch("[0-9a-f]{64}", faults.signed_with(honest, "").header(HEADER))


@pytest.mark.parametrize("spelling", faults.SPELLINGS)
def test_a_respelled_signature_differs_and_its_body_does_not(honest, spelling):
    respelled = faults.respelled(honest, spelling)
    assert respelled.body == honest.body
    assert respelled.header(HEADER) != honest.header(HEADER)


def test_only_a_digest_can_be_respelled(honest):
    with pytest.raises(ValueError, match="signed"):
        faults.respelled(faults.unsigned(honest), "upper")


@pytest.mark.parametrize("name", faults.FAULTS)
def test_every_named_fault_spoils_something(honest, name):
    assert faults.FAULTS[name](honest) != honest


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_a_duplicate_differs_in_created_at_alone(account, at, profile):
    subscription = Subscription("http://r.example/", SECRET, profile=profile)
    occurrence = account(profile).any_of("BOOKING_CREATED", at)
    first = json.loads(delivery.compose(occurrence, subscription).body)
    again = faults.duplicate(occurrence, subscription, 7)
    other = json.loads(again.body)
    assert first.pop("createdAt") != other.pop("createdAt")
    assert first == other
    assert again.header(HEADER) == sign(again.body, SECRET)


def test_a_duplicate_of_no_delay_is_the_same_delivery(calendar, at):
    occurrence = calendar.any_of("BOOKING_CREATED", at)
    assert faults.duplicate(occurrence, SUBSCRIPTION, 0) == delivery.compose(
        occurrence, SUBSCRIPTION
    )


def test_redelivering_and_reordering_change_no_byte(honest):
    other = honest.with_body(b"other")
    assert faults.redelivered(honest, 3) == [honest] * 3
    assert faults.reordered([honest, other]) == [other, honest]
