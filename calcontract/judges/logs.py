"""What a log has to say, and what it must not."""

from __future__ import annotations

import re
from collections.abc import Sequence

from calcontract.errors import Inconclusive, Violation
from calcontract.judges.answers import shows

#: How logs say that something went wrong, in any format.
_FAILED = re.compile(r"fail|error|exception|critical|dead|gave up|given up", re.IGNORECASE)
_DUPLICATE = re.compile(r"duplicate|redeliver|already", re.IGNORECASE)


def names(line: str, *, uid: str, booking_id: int | None) -> bool:
    """Whether *line* names the booking by its uid or by its number."""
    if uid in line:
        return True
    return booking_id is not None and bool(re.search(rf"(?<!\d){booking_id}(?!\d)", line))


def tells_of_failure(line: str) -> bool:
    """Whether *line* says that something failed."""
    return bool(_FAILED.search(line))


def tells_of_duplicate(line: str) -> bool:
    """Whether *line* says that something was there before."""
    return bool(_DUPLICATE.search(line))


def said(lines: Sequence[str], expected: str, *, found: bool) -> None:
    """
    What is *expected* was *found* in *lines*.

    Raises:
        Violation: if it was not.
    """
    if not found:
        raise Violation(
            f"{len(lines)} line{'s' * (len(lines) != 1)} written, and none that says it"
            if lines
            else "nothing was written",
            expected=expected,
            reason="log-silent",
        )


def spoken(written: bytes) -> None:
    """
    The log has said something in this run, so that its silence says something too.

    Raises:
        Inconclusive: if it has not.
    """
    if not written.strip():
        raise Inconclusive("nothing was written to the log in this run", reason="log-unused")


def discreet(written: bytes, *, secret: str, signatures: Sequence[str] = ()) -> None:
    """
    Neither *secret* nor one of *signatures* stands in what was *written*, in hex or in base64.

    Raises:
        Violation: if one does; which of them is said, never the value.
    """
    found = shows(written, secret=secret, signatures=signatures)
    if found:
        raise Violation(
            f"the log shows {found}", expected="a log that gives nothing away", reason="log-leak"
        )


def unforged(written: bytes, words: str) -> None:
    """
    No record of what was *written* begins with *words*, on paper or on a terminal.

    Raises:
        Violation: if one does.
    """
    told = words.encode()
    begins = any(line.startswith(told) for line in re.split(rb"\r\n|\n|\r", written))
    if begins or b"\x1b[2K" + told in written:
        raise Violation(
            "a line begins with words of somebody else",
            expected="control characters escaped",
            reason="log-forged",
        )


def impersonal(lines: Sequence[str], known: Sequence[str]) -> None:
    """
    Nothing that is *known* of a guest stands in *lines*.

    Raises:
        Violation: if something does.
    """
    shown = [text for text in known if any(text in line for line in lines)]
    if shown:
        raise Violation(
            f"{len(shown)} of {len(known)} things known of the guest stand in the log",
            expected="uids and ids alone",
            reason="log-personal",
        )
