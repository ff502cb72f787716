"""What a receiver may declare of itself, and what is made of it."""

from __future__ import annotations

import pytest

from calcontract import settings
from calcontract.errors import NotApplicable, UsageError, Violation
from calcontract.handling import Appointments, Words
from calcontract.judges import answers, effects
from calcontract.probes import Look
from calcontract.records import RunRecord
from calcontract.verdicts import Outcome
from tests.unit.calcontract.makers import NOON, ONE, a_check, a_look, a_run, an_attempt

DECLARED = """
profile = "calcom"

[triggers]
BOOKING_CREATED = ["lead"]
BOOKING_CANCELLED = []

[appointments]
words = { booked = "confirmed" }

[statuses]
acknowledge = [200, 204]
refuse = [403]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_declares_all_of_it(folder):
    (folder / "calcontract.toml").write_text(DECLARED)
    told = settings.load()
    assert told.handled == ("BOOKING_CANCELLED", "BOOKING_CREATED")
    assert told.appointments.words == {"booked": "confirmed"}
    assert told.statuses.acknowledge == (200, 204)
    assert told.statuses.refuse == (403,)
    told.require_its_profile()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"triggers": {"BOOKING_CREATE": []}}, "did you mean BOOKING_CREATED?"),
        ({"triggers": {"PING": []}}, "no effect of 'PING' can be judged; choose from BOOKING_"),
        ({"triggers": {}}, "[triggers] names none"),
        (
            {"triggers": {"BOOKING_CREATED": ["mail"], "BOOKING_CANCELLED": ["mail"]}},
            "the effect 'mail' stands for two triggers",
        ),
        (
            {"appointments": {"words": {"frei": "canceled"}}},
            "which no appointment can be; did you mean cancelled?",
        ),
        ({"appointments": {"keep": False}}, "appointments.keep"),
        ({"statuses": {"acknowledge": [302]}}, "statuses.acknowledge.0"),
        ({"statuses": {"refuse": [500]}}, "statuses.refuse.0"),
        ({"statuses": {"refuse": [401, 410]}}, "410 switches the subscription off"),
        ({"statuses": {"refuse": [429]}}, "429 asks for a pause"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_one_sentence(options, words):
    with pytest.raises(UsageError) as caught:
        settings.load(profile="calcom", **options)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {"triggers": {"BOOKING_CREATED": []}},
        {"appointments": {"kept": False}},
        {"statuses": {"refuse": [403]}},
    ],
)
def test_the_guide_leaves_nothing_to_declare(options):
    settings.load(profile="calcom", **options).require_its_profile()
    with pytest.raises(UsageError, match="the profile guide itself says which"):
        settings.load(profile="guide", **options).require_its_profile()


def test_the_probes_words_are_translated_and_the_rest_is_left():
    words = Words.of(
        {"BOOKING_CREATED": ("lead",), "BOOKING_CANCELLED": ()},
        Appointments(words={"booked": "confirmed"}),
    )
    document = {
        "appointments": [{"id": 1, "status": "booked"}, {"id": 2, "status": "cancelled"}],
        "deliveries": [],
        "effects": [{"kind": "lead", "uid": "u"}, {"kind": "cancelled", "uid": "u"}],
        "notices": [],
        "pending": 0,
        "totals": {},
    }
    seen = Look.of(document, words)
    assert [one.status for one in seen.appointments] == ["confirmed", "cancelled"]
    assert [one.kind for one in seen.effects] == ["created", "cancelled"]


def test_where_no_appointments_are_kept_their_absence_says_nothing():
    bare = a_look(appointments=(), keeps_appointments=False)
    effects.single(bare)
    for judge, options in (
        (effects.one, {}),
        (effects.one_at_most, {}),
        (effects.live_once, {"start": NOON, "end": ONE}),
        (effects.over, {"status": None}),
        (effects.unevaluated, {"result": "42", "mark": "MarkX"}),
    ):
        with pytest.raises(NotApplicable) as caught:
            judge(bare, **options)
        assert caught.value.reason == "keeps-none"
    with pytest.raises(Violation):
        effects.single(a_look(appointments=()))


@pytest.mark.parametrize(
    ("judge", "status", "promised", "holds"),
    [
        (answers.acknowledged, 204, (), True),
        (answers.acknowledged, 204, (200, 204), True),
        (answers.acknowledged, 202, (200, 204), False),
        (answers.refused, 400, (), True),
        (answers.refused, 400, (401, 403), False),
        (answers.refused, 403, (401, 403), True),
    ],
)
def test_a_promised_status_is_held_to(judge, status, promised, holds):
    if holds:
        judge(an_attempt(status), promised=promised)
        return
    with pytest.raises(Violation) as caught:
        judge(an_attempt(status), promised=promised)
    assert caught.value.reason == f"status-{status}"
    assert " or ".join(map(str, promised)) in caught.value.expected


def outcome(*records) -> Outcome:
    run: RunRecord = a_run(*records)
    return run.outcome("sig-001")


@pytest.mark.parametrize(
    ("ends", "clause"),
    [
        # Every row of the negative falls away: what is left is the control.
        ([("moved[a]", "n/a"), ("moved[b]", "n/a"), ("control", "pass")], Outcome.NOT_APPLICABLE),
        # One row falls away: the clause holds for what the receiver does.
        ([("moved[a]", "n/a"), ("moved[b]", "pass"), ("control", "pass")], Outcome.PASS),
        # An accusation is never hidden.
        ([("moved[a]", "n/a"), ("control", "fail")], Outcome.FAIL),
        ([("moved[a]", "pass"), ("control", "pass")], Outcome.PASS),
    ],
)
def test_a_clause_whose_negative_falls_away_is_not_verified_by_its_control(ends, clause):
    spelled = {"n/a": Outcome.NOT_APPLICABLE, "pass": Outcome.PASS, "fail": Outcome.FAIL}
    assert outcome(*(a_check(node=node, outcome=spelled[end]) for node, end in ends)) is clause
