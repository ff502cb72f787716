"""Which answers count as what."""

from __future__ import annotations

import base64
import dataclasses

import pytest

from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers
from tests.unit.calcontract.makers import SECRET, an_attempt, digest, reason

ACKNOWLEDGED = (200, 201, 202, 204, 299)
REFUSED = (400, 401, 403, 404, 405, 410, 413, 415, 422, 499)
FAILED = (500, 502, 503, 504, 599)
REDIRECTED = (301, 302, 303, 307, 308)
PROBLEMS = ("timeout", "connection", "reset", "garbage", "tls")


JUDGES = {
    answers.acknowledged: ACKNOWLEDGED,
    answers.refused: REFUSED,
    answers.unfailing: ACKNOWLEDGED + REFUSED,
}
EVERY = ACKNOWLEDGED + REFUSED + FAILED + REDIRECTED


@pytest.mark.parametrize("status", EVERY)
@pytest.mark.parametrize("judge", list(JUDGES), ids=lambda judge: judge.__name__)
def test_a_status_counts_as_what_it_is(judge, status):
    found = reason(judge, an_attempt(status))
    assert found == (None if status in JUDGES[judge] else f"status-{status}")


@pytest.mark.parametrize("status", EVERY)
def test_a_redirect_is_no_answer_at_the_url_itself(status):
    expected = "redirect" if status in REDIRECTED else None
    assert reason(answers.no_redirect, an_attempt(status)) == expected


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize("judge", list(JUDGES), ids=lambda judge: judge.__name__)
def test_no_answer_is_neither_an_acknowledgement_nor_a_refusal(judge, problem):
    attempt = an_attempt(None, problem=problem)
    assert reason(judge, attempt) == f"no-answer-{problem}"
    with pytest.raises(Violation, match=problem):
        judge(attempt)


#: Judges that ask for something else than an answer, with what they ask for.
ABOUT_AN_ANSWER = [
    (answers.no_redirect, ()),
    (answers.not_status, (410,)),
    (answers.json_body, ({},)),
    (answers.text, ("Missing signature",)),
    (answers.alike, (an_attempt(401),)),
]


@pytest.mark.parametrize("problem", PROBLEMS)
@pytest.mark.parametrize(("judge", "arguments"), ABOUT_AN_ANSWER)
def test_without_an_answer_nothing_else_can_be_said_of_it(judge, arguments, problem):
    with pytest.raises(Inconclusive) as caught:
        judge(an_attempt(None, problem=problem), *arguments)
    assert caught.value.reason == f"no-answer-{problem}"


@pytest.mark.parametrize(
    ("judge", "arguments"),
    [
        *((judge, ()) for judge in JUDGES),
        *ABOUT_AN_ANSWER,
        (answers.status, (401,)),
        (answers.in_time, (30,)),
    ],
)
def test_a_throttle_is_no_verdict(judge, arguments):
    with pytest.raises(Inconclusive) as caught:
        judge(an_attempt(429), *arguments)
    assert caught.value.reason == "throttled"


@pytest.mark.parametrize(("seconds", "found"), [(0.1, None), (30.0, None), (30.01, "too-late")])
def test_an_acknowledgement_has_to_come_within_the_budget(seconds, found):
    attempt = an_attempt(202, seconds=seconds)
    assert reason(answers.acknowledged, attempt, within=30) == found
    assert reason(answers.in_time, attempt, 30) == found
    assert reason(answers.acknowledged, attempt) is None


def test_an_answer_in_time_may_be_any():
    assert reason(answers.in_time, an_attempt(500), 30) is None
    assert reason(answers.in_time, an_attempt(None), 30) == "no-answer-timeout"


def test_exactly_one_status_may_be_asked_for():
    assert reason(answers.status, an_attempt(401), 401) is None
    assert reason(answers.status, an_attempt(403), 401) == "status-403"
    assert reason(answers.not_status, an_attempt(403), 410) is None
    assert reason(answers.not_status, an_attempt(410), 410) == "status-410"


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"status":"accepted"}', None),
        (b'{ "status" : "accepted" }\n', None),
        (b'{"status":"accepted","id":1}', "body"),
        (b'{"status":"queued"}', "body"),
        (b"accepted", "body"),
        (b"", "body"),
        (b"\xff", "body"),
        (b"[" * 100_000, "body"),
    ],
)
def test_a_body_is_compared_as_json(body, found):
    assert reason(answers.json_body, an_attempt(202, body), {"status": "accepted"}) == found


def test_words_may_stand_anywhere_in_the_body():
    attempt = an_attempt(401, b'{"error":"Missing signature"}')
    assert reason(answers.text, attempt, "Missing signature") is None
    assert reason(answers.text, attempt, "Invalid signature") == "body"


def test_two_answers_are_alike_when_their_statuses_are():
    assert reason(answers.alike, an_attempt(403), an_attempt(403, b"other words")) is None
    assert reason(answers.alike, an_attempt(400), an_attempt(401)) == "status-400"


def test_without_an_answer_to_compare_with_nothing_is_alike():
    with pytest.raises(Inconclusive):
        answers.alike(an_attempt(401), an_attempt(None))


# --- leaks ----------------------------------------------------------------------------------------

RIGHT = digest()
RAW = bytes.fromhex(RIGHT)


@pytest.mark.parametrize(
    "shown",
    [
        RIGHT,
        RIGHT.upper(),
        RIGHT[:32],
        RIGHT[:16],
        f"expected sha256={RIGHT}",
        base64.b64encode(RAW).decode(),
        base64.b64encode(RAW).decode().rstrip("="),
        base64.urlsafe_b64encode(RAW).decode(),
        SECRET,
        f"key {SECRET}!",
        base64.b64encode(SECRET.encode()).decode(),
        SECRET.encode().hex(),
    ],
)
@pytest.mark.parametrize("place", ["body", "header"])
def test_an_answer_may_show_neither_the_secret_nor_the_right_signature(shown, place):
    body = shown.encode() if place == "body" else b"no"
    headers = {"x-debug": shown} if place == "header" else {}
    attempt = an_attempt(401, body, headers=headers)
    assert reason(answers.discreet, attempt, secret=SECRET, signature=RIGHT) == "leak"


def test_a_leak_is_reported_without_being_repeated():
    for shown in (RIGHT, SECRET):
        with pytest.raises(Violation) as caught:
            answers.discreet(an_attempt(401, shown.encode()), secret=SECRET, signature=RIGHT)
        assert shown not in str(caught.value) + caught.value.expected


@pytest.mark.parametrize(
    "body", [b"Invalid signature", digest(b"another body").encode(), RIGHT[:8].encode(), b""]
)
def test_what_shows_neither_is_discreet(body):
    attempt = an_attempt(401, body, headers={"date": "today"})
    assert reason(answers.discreet, attempt, secret=SECRET, signature=RIGHT) is None


@pytest.mark.parametrize(
    ("secret", "found"), [("secret", None), ("sixteen", None), ("eighteen", "leak")]
)
def test_a_secret_of_one_word_is_not_seen_in_every_answer(secret, found):
    attempt = an_attempt(401, f"Missing {secret}".encode())
    assert reason(answers.discreet, attempt, secret=secret, signature=RIGHT) == found


@pytest.mark.parametrize(
    ("judge", "promised", "expected"),
    [
        (answers.acknowledged, (), "an acknowledgement (2xx)"),
        (answers.acknowledged, (204, 202), "an acknowledgement (202 or 204)"),
        (answers.refused, (), "a refusal (4xx)"),
        (answers.refused, (401,), "a refusal (401)"),
    ],
)
def test_what_was_expected_is_said_as_it_was_promised(judge, promised, expected):
    with pytest.raises(Violation) as caught:
        judge(an_attempt(500), promised=promised)
    assert caught.value.expected == expected


def test_an_attempt_is_described_in_a_few_words():
    assert answers.described(an_attempt(503, seconds=0.0123)) == "answer 503 after 12 ms"
    assert answers.described(an_attempt(None, seconds=2)) == "no answer (timeout) within 2.00 s"
    slow = dataclasses.replace(an_attempt(202), seconds=2.0)
    assert answers.described(slow) == "answer 202 after 10 ms, and its end only after 2.00 s"
