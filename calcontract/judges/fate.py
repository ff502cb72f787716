"""
What Cal.com does next, after an answer and after a violation.

Source: Cal.com `sendPayload.ts` (direct: one attempt), `tasker/trigger/deliver-webhook.ts` (task:
up to four, for network errors and the statuses below; 410 deactivates the subscription).
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping

#: The statuses after which the task sender tries again.
RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def of(status: int | None) -> str:
    """One sentence on what becomes of a delivery whose last answer had *status*, or none."""
    if status is None:
        return (
            "Cal.com gets no answer: sent directly, the event is lost for ever; "
            "sent as a task, the same bytes come up to three times more."
        )
    if _acknowledges(status):
        return "Cal.com takes the event for delivered and never sends it again."
    if status == 410:
        return "Cal.com switches the subscription off, and no event arrives any more."
    if status in RETRIED:
        return (
            "Sent directly, the event is lost for ever; "
            "sent as a task, the same bytes come up to three times more."
        )
    if 300 <= status < 400:
        return "Cal.com does not follow redirects: the event is lost for ever."
    return "Cal.com does not send the event again: what is refused is lost for ever."


class Kind(enum.Enum):
    """What a violation is about, as far as Cal.com has something to do with it."""

    #: The answer, from which Cal.com draws its conclusion.
    ANSWER = enum.auto()
    #: Something was taken, and nothing came of it.
    LOST = enum.auto()
    #: Something else came of it.
    WRONG = enum.auto()
    #: How long the answer was waited for.
    WAITED = enum.auto()
    #: The connection itself, over which Cal.com sends nothing.
    UNTRUSTED = enum.auto()
    #: What Cal.com never gets to know of and has no part in.
    SILENT = enum.auto()


_REASONS: Mapping[Kind, str] = {
    Kind.ANSWER: r"status-\d+|no-answer-.+|redirect|.+-secret-refused|locked-out|receiver-died",
    Kind.LOST: (
        r"effect-missing|appointments-missing|records-missing|stuck-after-restart|held-up"
        r"|given-up-early|page"
    ),
    Kind.WRONG: (
        r"live-\d+|scheduled|requested|confirmed|other-time|still-live|effect-repeated"
        r"|effect-unexpected|effect-appointments|effect-effects|appointments-doubled"
        r"|records-doubled|changed|went-back"
        r"|bystander-touched|booking-id|appointment-not-confirmed|cancellation-reason|altered"
        r"|guest-missing|guest-elsewhere"
    ),
    Kind.WAITED: r"too-late|processed-inside-the-request",
    Kind.UNTRUSTED: r"not-yet-valid|expired|self-signed|unknown-authority|wrong-host|untrusted",
    Kind.SILENT: (
        r"body|leak|insides|version|cookie|reflected|evaluated|fetched|log-.+|timing-leak"
        r"|forgeries-told-apart|fails-open|.+-secret-taken|not-listening|held|no-retry-after"
        r"|too-early|tries|tries-without-end|not-given-up|notice|waits-to-be-asked"
    ),
}

#: Where a reason means something else than it does elsewhere.
_EXCEPTIONS: Mapping[tuple[str, Kind], Kind] = {
    # The receiver's own tries, of which the sender knows nothing.
    ("rty-002", Kind.WAITED): Kind.SILENT,
    # A record too few of what has had its effect.
    ("idm-008", Kind.LOST): Kind.SILENT,
    # The acknowledgement is at fault, of what is not acted on.
    ("net-011", Kind.ANSWER): Kind.LOST,
}


def kind_of(reason: str) -> Kind | None:
    """What a violation for *reason* is about; nothing for a reason that nobody has thought of."""
    return next((kind for kind in Kind if is_of(reason, kind)), None)


def is_of(reason: str, kind: Kind) -> bool:
    """Whether a violation for *reason* is of that *kind*."""
    return re.fullmatch(_REASONS[kind], reason) is not None


def after(reason: str, status: int | None, *, clause: str, taken: bool = False) -> str:
    """
    One sentence on what follows from a violation; empty where nothing true can be said.

    Args:
        reason: its reason.
        status: that of the answer that it was seen at; nothing without an answer.
        clause: the id of the clause that was violated.
        taken: whether the same bytes had been acknowledged before.
    """
    kind = kind_of(reason) or Kind.SILENT
    acknowledged = status is not None and _acknowledges(status)
    match _EXCEPTIONS.get((clause, kind), kind):
        case Kind.ANSWER if not acknowledged:
            return _of_a_copy(status) if taken else of(status)
        case Kind.LOST if acknowledged or not (taken or status is None):
            return of(status)
        case Kind.WRONG if acknowledged:
            return "Cal.com takes the event for delivered and sends nothing that puts this right."
        case Kind.WAITED:
            return "Cal.com waits for the answer: sent directly, so does the person who books."
        case Kind.UNTRUSTED:
            return "Cal.com breaks the connection off and delivers nothing: every event is lost."
        case _:
            return ""


def _of_a_copy(status: int | None) -> str:
    """What becomes of bytes that were acknowledged before and came again."""
    if status == 410:
        return of(status)
    if status is None or status in RETRIED:
        return (
            "The same bytes were acknowledged before, and nothing is lost; "
            "sent as a task, they come up to three times more."
        )
    return (
        "The same bytes were acknowledged before, and nothing is lost; a task is logged as failed."
    )


def _acknowledges(status: int) -> bool:
    return 200 <= status < 300
