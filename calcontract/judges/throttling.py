"""What a throttle may do: say "not now", say until when, and keep its word."""

from __future__ import annotations

import datetime as dt
import email.utils
from collections.abc import Sequence

from calcontract.errors import Violation
from calcontract.judges.answers import described
from mock_calcom.sender import Attempt

#: The longest that a throttle may keep a delivery out, in seconds: the guide's counts by minutes.
LONGEST = 60.0


def throttled(attempt: Attempt) -> bool:
    """
    Whether *attempt* was told to come again.

    A 503 says the same as a 429 if it says when (RFC 9110 section 15.6.4).
    """
    return attempt.status == 429 or (attempt.status == 503 and wait_of(attempt) is not None)


def wait_of(attempt: Attempt) -> float | None:
    """The seconds until *attempt* may come again, as its answer says; nothing if it does not."""
    value = attempt.answer.headers.get("retry-after", "").strip() if attempt.answer else ""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        at = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    zone = at.tzinfo or dt.UTC
    return max((at.replace(tzinfo=zone) - dt.datetime.now(dt.UTC)).total_seconds(), 0.0)


def got_through(attempts: Sequence[Attempt]) -> None:
    """
    An acknowledgement in the end, and nothing before it but being told to come again.

    Raises:
        Violation: if one of *attempts* at a delivery failed or was refused, or the last was
            still throttled.
    """
    expected = "an acknowledgement, or 429 and an acknowledgement later"
    for attempt in attempts:
        if attempt.acknowledged:
            continue
        if not throttled(attempt):
            reason = f"status-{attempt.status}" if attempt.answer else attempt.problem
            raise Violation(
                described(attempt),
                expected=expected,
                reason=str(reason if attempt.answer else f"no-answer-{reason}"),
                attempt=attempt,
            )
    last = attempts[-1]
    if not last.acknowledged:
        wait = wait_of(last)
        shown = "without saying until when" if wait is None else f"for {wait:g} s more"
        raise Violation(
            f"after {len(attempts)} attempts it is still kept out, {shown}",
            expected=expected,
            reason="locked-out",
            attempt=last,
        )


def unfailed(attempt: Attempt) -> None:
    """
    No 5xx, unless it says when to come again; a connection may be closed on a stranger.

    Raises:
        Violation: if *attempt* got one.
    """
    if attempt.status is not None and attempt.status >= 500 and not throttled(attempt):
        raise Violation(
            described(attempt),
            expected="a refusal, or 429",
            reason=f"status-{attempt.status}",
            attempt=attempt,
        )


def says_when(attempt: Attempt) -> None:
    """
    No 429 without a time to come again.

    Raises:
        Violation: if *attempt* got one.
    """
    if attempt.status == 429 and wait_of(attempt) is None:
        raise Violation(
            "a 429 without Retry-After",
            expected="Retry-After, in seconds or as a date",
            reason="no-retry-after",
            attempt=attempt,
        )


def unthrottled(attempt: Attempt) -> None:
    """
    Anything but being told to come again.

    Raises:
        Violation: if *attempt* was.
    """
    if throttled(attempt):
        raise Violation(
            described(attempt),
            expected="an answer at once",
            reason=f"status-{attempt.status}",
            attempt=attempt,
        )
