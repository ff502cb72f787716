"""
What Cal.com does next, after an answer.

Source: Cal.com `sendPayload.ts` (direct: one attempt), `tasker/trigger/deliver-webhook.ts` (task:
up to four, for network errors and the statuses below; 410 deactivates the subscription).
"""

from __future__ import annotations

#: The statuses after which the task sender tries again.
RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def of(status: int | None) -> str:
    """One sentence on what becomes of a delivery whose last answer had *status*, or none."""
    if status is None:
        return (
            "Cal.com gets no answer: sent directly, the event is lost for ever; "
            "sent as a task, the same bytes come up to three times more."
        )
    if 200 <= status < 300:
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
