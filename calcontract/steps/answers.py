"""Then: what the receiver answers."""

from __future__ import annotations

import json

from pytest_bdd import parsers, then

from calcontract.errors import Inconclusive, Violation
from calcontract.handling import Statuses
from calcontract.judges import answers
from calcontract.stimuli import signatures
from calcontract.story import Story
from mock_calcom.signature import HEADER


def _statuses(story: Story) -> Statuses:
    return story.target.settings.statuses


@then("the receiver acknowledges it")
def _acknowledges(story: Story) -> None:
    answers.acknowledged(story.it.last, promised=_statuses(story).acknowledge)


@then("the receiver acknowledges each of them")
def _acknowledges_each(story: Story) -> None:
    if story.attempts[0].answer is None:
        # What was not taken is not redelivered; that it has to be taken is another clause.
        raise Inconclusive(
            f"the first attempt had {answers.described(story.attempts[0])}",
            reason=f"no-answer-{story.attempts[0].problem}",
        )
    for attempt in story.attempts:
        answers.acknowledged(attempt, promised=_statuses(story).acknowledge)


@then("the receiver refuses it")
def _refuses(story: Story) -> None:
    story.it.denied = True
    answers.refused(story.it.last, promised=_statuses(story).refuse)


@then("the receiver answers without failing")
def _unfailing(story: Story) -> None:
    answers.unfailing(story.it.last)


@then("the receiver acknowledges it within the budget")
def _acknowledges_in_time(story: Story) -> None:
    answers.acknowledged(
        story.it.last,
        within=story.target.settings.budget,
        promised=_statuses(story).acknowledge,
    )


@then("the receiver refuses it within the budget")
def _refuses_in_time(story: Story) -> None:
    story.it.denied = True
    answers.refused(story.it.last, promised=_statuses(story).refuse)
    answers.in_time(story.it.last, story.target.settings.budget)


@then("the receiver acknowledges it before the processing is over")
def _acknowledges_at_once(story: Story) -> None:
    item = story.it
    seconds = story.processing_seconds
    answers.acknowledged(item.last)
    if item.last.seconds >= seconds:
        raise Violation(
            f"it was answered after its processing ({item.last.seconds:.2f} s)",
            expected=f"an acknowledgement before {seconds:g} s of processing are over",
            reason="processed-inside-the-request",
        )


@then(parsers.re(r"the answer is (?P<status>\d+)$"), converters={"status": int})
def _status(story: Story, status: int) -> None:
    story.it.denied = 400 <= status < 500 and status != 405
    answers.status(story.it.last, status)


@then(
    parsers.re(r"the answer is (?P<status>\d+) with (?P<body>\{.*\})$"), converters={"status": int}
)
def _status_and_body(story: Story, status: int, body: str) -> None:
    _status(story, status)
    answers.json_body(story.it.last, json.loads(body))


@then(parsers.re(r"the answer is not (?P<status>\d+)$"), converters={"status": int})
def _not_status(story: Story, status: int) -> None:
    answers.not_status(story.it.last, status)


@then("the answer is no redirect")
def _no_redirect(story: Story) -> None:
    answers.no_redirect(story.it.last)


@then(parsers.re(r"the answer says (?P<words>.+)$"))
def _says(story: Story, words: str) -> None:
    answers.text(story.it.last, words)


@then("the receiver answers as it answers a wrong signature")
def _like_a_wrong_signature(story: Story) -> None:
    """Sends the well-formed twin under a wrong signature, and compares."""
    item = story.it
    item.denied = True
    answers.refused(item.last)
    wrong = signatures.Material(item.lawful.body, story.target.secret, story.target.chance).other()
    model = story.attempt(item.lawful.with_header(HEADER, wrong))
    answers.alike(item.last, model)


@then("the answer gives away neither the secret nor the expected signature")
def _discreet(story: Story) -> None:
    item = story.it
    answers.discreet(item.last, secret=story.target.secret, signature=story.material(item).digest())
