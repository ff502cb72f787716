"""
Whether a subscription of Cal.com is as this receiver needs it (guide, `calcom:verify-webhooks`).

Pure: subscriptions in, findings out.  No finding holds a secret or a part of one.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

import orjson

from reference_impl import logs
from reference_impl.needs import HANDLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reference_impl.calcom_api import Subscription

#: The triggers this receiver has a handler for and Cal.com has: BOOKING_CONFIRMED is the guide's,
#: and the API refuses to subscribe it.
WANTED = HANDLED - {"BOOKING_CONFIRMED"}

#: A Handlebars expression.  `{{x}}}` is none: Cal.com fails on it and sends nothing.
_EXPRESSION = re.compile(r"\{\{\{[^{}]*\}\}\}|\{\{[^{}]*\}\}(?!\})")


#: What stands for an expression while a template is looked at.
_STANDS_FOR = "0"

#: The port of a URL that names none.
_PORTS = {"http": 80, "https": 443}


class Grade(Enum):
    """How a finding is."""

    FINE = "ok"
    WRONG = "wrong"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how it is."""

    grade: Grade
    sentence: str


def address(url: str) -> SplitResult | None:
    """The parts of *url*, or `None` if it is no address that anything could be delivered to."""
    try:
        parts = urlsplit(url)
        # Read only when asked for, and only then found to be none.
        _ = parts.port
    except ValueError:
        return None
    return parts if parts.scheme in {"http", "https"} and parts.hostname else None


def judge(
    found: Sequence[Subscription], url: str, secret: str, previous_secret: str = ""
) -> list[Finding]:
    """Everything about the subscription that delivers to *url*, among all that were *found*."""
    matching = [one for one in found if _destination(one.url) == _destination(url)]
    if not matching:
        return [Finding(Grade.WRONG, _missing(found, url))]
    findings = []
    if len(matching) > 1:
        findings.append(
            _wrong(f"{len(matching)} subscriptions deliver here: everything comes several times")
        )
    for one in matching:
        findings.append(_fine(f"subscription {logs.plain(one.id)} delivers to {_shown(one.url)}"))
        findings.extend(_each(one, secret, previous_secret))
    return findings


def _each(one: Subscription, secret: str, previous_secret: str) -> Iterator[Finding]:
    yield _fine("it is active") if one.active else _wrong("it is not active: nothing is sent")
    yield _transport(one.url)
    yield _secret(one.secret, secret, previous_secret)
    missing = sorted(WANTED - set(one.triggers))
    if missing:
        yield _wrong(f"triggers are missing: {', '.join(missing)}")
    else:
        yield _fine("it has every trigger that has a handler here")
    more = sorted(set(one.triggers) - WANTED)
    if more:
        names = ", ".join(logs.plain(name) for name in more)
        yield Finding(
            Grade.NOTE, f"triggers are superfluous (taken, and without effect here): {names}"
        )
    if one.template is None:
        yield _fine("it has no payload template")
    else:
        yield _template(one.template)


def _transport(url: str) -> Finding:
    parts = address(url)
    if parts is not None and parts.scheme == "https":
        return _fine("the URL is https")
    return _wrong("the URL is not https: deliveries travel in the clear")


def _secret(given: str | None, secret: str, previous_secret: str) -> Finding:
    if not given:
        return _wrong("it has no secret: its deliveries come unsigned, and are refused")
    # As `signature` does: an environment variable may hold any bytes.
    theirs, ours, former = (
        text.encode("utf-8", "surrogateescape") for text in (given, secret, previous_secret)
    )
    if hmac.compare_digest(theirs, ours):
        return _fine("it has the secret of this receiver")
    if previous_secret and hmac.compare_digest(theirs, former):
        return _wrong("it still has the previous secret: enter the current one in Cal.com")
    return _wrong("it has another secret: its deliveries are refused")


def _template(template: str) -> Finding:
    """Whether what Cal.com makes of *template* is an envelope."""
    try:
        # A digit stands for every expression: it is lawful inside a text and outside of one.
        document = orjson.loads(_EXPRESSION.sub(_STANDS_FOR, template))
    except orjson.JSONDecodeError:
        return _wrong("its payload template is not JSON: deliveries are refused")
    payload = document.get("payload") if isinstance(document, dict) else None
    names = payload.keys() if isinstance(payload, dict) else frozenset[str]()
    trigger = document.get("triggerEvent") if isinstance(document, dict) else None
    if not isinstance(trigger, str) or not trigger:
        return _wrong("its payload template has no triggerEvent: deliveries are refused")
    if trigger != _STANDS_FOR:
        return _wrong("its payload template names one trigger whatever happens")
    if not names:
        return _wrong("its payload template has no payload: deliveries are refused")
    if not names & {"uid", "bookingId"}:
        return _wrong("its payload template names no booking: deliveries cannot be processed")
    # One quotation mark in a title, and Cal.com sends `false` in place of the body.
    return Finding(
        Grade.NOTE,
        "its payload template keeps the envelope, but texts with quotation marks break it",
    )


def _missing(found: Sequence[Subscription], url: str) -> str:
    """That nothing delivers to *url*, and what comes closest."""
    for one in found:
        if _likeness(one.url)[:2] == _likeness(url)[:2]:
            return f"no subscription delivers to the URL, but to {_shown(one.url)}"
    path = _likeness(url)[2]
    for one in found:
        if _likeness(one.url)[2] == path:
            return f"no subscription delivers to the URL; one does to {_shown(one.url)}"
    return f"no subscription delivers to the URL, among {len(found)}"


def _destination(url: str) -> tuple[str | int | None, ...]:
    """What a sender makes of *url*: the same for every spelling of one destination."""
    parts = address(url)
    if parts is None:
        return (url,)
    port = parts.port or _PORTS[parts.scheme]
    user = (parts.username, parts.password)
    return (parts.scheme, *user, parts.hostname, port, parts.path or "/", parts.query)


def _shown(url: str) -> str:
    """*url* as people may see it: what opens doors stands in its query, or before its host."""
    parts = address(url)
    if parts is None:
        return logs.plain(url)
    host = parts.netloc.rpartition("@")[2]
    hidden = "?..." if parts.query else ""
    return logs.plain(f"{parts.scheme}://{host}{parts.path}{hidden}")


def _likeness(url: str) -> tuple[str | None, str, str]:
    """What two URLs have in common that differ by an oversight, and the path as it is."""
    parts = address(url)
    if parts is None:
        return None, url, url
    return parts.hostname, parts.path.rstrip("/").lower(), parts.path


def _fine(sentence: str) -> Finding:
    return Finding(Grade.FINE, sentence)


def _wrong(sentence: str) -> Finding:
    return Finding(Grade.WRONG, sentence)
