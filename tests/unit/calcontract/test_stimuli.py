"""What is sent is spoiled where it has to be, and only there."""

from __future__ import annotations

import copy
import json
import math
import random
import re

import pytest

from calcontract.errors import CatalogueError, Inconclusive
from calcontract.probes import instant
from calcontract.resources import room
from calcontract.stimuli import bodies, envelopes, named, signatures
from calcontract.stimuli.examples import EXAMPLES
from mock_calcom import delivery as deliveries
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import PROFILES
from tests.unit.calcontract.makers import BODY, NOON, SECRET, digest

TEXT = "\n".join(path.read_text(encoding="utf-8") for path in room("features").glob("*.feature"))


def a_body(profile, seed=1):
    calendar = Calendar(People(seed), Ids(random.Random(seed)), PROFILES[profile])
    subscription = deliveries.Subscription("http://127.0.0.1/", SECRET, profile=PROFILES[profile])
    return deliveries.compose(calendar.book(NOON)[0], subscription)


DELIVERIES = [a_body(profile, seed) for profile in ("guide", "direct-2026") for seed in (1, 2)]
every_delivery = pytest.mark.parametrize("delivery", DELIVERIES, ids=range(len(DELIVERIES)))


def material(body=BODY, secret=SECRET):
    return signatures.Material(body, secret, random.Random(7))


def made(word, **options):
    value = signatures.value(word, material(**options))
    return None if value is None else value.decode("latin-1")


# --- words ----------------------------------------------------------------------------------------

TABLES = {
    "signature": signatures._VALUES,
    "key": signatures._KEYS,
    "spelling": bodies._SPELLINGS,
    "tail": bodies._TAILS,
    "nonsense": bodies._NONSENSE,
    "fault of an envelope": envelopes._ENVELOPES,
    "oddity of a payload": envelopes._PAYLOADS,
    "place for an unknown field": envelopes._EXTRAS,
    "text": envelopes.TEXTS,
    "example": EXAMPLES,
}


@pytest.mark.parametrize(
    ("kind", "word"), [(kind, word) for kind, table in TABLES.items() for word in table]
)
def test_a_word_of_a_table_is_said_by_the_contract(kind, word):
    # A word stands in a cell, in a sentence, or in two cells of one.
    said = re.search(rf"(^|[|\s]){re.escape(word)}([\s|]|$)", TEXT, re.MULTILINE)
    composed = word.endswith(" of another body") and word.removesuffix(" of another body") in TEXT
    assert said or composed


def test_an_unknown_word_is_a_mistake_of_the_contract():
    for table in TABLES.values():
        with pytest.raises(CatalogueError, match="is called 'no such word'"):
            named(table, "no such word", "thing")


# --- signatures -----------------------------------------------------------------------------------

RIGHT = {digest(), f"sha256={digest()}"}
UNLAWFUL = [word for word in signatures._VALUES if word not in signatures.LAWFUL]


@pytest.mark.parametrize("word", UNLAWFUL)
@pytest.mark.parametrize("body", [BODY, BODY + b"\n", b"{}"])
def test_a_wrong_signature_is_not_one_of_the_right_ones(word, body):
    right = {digest(body), digest(body.rstrip(b"\r\n"))}
    right |= {f"sha256={value}" for value in right}
    # Upper-case hex of the right digest is another value, not another spelling.
    assert made(word, body=body) not in right


@pytest.mark.parametrize("word", sorted(signatures.LAWFUL))
def test_a_lawful_signature_is_a_right_one(word):
    assert made(word) in RIGHT


@pytest.mark.parametrize("word", [word for word in UNLAWFUL if word.startswith("right but")])
def test_a_near_miss_is_near(word):
    value = made(word)
    assert value not in RIGHT
    near = (value in digest(), digest() in value, value[::-1] in digest())
    differing = sum(a != b for a, b in zip(value, digest(), strict=False))
    assert any(near) or (len(value) == 64 and differing == 1)


@pytest.mark.parametrize("seed", range(40))
def test_a_near_miss_misses_whatever_the_digest_is(seed):
    body = random.Random(seed).randbytes(30)
    for word in UNLAWFUL:
        assert made(word, body=body) not in {digest(body), f"sha256={digest(body)}"}


@pytest.mark.parametrize("word", list(signatures._KEYS))
@pytest.mark.parametrize("secret", [SECRET, "0123456789-4242", "x"])
def test_another_key_makes_another_signature(word, secret):
    value = signatures.signed_with(word, material(secret=secret)).decode()
    assert len(value) == 64
    assert value != digest(secret=secret)


@pytest.mark.parametrize("secret", ["changeme", "undefined", signatures.SAMPLE_KEY])
def test_a_receiver_is_not_accused_of_taking_its_own_secret(secret):
    word = f'the key "{secret}"' if secret != signatures.SAMPLE_KEY else "the guide's sample key"
    with pytest.raises(Inconclusive) as caught:
        signatures.signed_with(word, material(secret=secret))
    assert caught.value.reason == "secret-well-known"


def test_the_secret_is_used_as_it_was_typed():
    assert made("the bare digest", secret="gehëim") == digest(secret="gehëim")


def test_nothing_means_no_header():
    assert made("absent") is None
    assert made("empty") == ""


def test_a_signature_of_another_body_is_new_each_time():
    one = material()
    assert one.other() != one.other()
    assert digest() not in {one.other() for _ in range(50)}


# --- bodies ---------------------------------------------------------------------------------------

CHANGES = [
    "the trigger became another",
    "the start moved by an hour",
    "one letter of the uid changed",
    "the last byte before the end changed",
    "a space was added at the end",
    "a space was added after a colon",
    "a key was added",
    "a repeated key was added",
    "everything was replaced by another body",
    "everything was removed",
]


@every_delivery
@pytest.mark.parametrize("word", CHANGES)
def test_a_change_changes_the_body(word, delivery):
    changed = bodies.changed(word, delivery.body, uid=delivery.uid, other=BODY)
    assert changed != delivery.body
    # Not a change that the guide's rtrim would undo.
    assert changed.rstrip(b"\r\n") != delivery.body


def test_no_change_is_forgotten_here():
    assert {word for word in CHANGES if word in TEXT} == set(CHANGES)
    with pytest.raises(CatalogueError):
        bodies.changed("nothing of it", BODY, uid=None, other=b"")


@pytest.mark.parametrize("word", ["the trigger became another", "the start moved by an hour"])
def test_a_change_that_finds_nothing_to_change_is_a_mistake(word):
    with pytest.raises(ValueError, match="left the body as it was"):
        bodies.changed(word, b"{}", uid=None, other=b"")


@every_delivery
@pytest.mark.parametrize("word", CHANGES[:8])
def test_a_changed_body_still_parses(word, delivery):
    changed = bodies.changed(word, delivery.body, uid=delivery.uid, other=BODY)
    assert json.loads(changed)["payload"]


def without_notes(value):
    """The envelope without what some spellings add."""
    value = copy.deepcopy(value)
    value["payload"].pop("numbers", None)
    metadata = value["payload"].pop("metadata", None) or {}
    kept = {k: v for k, v in metadata.items() if k not in {"note", "b", "2", "10"}}
    return {**value, "payload": {**value["payload"], "metadata": kept}}


@every_delivery
@pytest.mark.parametrize("word", list(bodies._SPELLINGS))
def test_a_spelling_keeps_what_the_body_says(word, delivery):
    spelled = bodies.spelled(word, delivery.body)
    said = json.loads(spelled)
    assert without_notes(said) == without_notes(json.loads(delivery.body))
    assert said["payload"].get("uid") == json.loads(delivery.body)["payload"].get("uid")


@every_delivery
@pytest.mark.parametrize("word", [word for word in bodies._SPELLINGS if word != "compactly"])
def test_a_spelling_is_not_what_a_parser_would_write_again(word, delivery):
    spelled = bodies.spelled(word, delivery.body)
    # Python keeps the order of keys and the kind of numbers; JavaScript does not.
    javascript = {
        *("with integer-like keys last", "with every key in another order"),
        *("with emoji and U+2028", "with numbers such as 1.0", "with text beyond the BMP"),
        *("with names in composed letters", "with names in combined letters"),
        *("with its trigger event last", "with U+FFFD"),
    }
    if word not in javascript:
        assert bodies.compact(json.loads(spelled)) != spelled
    assert spelled != bodies.spelled("compactly", delivery.body)


def test_a_decoder_that_replaces_makes_one_text_of_two_bodies():
    word = "U+FFFD became a byte that is no text"
    told = bodies.spelled("with U+FFFD", BODY)
    changed = bodies.changed(word, told, uid=None, other=b"")
    assert changed != told
    assert changed.decode("utf-8", "replace") == told.decode()
    with pytest.raises(ValueError, match="left the body as it was"):
        bodies.changed(word, BODY, uid=None, other=b"")


def typed(value):
    """*value* with the type of each of its parts in the place of the part."""
    if isinstance(value, dict):
        return {key: typed(part) for key, part in value.items()}
    return [typed(part) for part in value] if isinstance(value, list) else type(value)


@every_delivery
@pytest.mark.parametrize("word", list(bodies._SPELLINGS))
def test_a_spelling_keeps_the_types_that_a_strict_reader_asks_for(word, delivery):
    # Go and Rust take 1.0 for no integer; and Cal.com's metadata maps texts to texts.
    said = json.loads(bodies.spelled(word, delivery.body))["payload"]
    told = json.loads(delivery.body)["payload"]
    metadata, kept = said.pop("metadata", None) or {}, told.pop("metadata", None) or {}
    assert typed({key: said[key] for key in told}) == typed(told)
    assert {type(value) for key, value in metadata.items() if key not in kept} <= {str}


def test_keys_that_look_like_integers_come_last():
    keys = list(
        json.loads(bodies.spelled("with integer-like keys last", BODY))["payload"]["metadata"]
    )
    assert keys[-2:] == ["2", "10"]


@pytest.mark.parametrize(("word", "tail"), list(bodies._TAILS.items()))
def test_a_tail_is_trimmed_by_the_guide(word, tail):
    assert bodies.with_tail(word, BODY) == BODY + tail
    assert bodies.with_tail(word, BODY).rstrip(b"\r\n") == BODY


UNPARSABLE = {
    *("cut in the middle", "empty", "plain text", "in single quotes", "followed by a comma"),
    *("two objects in a row", "bytes that are not UTF-8", "a form"),
    "a JSON text before a NUL",
}


@every_delivery
@pytest.mark.parametrize("word", list(bodies._NONSENSE))
def test_nonsense_is_nonsense_of_its_kind(word, delivery):
    body = bodies.nonsense(word, delivery.body)
    assert body != delivery.body
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        assert word in UNPARSABLE or word in {
            *(f"{depth} nested arrays" for depth in (500, 1000, 10_000, 100_000)),
            "10000 nested objects",
            "a number of 400 digits",
        }
    else:
        assert word not in UNPARSABLE


def test_nonsense_inside_a_payload_leaves_the_rest_of_it():
    body = bodies.nonsense("the number 1e400", DELIVERIES[0].body)
    payload = json.loads(body)["payload"]
    assert payload.pop("n") == math.inf
    assert payload == json.loads(DELIVERIES[0].body)["payload"]


@every_delivery
@pytest.mark.parametrize("size", [8, 64, 256])
def test_a_body_is_padded_to_its_size(size, delivery):
    padded = bodies.padded(delivery.body, size * 1024)
    assert len(padded) == size * 1024
    assert json.loads(padded)["payload"]["uid"] == delivery.uid


@pytest.mark.parametrize(
    "word", ["with Z", "with .000Z", "with +00:00", "with +02:00", "with -09:30"]
)
@pytest.mark.parametrize("text", ["2027-03-28T00:30:00Z", "2027-01-01T12:00:00+05:30"])
def test_a_time_in_another_spelling_is_the_same_instant(word, text):
    shifted = bodies.shifted(text, word)
    assert instant(shifted) == instant(text)
    assert shifted.endswith(word.removeprefix("with "))


# --- envelopes ------------------------------------------------------------------------------------

WAYS = {
    "spoiled": (envelopes.spoiled, envelopes._ENVELOPES),
    "odd": (envelopes.odd, envelopes._PAYLOADS),
    "extended": (envelopes.extended, envelopes._EXTRAS),
    "worded": (envelopes.worded, envelopes.TEXTS),
}


@pytest.mark.parametrize(
    ("way", "word"), [(way, word) for way, (_, table) in WAYS.items() for word in table]
)
def test_an_envelope_is_changed_in_a_copy(way, word):
    # The guide's own example holds every member that can be taken away.
    envelope = json.loads(EXAMPLES["BOOKING_CREATED"])
    envelope["payload"]["responses"] = {}
    before = copy.deepcopy(envelope)
    changed = WAYS[way][0](word, envelope)
    assert envelope == before
    assert changed != before


@every_delivery
@pytest.mark.parametrize("word", list(envelopes._EXTRAS))
def test_an_unknown_field_takes_nothing_away(word, delivery):
    envelope = json.loads(delivery.body)
    text = json.dumps(envelopes.extended(word, envelope))
    assert "futureField" in text
    assert not {k for k in envelope["payload"] if f'"{k}"' not in text}


@pytest.mark.parametrize("text", list(EXAMPLES.values()))
def test_an_example_of_the_guide_is_an_envelope(text):
    envelope = json.loads(text)
    assert envelope["triggerEvent"]
    assert envelope["payload"]["uid"]
