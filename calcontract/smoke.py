"""
A look at the target before the run: can it be judged at all?

The absolute minimum: it is reached, it acknowledges one ordinary signed delivery, and the
capabilities that were declared work.  Anything else here is a set-up failure with its likely cause,
not a violation: a run against a wrong secret would accuse a sound receiver of everything.  What
the minimum does not show and a single delivery more does is a doubt, and stops no run.
"""

from __future__ import annotations

import datetime as dt
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from calcontract.errors import (
    CapabilityError,
    Inconclusive,
    SetupError,
    StateUnknown,
    TargetUnreachableError,
    Violation,
)
from calcontract.probes.http import HttpStates
from calcontract.stimuli import bodies
from calcontract.target import Target
from mock_calcom import delivery as deliveries
from mock_calcom.life import Calendar
from mock_calcom.sender import Attempt
from mock_calcom.signature import HEADER, sign

_CAUSES = {
    400: "the secret is another one, or the receiver takes an ordinary delivery for a broken one",
    401: "the secret is another one, or a header is lost on the way",
    403: "the secret is another one, or a firewall or CSRF filter stands before the receiver",
    404: "the path is another one",
    405: "the path belongs to something else",
    410: "the receiver says that it is gone",
    413: "the body limit is below 4 kB",
    415: "the receiver insists on another content type",
    419: "a CSRF filter stands before the receiver",
    422: "a CSRF filter or a validator stands before the receiver",
    503: "the receiver cannot write to its store",
}

#: Those of which the secret is the first cause to think of.
_BY_THE_SECRET = frozenset({400, 401, 403})

#: Refusals that say something else than that a signature is wrong, unless they are declared to.
_OTHERWISE = frozenset({404, 405, 410, 413, 415})


def look(target: Target) -> None:
    """
    Send one ordinary delivery, and look at each declared capability.

    Raises:
        TargetUnreachableError: if nothing answers.
        SetupError: if the delivery is not acknowledged, with the likely cause.
        CapabilityError: if a declared capability does not work.
    """
    # A run before this one may have left it dead, or with another secret.
    target.revive()
    ordinary = _plain(target)
    attempt = _answered(target, ordinary)
    if not attempt.acknowledged:
        raise SetupError(
            f"{target.url} answers an ordinary signed delivery with {attempt.status}",
            hint=f"check this first: {_cause(target, ordinary, attempt)}",
        )
    if target.probe is not None:
        target.probe.look([ordinary.uid] if ordinary.uid else [])
    if target.states is not None:
        target.unknown_states = _unknown_states(target, target.states, ordinary.uid or "")
    if target.log is not None:
        target.log.require()


def doubt(target: Target) -> str:
    """
    What lets a receiver that acknowledges ordinary deliveries lose others; empty if nothing does.

    Read and written again, most of what Cal.com sends is what it was: whoever verifies that
    acknowledges it all the same.  White space around every token is written again by no library.
    It is the cheapest check of sig-010, and no reason against a run, which tells all there is.

    Raises:
        SetupError: if the receiver throttles, or gives no answer.
    """
    ordinary = _plain(target)
    body = bodies.spelled("with white space around every token", ordinary.body)
    spread = ordinary.with_body(body).with_header(HEADER, sign(body, target.secret))
    attempt = _answered(target, spread)
    if attempt.acknowledged:
        return ""
    cause = (
        "it seems to verify JSON that it has read and written again, not the bytes"
        if _of_the_signature(target, attempt)
        else "the receiver's log may tell why"
    )
    return f"one with white space in its JSON is answered with {attempt.status}: {cause} (sig-010)"


def doubts(target: Target) -> list[str]:
    """
    What a run would accuse a receiver of that acknowledges ordinary deliveries, as far as is seen.

    Raises:
        SetupError: if the receiver throttles, or gives no answer.
    """
    flaw = target.flaw and (
        f"{target.flaw.sentence}: Cal.com delivers nothing there; `calcontract check` accuses it "
        "and goes on without verifying it (net-015)"
    )
    return [words for words in (flaw, doubt(target), _openness(target)) if words]


def _openness(target: Target) -> str:
    """What a delivery under another secret shows: a receiver that takes it verifies nothing."""
    delivery = _plain(target)
    forged = delivery.with_header(HEADER, sign(delivery.body, f"not {target.secret}"))
    attempt = _answered(target, forged)
    if not attempt.acknowledged:
        return ""
    return f"one that is signed with another secret is answered with {attempt.status} (sig-003)"


def _of_the_signature(target: Target, attempt: Attempt) -> bool:
    """Whether *attempt* was refused as one with a wrong signature may be."""
    declared = attempt.status in target.settings.statuses.refuse
    return attempt.refused and (declared or attempt.status not in _OTHERWISE)


def _answered(target: Target, delivery: deliveries.Delivery) -> Attempt:
    """
    The attempt at *delivery*, with its answer.

    Raises:
        TargetUnreachableError: if there is none.
        SetupError: if the receiver throttles it.
    """
    try:
        attempt = target.attempt(delivery)
    except Violation:
        attempt = target.sender.attempt(delivery)
    except Inconclusive as error:
        raise SetupError(
            f"{error.sentence}", hint="raise its limit for the time of the run"
        ) from None
    _require_answer(target, attempt)
    return attempt


def _plain(target: Target) -> deliveries.Delivery:
    """
    A delivery in which everybody's name is ASCII.

    Who spells other names in another way before signing violates a clause, and always does; with
    any names the look would stop some of the runs and not others.
    """
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    while True:
        # Another account each time: its host has a name as well.
        calendar = Calendar(target.people, target.ids, target.subscription.profile)
        delivery = deliveries.compose(calendar.book(now)[0], target.subscription)
        if delivery.body.isascii():
            return delivery


def _unknown_states(target: Target, states: HttpStates, uid: str) -> Sequence[str]:
    """
    The names of the provider states that the receiver does not know.

    Each is asked for in a way that changes nothing of any booking.

    Raises:
        CapabilityError: if it knows none, as nobody does at a wrong address, or one does not work.
    """
    asked: dict[str, tuple[str, dict[str, Any]]] = {
        "clock advances": ("clock advances", {"seconds": 0}),
        "processing fails": ("processing fails", {"uid": uid, "times": 0}),
        "processing is slow": ("processing is slow", {"uid": uid, "seconds": 0}),
        # A worker that is not paused goes on.
        "worker pauses": ("worker resumes", {}),
    }
    if target.settings.profile == "guide":
        # Nobody's booking will ever carry its number.
        number = str(target.ids.booking_id())
        asked["appointment exists"] = ("appointment exists", {"id": number})
    unknown = []
    for name, (state, params) in asked.items():
        try:
            states.set(state, **params)
        except StateUnknown:
            unknown.append(name)
    if len(unknown) == len(asked):
        raise CapabilityError(
            f"every provider state was answered with 404, such as {unknown[0]!r}",
            hint="correct the address, or offer them as described in schemas/probe.openapi.json",
        )
    return tuple(unknown)


def _is_known(url: str) -> bool:
    """Whether the host of *url* has an address."""
    try:
        socket.getaddrinfo(urlsplit(url).hostname, None)
    except OSError:
        return False
    return True


def _require_answer(target: Target, attempt: Attempt) -> None:
    if attempt.problem == "tls" and (flaw := target.examine_certificate()):
        raise TargetUnreachableError(
            f"{target.url} cannot be trusted: {flaw}",
            hint="mend the certificate, or name the file of its authority with --ca-file; "
            "`calcontract check` accuses it and goes on without verifying it (net-015)",
        )
    if attempt.problem in {"connection", "tls"}:
        if attempt.problem == "tls":
            what, hint = "it offers no valid TLS", "correct the URL, or what the receiver offers"
        elif _is_known(target.url):
            what, hint = "it refuses the connection", "start the receiver, or correct the URL"
        else:
            what, hint = "nobody knows its host", "correct the URL"
        raise TargetUnreachableError(f"{target.url} cannot be reached: {what}", hint=hint)
    if attempt.answer is None:
        raise TargetUnreachableError(
            f"{target.url} gives no answer to a rightly signed delivery ({attempt.problem})",
            hint="look at the receiver's log; it may process inside the request",
        )


def _mistakes(secret: str) -> Iterator[tuple[str, str]]:
    """What the receiver's secret may be instead of *secret*, with words for it."""
    yield "the receiver's secret ends in a line feed", f"{secret}\n"
    yield "the receiver's secret has a space around it", f" {secret}"
    yield "the receiver's secret has a space around it", f"{secret} "
    yield "the receiver's secret has quotes around it", f'"{secret}"'
    bare = secret.strip().strip("\"'")
    if bare != secret:
        yield "the secret given here has white space or quotes around it", bare


def _cause(target: Target, ordinary: deliveries.Delivery, attempt: Attempt) -> str:
    """The likely cause of a refusal; tries well-known mistakes with the secret to name one."""
    status = attempt.status or 0
    if _of_the_signature(target, attempt):
        for words, key in _mistakes(target.secret):
            variant = ordinary.with_header(HEADER, sign(ordinary.body, key))
            if target.attempt(variant).acknowledged:
                return words
        # As Python's json module writes what it has read, if nobody tells it otherwise.
        dumped = json.dumps(json.loads(ordinary.body)).encode()
        respelled = ordinary.with_body(dumped).with_header(HEADER, sign(dumped, target.secret))
        if target.attempt(respelled).acknowledged:
            return "the receiver signs JSON that it has read and written again, not the bytes"
        prefixed = ordinary.with_header(HEADER, f"sha256={sign(ordinary.body, target.secret)}")
        if target.attempt(prefixed).acknowledged:
            return "the receiver insists on the prefix sha256=, which Cal.com never sends"
    if 300 <= status < 400:
        location = attempt.answer.headers.get("location", "elsewhere") if attempt.answer else ""
        return f"it redirects to {location}; Cal.com does not follow, so name that URL"
    cause = _CAUSES.get(status, "the receiver's log")
    if _of_the_signature(target, attempt) and status not in _BY_THE_SECRET:
        return f"{cause}; or the secret is another one"
    return cause
