"""
What an answer may look like from outside, beyond whether it acknowledges or refuses.

Sound receivers differ in words and statuses: only what no sound one shows is a violation here.
"""

from __future__ import annotations

import re

from calcontract.errors import Violation
from calcontract.judges import answers
from calcontract.judges.answers import described
from mock_calcom.attempts import RESET
from mock_calcom.sender import Answer, Attempt

#: Not implemented: the one 5xx that is as definite as a refusal (RFC 9110 section 15.6.2).
_NOT_IMPLEMENTED = 501


def gets_over(attempt: Attempt, budget: float) -> None:
    """
    A definite answer, whichever, or a connection that is closed on us; within *budget* seconds.

    Raises:
        Violation: if the receiver fails (5xx), or neither answers nor hangs up in time.
    """
    expected = f"a definite answer, or a closed connection, within {budget:g} s"
    if attempt.problem != RESET:
        answer = answers.demanded(attempt, expected)
        if answer.status >= 500 and answer.status != _NOT_IMPLEMENTED:
            raise Violation(
                described(attempt),
                expected=expected,
                reason=f"status-{answer.status}",
                attempt=attempt,
            )
    if attempt.seconds > budget:
        raise Violation(described(attempt), expected=expected, reason="too-late", attempt=attempt)


def turned_away(attempt: Attempt) -> None:
    """
    A 4xx, or a connection that is closed on us while we still write.

    Raises:
        Violation: if the delivery was acknowledged, redirected or failed, or nothing came.
    """
    if attempt.problem != RESET:
        answers.refused(attempt)


def not_acknowledged(attempt: Attempt) -> None:
    """
    Anything but a 2xx.

    Raises:
        Violation: if it was acknowledged.
    """
    if attempt.acknowledged:
        raise Violation(
            described(attempt),
            expected="no acknowledgement",
            reason=f"status-{attempt.status}",
            attempt=attempt,
        )


def acknowledged_alike(elsewhere: Attempt, at_home: Attempt) -> None:
    """
    No acknowledgement *elsewhere* of what the receiver refuses where it is *at_home*.

    Whoever acts on deliveries at every address judges them everywhere alike; whoever acknowledges
    what it would refuse has not looked at it.

    Raises:
        Violation: if it was acknowledged there and refused here.
        Inconclusive: if there is no answer here.
    """
    if elsewhere.acknowledged and answers.any_answer(at_home).status in range(400, 500):
        raise Violation(
            f"{described(elsewhere)}, and {at_home.status} at its own address",
            expected="no acknowledgement of what its own address refuses",
            reason=f"status-{elsewhere.status}",
            attempt=elsewhere,
        )


def taken_or(attempt: Attempt, status: int) -> None:
    """
    An acknowledgement, or the one refusal *status* that says how to send it instead.

    Raises:
        Violation: if anything else came, or nothing.
    """
    if attempt.status != status:
        answers.acknowledged(attempt)


def no_page(attempt: Attempt) -> None:
    """
    No document in HTML.

    A few words under the content type of HTML are none: it is the default of some frameworks.

    Raises:
        Violation: if the answer is one.
        Inconclusive: if there is no answer.
    """
    expected = "an answer for a program"
    answer = answers.any_answer(attempt)
    if re.search(rb"<!doctype\s+html|<html[\s>]|<form[\s>]", answer.body, re.IGNORECASE):
        raise Violation(
            f"{described(attempt)}, with a page of {len(answer.body)} bytes",
            expected=expected,
            reason="page",
            attempt=attempt,
        )


#: What only the insides of a program say, by what gave it away.
_INSIDES = {
    "a stack trace": (
        r"Traceback \(most recent call last\)"
        r"|^\s*File \"[^\"\n]+\", line \d+"
        r"|^\s+at [\w$.<> \[\]]+ ?\([^)\n]*:\d+(:\d+)?\)"
        r"|^#\d+ \S+\(\d+\): "
        r"|goroutine \d+ \[|\.go:\d+ \+0x|\.rb:\d+:in [`']"
        r"|(Stack trace|Caused by): ?\n|\.java:\d+\)"
    ),
    "a path of its files": (
        r"(?<![\w/.:-])/(?:var/www|home/\w+|usr/(?:src|lib|local)|srv|app|opt|root|workspace)/"
        r"[\w./-]+\.(?:py|php|js|mjs|cjs|ts|rb|go|java|ex|rs)\b"
        r"|\b[A-Z]:\\[\w\\.-]+\.(?:cs|php|js|py)\b"
        r"|node_modules/|vendor/laravel|site-packages/| on line \d+ of |\.php on line <?b?>?\d+"
    ),
    "a statement to its database": (
        r"SQLSTATE\[|\bPG::[A-Z]\w+|(?i:syntax error at or near|sqlite3?\.\w*Error|psycopg\d?\.)"
        r"|\bINSERT INTO [\"`\w]+ ?\(|\bSELECT .{1,200}? FROM [\"`\w]+|\bUPDATE [\"`\w]+ SET\b"
        r"|sqlalchemy\.exc|PrismaClient\w+Error|MongoServerError"
    ),
}


def undisclosed(attempt: Attempt) -> None:
    """
    Nothing of the insides of the receiver's program: no stack, no path, no statement.

    Raises:
        Violation: if the answer shows one of them.
        Inconclusive: if there is no answer.
    """
    expected = "an answer that shows nothing of the receiver's insides"
    answer = answers.any_answer(attempt)
    text = _text(answer)
    for what, pattern in _INSIDES.items():
        if re.search(pattern, text, re.MULTILINE):
            raise Violation(
                f"the answer shows {what}", expected=expected, reason="insides", attempt=attempt
            )


#: What makes two answers of the same words differ: numbers, ids, times.
_PASSING = re.compile(rb"[0-9a-fA-F]{8}[0-9a-fA-F-]*|\d+")


def word_for_word(attempt: Attempt, model: Attempt) -> None:
    """
    The same status and the same words as *model* got; ids and times in them may differ.

    Raises:
        Violation: if they differ.
        Inconclusive: if either has no answer.
    """
    answers.alike(attempt, model)
    expected = "the words of the answer to any other wrong signature"
    bodies = [_PASSING.sub(b"#", answers.any_answer(one).body) for one in (attempt, model)]
    if bodies[0] != bodies[1]:
        raise Violation(
            "the answer says something else", expected=expected, reason="body", attempt=attempt
        )


def unreflected(attempt: Attempt, markup: str) -> None:
    """
    No *markup* of ours in an answer that a browser takes for a page.

    Raises:
        Violation: if it stands there as we wrote it.
        Inconclusive: if there is no answer.
    """
    expected = "an answer in which our markup is not markup"
    answer = answers.any_answer(attempt)
    kind = answer.headers.get("content-type", "")
    # Without a type a browser guesses, and guesses HTML.
    is_page = not kind.strip() or re.match(r"text/html|application/xhtml|image/svg", kind)
    if is_page and markup.encode() in answer.body:
        raise Violation(
            f"the answer ({kind or 'without a content type'}) holds our markup as it was sent",
            expected=expected,
            reason="reflected",
            attempt=attempt,
        )


def versionless(attempt: Attempt) -> None:
    """
    No version of the receiver's software.

    Raises:
        Violation: if a header tells one.
        Inconclusive: if there is no answer.
    """
    expected = "an answer that tells no version"
    answer = answers.any_answer(attempt)
    for name in ("server", "x-powered-by", "x-aspnet-version", "x-aspnetmvc-version"):
        value = answer.headers.get(name, "")
        if re.search(r"\d+\.\d+", value):
            raise Violation(
                f"{name} says {value[:60]!r}", expected=expected, reason="version", attempt=attempt
            )


def cookieless(attempt: Attempt) -> None:
    """
    No cookie: Cal.com keeps none, so each delivery would begin a session that nobody uses.

    Raises:
        Violation: if the answer sets one.
        Inconclusive: if there is no answer.
    """
    expected = "an answer without a cookie"
    cookie = answers.any_answer(attempt).headers.get("set-cookie", "")
    if cookie:
        name = cookie.partition("=")[0].strip()[:40]
        raise Violation(
            f"the answer sets the cookie {name!r}",
            expected=expected,
            reason="cookie",
            attempt=attempt,
        )


def _text(answer: Answer) -> str:
    lines = "\n".join(f"{name}: {value}" for name, value in answer.headers.items())
    return f"{lines}\n\n{answer.body.decode('utf-8', 'replace')}"
