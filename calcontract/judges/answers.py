"""What an answer has to be."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Sequence
from typing import Any

from calcontract.errors import Inconclusive, Violation
from mock_calcom.sender import Answer, Attempt

#: What is expected of whoever is to take a delivery, in the first words.
ACKNOWLEDGED = "an acknowledgement"

#: A body that takes this much longer than its head is worth a word, in seconds.
_NOTEWORTHY = 0.2


#: A secret of fewer bytes is not looked for in answers.
_TELLING_SECRET = 8


def described(attempt: Attempt) -> str:
    """What came of *attempt*, in a few words."""
    if attempt.answer is None:
        return f"no answer ({attempt.problem}) within {attempt.seconds:.2f} s"
    head = f"answer {attempt.answer.status} after {attempt.answer.seconds * 1000:.0f} ms"
    if attempt.seconds - attempt.answer.seconds > _NOTEWORTHY:
        return f"{head}, and its end only after {attempt.seconds:.2f} s"
    return head


def demanded(attempt: Attempt, expected: str) -> Answer:
    """The answer that the clause asks for: none is a violation of it."""
    if attempt.answer is None:
        raise Violation(
            described(attempt),
            expected=expected,
            reason=f"no-answer-{attempt.problem}",
            attempt=attempt,
        )
    return _unthrottled(attempt.answer)


def any_answer(attempt: Attempt) -> Answer:
    """
    The answer about which the clause asks for something else: without one it cannot be told.

    That there has to be one is another clause's business; one cause is to read as one failure.

    Raises:
        Inconclusive: if there is none, or it is that of a throttle.
    """
    if attempt.answer is None:
        raise Inconclusive(
            described(attempt), reason=f"no-answer-{attempt.problem}", attempt=attempt
        )
    return _unthrottled(attempt.answer)


def _unthrottled(answer: Answer) -> Answer:
    # A throttle says nothing about the delivery; the caller has already waited and tried again.
    if answer.status == 429:
        raise Inconclusive("the receiver throttles us (429)", reason="throttled")
    return answer


def _promised(statuses: Collection[int]) -> str:
    return " or ".join(map(str, sorted(statuses)))


def acknowledged(
    attempt: Attempt, *, within: float | None = None, promised: Collection[int] = ()
) -> None:
    """
    A 2xx, and if *within* is given, after that many seconds at the latest.

    Args:
        attempt: what was sent and what came.
        within: seconds.
        promised: the statuses that the receiver has promised; any 2xx if none.

    Raises:
        Violation: if the delivery was refused, failed, redirected, or answered too late.
        Inconclusive: if the receiver throttles.
    """
    expected = f"{ACKNOWLEDGED} ({_promised(promised) or '2xx'})"
    answer = demanded(attempt, expected)
    if answer.status not in (promised or range(200, 300)):
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{answer.status}", attempt=attempt
        )
    if within is not None:
        in_time(attempt, within)


def in_time(attempt: Attempt, budget: float) -> None:
    """
    Any answer, to its last byte, within *budget* seconds.

    A head without its body is no answer yet: the sender still waits.

    Raises:
        Violation: if it came later or not at all.
    """
    expected = f"an answer within {budget:g} s"
    demanded(attempt, expected)
    if attempt.seconds > budget:
        raise Violation(described(attempt), expected=expected, reason="too-late", attempt=attempt)


def refused(attempt: Attempt, *, promised: Collection[int] = ()) -> None:
    """
    A definite 4xx.

    A 5xx, a hang or a broken connection is no refusal: it says "try again", not "no".

    Args:
        attempt: what was sent and what came.
        promised: the statuses that the receiver has promised; any 4xx if none.

    Raises:
        Violation: if the delivery was acknowledged or failed.
        Inconclusive: if the receiver throttles.
    """
    expected = f"a refusal ({_promised(promised) or '4xx'})"
    answer = demanded(attempt, expected)
    if answer.status not in (promised or range(400, 500)):
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{answer.status}", attempt=attempt
        )


def unfailing(attempt: Attempt) -> None:
    """
    A 2xx or a 4xx: whatever it is, it is definite.

    Raises:
        Violation: if there was no answer, a redirect or a 5xx.
        Inconclusive: if the receiver throttles.
    """
    expected = "a definite answer (2xx or 4xx)"
    answer = demanded(attempt, expected)
    if not (200 <= answer.status < 300 or 400 <= answer.status < 500):
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{answer.status}", attempt=attempt
        )


def status(attempt: Attempt, wanted: int) -> None:
    """
    Exactly the status *wanted*.

    Raises:
        Violation: if another one came, or none.
    """
    expected = f"the status {wanted}"
    answer = demanded(attempt, expected)
    if answer.status != wanted:
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{answer.status}", attempt=attempt
        )


def not_status(attempt: Attempt, unwanted: int) -> None:
    """
    Any status but *unwanted*.

    Raises:
        Violation: if that one came.
        Inconclusive: if no answer came, or the receiver throttles.
    """
    expected = f"any status but {unwanted}"
    if any_answer(attempt).status == unwanted:
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{unwanted}", attempt=attempt
        )


def no_redirect(attempt: Attempt) -> None:
    """
    Any answer but a 3xx.

    Raises:
        Violation: if the answer is a redirect.
        Inconclusive: if there is none, or the receiver throttles.
    """
    expected = "an answer without a redirect"
    if 300 <= any_answer(attempt).status < 400:
        raise Violation(described(attempt), expected=expected, reason="redirect", attempt=attempt)


def json_body(attempt: Attempt, wanted: Any) -> None:
    """
    A body that is the JSON value *wanted*.

    Raises:
        Violation: if it is another value or no JSON.
        Inconclusive: if there is no answer, or the receiver throttles.
    """
    expected = f"the body {json.dumps(wanted, separators=(',', ':'))}"
    body = any_answer(attempt).body
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise Violation(
            f"the body is no JSON ({len(body)} bytes)",
            expected=expected,
            reason="body",
            attempt=attempt,
        ) from None
    if value != wanted:
        raise Violation(
            "the body says something else", expected=expected, reason="body", attempt=attempt
        )


def text(attempt: Attempt, wanted: str) -> None:
    """
    A body that says *wanted*.

    Raises:
        Violation: if it does not.
        Inconclusive: if there is no answer, or the receiver throttles.
    """
    expected = f"the words {wanted!r}"
    if wanted.encode() not in any_answer(attempt).body:
        raise Violation(
            "the body says something else", expected=expected, reason="body", attempt=attempt
        )


def alike(attempt: Attempt, model: Attempt) -> None:
    """
    The same status as *model* got.

    Raises:
        Violation: if the two differ.
        Inconclusive: if either has no answer, or the receiver throttles.
    """
    wanted = any_answer(model).status
    expected = f"the answer to any wrong signature ({wanted})"
    answer = any_answer(attempt)
    if answer.status != wanted:
        raise Violation(
            described(attempt), expected=expected, reason=f"status-{answer.status}", attempt=attempt
        )


def discreet(attempt: Attempt, *, secret: str, signature: str) -> None:
    """
    An answer that shows neither *secret* nor *signature*, in hex or in base64.

    Raises:
        Violation: if it shows one of them; which of them is said, never the value.
        Inconclusive: if there is no answer, or the receiver throttles.
    """
    expected = "an answer that gives nothing away"
    answer = any_answer(attempt)
    shown = answer.body + b"\n".join(
        f"{name}: {value}".encode("latin-1", "replace") for name, value in answer.headers.items()
    )
    if found := shows(shown, secret=secret, signatures=[signature]):
        raise Violation(
            f"the answer shows {found}", expected=expected, reason="leak", attempt=attempt
        )


def shows(text: bytes, *, secret: str, signatures: Sequence[str] = ()) -> str:
    """Whether *text* shows *secret* or one of *signatures*, in hex or base64; which, in words."""
    lowered, plain = text.lower(), _plain(text)
    for signature in signatures:
        # Half a signature is as good a start for a forger; sixteen digits are no accident.
        if signature[:16].encode() in lowered or _base64(bytes.fromhex(signature))[:16] in plain:
            return "the expected signature"
    key = secret.encode()
    # A shorter secret, such as "test", stands in many an innocent text.
    if len(key) >= _TELLING_SECRET and (
        key in text or _base64(key) in plain or key.hex().encode() in lowered
    ):
        return "the secret"
    return ""


def _base64(value: bytes) -> bytes:
    return base64.b64encode(value).rstrip(b"=")


def _plain(text: bytes) -> bytes:
    """*text* with the alphabet of URL-safe base64 in the ordinary one."""
    return text.translate(bytes.maketrans(b"-_", b"+/"))
