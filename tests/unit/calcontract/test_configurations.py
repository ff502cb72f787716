"""What a receiver may be started with, and which deliveries it may take then."""

from __future__ import annotations

import hashlib
import hmac
from random import Random

import pytest

from calcontract.errors import CatalogueError, Inconclusive, Violation
from calcontract.judges import configurations as judges
from calcontract.stimuli import configurations as stimuli
from calcontract.stimuli.signatures import Material
from tests.unit.calcontract.makers import an_attempt


def attempts(**statuses):
    return {name: an_attempt(status) for name, status in statuses.items()}


def why(judge, *arguments, **options):
    with pytest.raises(Violation) as caught:
        judge(*arguments, **options)
    return caught.value.reason


# --- stimuli --------------------------------------------------------------------------------------


def test_none_of_the_open_signatures_needs_the_secret():
    one = stimuli.open_signatures(Material(b"{}", "one secret", Random(1)))
    two = stimuli.open_signatures(Material(b"{}", "another secret", Random(1)))
    assert one == two
    assert len(one) == len(stimuli.OPEN_VALUES) + len(stimuli.OPEN_KEYS)


def test_a_signature_is_made_with_the_secret_as_it_is():
    expected = hmac.new("ключ\n".encode(), b"{}", hashlib.sha256).hexdigest()
    assert stimuli.signature(b"{}", "ключ\n") == expected


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ("no secret", (None, None)),
        ("an empty secret", ("", None)),
        ("a new secret", ("new", None)),
        ("a new secret beside the old one", ("new", "old")),
        ("a secret that ends in a line feed", ("new", None)),
    ],
)
def test_a_receiver_is_started_with_what_the_words_say(what, told):
    assert stimuli.secrets(what, new="new", old="old") == told


def test_every_kind_of_secret_is_another_one():
    kinds = [stimuli.that(word, "0123456789abcdef") for word in stimuli._KINDS]
    assert len(set(kinds)) == len(kinds)
    assert not any("\0" in kind for kind in kinds)


def test_a_word_that_no_table_knows_is_refused():
    with pytest.raises(CatalogueError):
        stimuli.secrets("a golden secret", new="new", old="old")
    with pytest.raises(CatalogueError):
        stimuli.that("is golden", "new")


# --- judges ---------------------------------------------------------------------------------------


def test_without_a_secret_nothing_is_taken():
    judges.none_taken(attempts(absent=401, empty=500), own=an_attempt(503))
    assert why(judges.none_taken, attempts(absent=202), own=an_attempt(401)) == "fails-open"
    with pytest.raises(Inconclusive):
        judges.none_taken(attempts(absent=401), own=an_attempt(202))


def test_what_was_taken_without_a_secret_is_shown_and_named_as_it_was_made():
    words = list(stimuli.open_signatures(Material(b"{}", "one secret", Random(1))))
    tried = {word: an_attempt(202 if "empty key" in word else 401) for word in words}
    with pytest.raises(Violation) as caught:
        judges.none_taken(tried, own=an_attempt(401))
    (taken,) = [attempt for attempt in tried.values() if attempt.acknowledged]
    assert caught.value.attempt is taken
    assert caught.value.sentence.endswith("whose signature is made with the empty key")


@pytest.mark.parametrize(
    ("wanted", "statuses"),
    [
        ({"new"}, {"new": 202, "old": 401, "another": 401}),
        ({"new", "old"}, {"new": 200, "old": 204, "another": 403}),
        ({"old"}, {"new": 401, "old": 202, "another": 401}),
    ],
)
def test_what_counts_and_nothing_else_is_right(wanted, statuses):
    judges.counting(attempts(**statuses), frozenset(wanted))


@pytest.mark.parametrize(
    ("wanted", "statuses", "reason"),
    [
        ({"new"}, {"new": 202, "old": 202, "another": 401}, "old-secret-taken"),
        ({"new"}, {"new": 401, "old": 401, "another": 401}, "new-secret-refused"),
        ({"new"}, {"new": 202, "old": 401, "another": 202}, "another-secret-taken"),
        ({"new"}, {"new": 202, "old": 500, "another": 401}, "status-500"),
        ({"new", "old"}, {"new": 202, "old": 401, "another": 401}, "old-secret-refused"),
    ],
)
def test_what_counts_wrongly_is_a_violation(wanted, statuses, reason):
    assert why(judges.counting, attempts(**statuses), frozenset(wanted)) == reason


def test_a_receiver_that_goes_on_as_before_cannot_be_told_from_one_with_another_variable():
    with pytest.raises(Inconclusive) as caught:
        judges.counting(attempts(new=401, old=202, another=401), frozenset({"new"}))
    assert caught.value.reason == "secret-not-read"


def test_a_receiver_with_a_secret_listens():
    judges.listening(listens=True)
    assert why(judges.listening, listens=False) == "not-listening"
