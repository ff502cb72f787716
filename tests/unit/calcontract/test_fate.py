"""What Cal.com does next: after an answer, and after each violation that there is."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import calcontract
from calcontract.certificates import _FLAWS
from calcontract.judges import fate
from calcontract.probes import LIVE
from calcontract.vigil import DIED

PACKAGE = Path(calcontract.__file__).parent

LOST = "lost for ever"
NEVER_AGAIN = "takes the event for delivered and never sends it again"
NOTHING_LOST = "nothing is lost"
NOT_RIGHTED = "sends nothing that puts this right"
WAITS = "waits for the answer"
NOTHING_ARRIVES = "delivers nothing: every event is lost"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, LOST),
        (202, NEVER_AGAIN),
        *((status, "does not follow") for status in (300, 302, 399)),
        (400, LOST),
        (401, LOST),
        (410, "switches the subscription off"),
        *((status, "three times more") for status in (408, 429, 500, 502, 503, 504)),
        (501, LOST),
    ],
)
def test_a_letter_says_what_becomes_of_the_delivery(status, words):
    assert words in fate.of(status)


@pytest.mark.parametrize(
    ("clause", "reason", "status", "taken", "said"),
    [
        # The answer to a delivery that was to be taken, or to one that was taken before.
        ("evt-001", "status-401", 401, False, LOST),
        ("evt-001", "status-503", 503, False, "three times more"),
        ("ack-001", "no-answer-timeout", None, False, LOST),
        ("ack-006", "status-410", 410, False, "switches the subscription off"),
        ("ack-008", "redirect", 308, False, "does not follow"),
        ("cfg-002", "new-secret-refused", 401, False, LOST),
        ("thr-003", "locked-out", 429, False, "three times more"),
        ("idm-007", "receiver-died", None, False, LOST),
        ("idm-012", "status-409", 409, True, NOTHING_LOST),
        ("idm-011", "status-500", 500, True, NOTHING_LOST),
        ("idm-002", "no-answer-reset", None, True, NOTHING_LOST),
        # As a task, what may pass is tried again, and the rest is not.
        ("idm-011", "status-500", 500, True, "three times more"),
        ("idm-002", "no-answer-reset", None, True, "three times more"),
        ("idm-012", "status-409", 409, True, "a task is logged as failed"),
        ("idm-012", "status-410", 410, True, "switches the subscription off"),
        # It was acknowledged, and was not to be, or in other words: nothing follows.
        ("ack-003", "status-200", 200, False, ""),
        ("net-016", "status-202", 202, False, ""),
        ("net-011", "status-202", 202, False, NEVER_AGAIN),
        # How long it took.
        ("ack-010", "processed-inside-the-request", 202, False, WAITS),
        ("ack-002", "processed-inside-the-request", 202, False, WAITS),
        ("ack-001", "too-late", 202, False, WAITS),
        ("rty-002", "too-late", 202, False, ""),
        # Nothing came of what was taken, or of what was refused.
        ("dur-003", "effect-missing", 202, False, NEVER_AGAIN),
        ("dur-001", "appointments-missing", 202, True, NEVER_AGAIN),
        ("eff-001", "effect-missing", 401, False, LOST),
        ("idm-001", "effect-missing", 409, True, ""),
        ("net-013", "page", 200, False, NEVER_AGAIN),
        ("rty-003", "given-up-early", 202, False, NEVER_AGAIN),
        ("idm-008", "records-missing", 202, False, ""),
        # The sender of these tests had gone, or had killed the receiver.
        ("idm-005", "effect-missing", None, False, ""),
        ("dur-009", "live-0", None, False, ""),
        # What came of it is wrong.
        ("eff-011", "live-0", 202, False, NOT_RIGHTED),
        ("idm-001", "effect-repeated", 202, True, NOT_RIGHTED),
        ("idm-001", "effect-repeated", 409, True, ""),
        ("thr-004", "effect-unexpected", 429, False, ""),
        # Over a connection that is not trusted nothing is delivered, whatever we were answered.
        ("net-015", "self-signed", 202, False, NOTHING_ARRIVES),
        ("net-015", "status-401", 401, False, LOST),
        # Nobody tells Cal.com.
        ("sec-003", "insides", 202, False, ""),
        ("obs-001", "log-silent", 202, False, ""),
        ("rty-003", "notice", 202, False, ""),
        ("cfg-002", "old-secret-taken", 202, False, ""),
        ("thr-002", "no-retry-after", 429, False, ""),
    ],
)
def test_a_letter_says_what_follows_from_this_violation(clause, reason, status, taken, said):
    told = fate.after(reason, status, clause=clause, taken=taken)
    assert said in told
    assert bool(told) is bool(said)


def reasons_in(path):
    """The reasons of the violations that a module raises, with examples of what varies in them."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Violation":
            [given] = [word.value for word in node.keywords if word.arg == "reason"]
            yield from examples(given)


def examples(given):
    match given:
        case ast.Constant():
            yield given.value
        case ast.IfExp():
            yield from examples(given.body)
            yield from examples(given.orelse)
        case ast.JoinedStr():
            yield "".join(
                part.value if isinstance(part, ast.Constant) else VARYING[ast.unparse(part.value)]
                for part in given.values
            )
        case _:
            yield from ELSEWHERE[ast.unparse(given)]


#: What stands in the place of a value in a reason.
VARYING = {
    "attempt.problem": "timeout",
    "answer.status": "401",
    "attempt.status": "401",
    "elsewhere.status": "202",
    "unwanted": "410",
    "len(live)": "2",
    "len(found)": "0",
    "name": "new",
    "TAKEN": "-secret-taken",
}

#: The reasons that are no words of the module that raises them.
ELSEWHERE = {
    "DIED": {DIED},
    "live[0].status": LIVE,
    "one.status": LIVE,
    "flaw.reason": {flaw.reason for flaw in _FLAWS.values()} | {"untrusted"},
    "str(reason if attempt.answer else f'no-answer-{reason}')": {"status-500", "no-answer-reset"},
    "violation.reason": set(),
}

#: Where violations are raised that become letters of clauses: a hunt has letters of its own.
MODULES = [path for path in PACKAGE.rglob("*.py") if path.parent.name != "fuzz"]


def test_of_every_reason_it_is_known_what_follows():
    reasons = {reason for path in MODULES for reason in reasons_in(path)}
    assert len(reasons) > 60
    assert {reason for reason in reasons if fate.kind_of(reason) is None} == set()


def test_a_reason_is_of_one_kind():
    reasons = {reason for path in MODULES for reason in reasons_in(path)}
    for reason in reasons:
        kinds = [kind for kind in fate.Kind if fate.is_of(reason, kind)]
        assert len(kinds) == 1, reason
