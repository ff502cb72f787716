"""Given, When, Then: connections, framing, methods and addresses."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from pytest_bdd import given, parsers, then, when

from calcontract.deliveries import Item
from calcontract.errors import Inconclusive, Violation
from calcontract.judges import answers, effects, surface
from calcontract.stimuli import named, signatures, surroundings
from calcontract.story import Story
from calcontract.target import Line
from calcontract.waiting import waiting
from mock_calcom import connections, headers, wire
from mock_calcom.delivery import Delivery
from mock_calcom.sender import Attempt
from mock_calcom.signature import HEADER
from mock_calcom.strangers import Strangers

#: Between two bytes of a stranger, in seconds: three of them are no load for anybody.
_CRAWL = 0.1

#: The parts of a request within which a stranger is slow.
_PARTS: Mapping[str, str] = {"their headers": "headers", "their bodies": "body"}

# --- how it is sent ------------------------------------------------------------------------------

_Way = Callable[[Delivery, Line], Attempt]


def _chunks(how: str) -> _Way | None:
    size = re.fullmatch(r"in chunks of (\d+) bytes", how)
    if size is None:
        return None
    return lambda delivery, line: wire.chunked(delivery, int(size[1]), **line)


_WAYS: Mapping[str, _Way] = {
    "in large segments": lambda delivery, line: wire.exact(delivery, **line),
    "after asking for a go-ahead": lambda delivery, line: wire.asking(delivery, **line),
}


@when(
    parsers.re(
        r"Cal\.com delivers it (?P<how>in chunks of \d+ bytes|in large segments|after asking .+)$"
    )
)
def _sent(story: Story, how: str) -> None:
    way = _chunks(how) or named(_WAYS, how, "way to send")
    story.send(story.it, lambda delivery: way(delivery, story.target.line))


_BREAKS: Mapping[str, Callable[[int, int], int]] = {
    "within its headers": lambda head, _: head // 2,
    "after its headers": lambda head, _: head,
    "in the middle of its body": lambda head, body: head + body // 2,
    "before its last byte": lambda head, body: head + body - 1,
}


@when(parsers.re(r"the connection breaks (?P<where>.+)$"))
def _breaks(story: Story, where: str) -> None:
    delivery = story.it.delivery
    place = named(_BREAKS, where, "place to break off at")
    cut = place(len(headers.head(delivery)), len(delivery.body))
    story.target.require_life()
    story.target.note(delivery)
    attempt = wire.broken_off(delivery, cut, **story.target.line)
    story.remember(story.it, [attempt])
    story.target.look_for_life([attempt])


@when(
    parsers.re(r"the connection ends (?P<count>\d+) bytes before the announced end$"),
    converters={"count": int},
)
def _short(story: Story, count: int) -> None:
    story.send(story.it, lambda delivery: wire.overstated(delivery, count, **story.target.line))


@given(parsers.re(r"it carries (?P<what>(?!a wrong |a right )(?:an?|no|the) .+|\d+ headers .+)$"))
def _carries(story: Story, what: str) -> None:
    item = story.it
    item.delivery = surroundings.carrying(what, item.delivery)
    if what not in surroundings.EXCESSIVE:
        item.lawful = item.delivery


@given(parsers.re(r"its body is sent (?P<encoding>.+)$"))
def _encoded(story: Story, encoding: str) -> None:
    story.it.delivery = surroundings.encoded(encoding, story.it.delivery)


@given(parsers.re(r"it is sent to (?P<address>.+)$"))
def _addressed(story: Story, address: str) -> None:
    item = story.it
    elsewhere = surroundings.addressed(address, item.delivery, story.target.chance)
    if not headers.split(item.delivery.url).path.strip("/"):
        raise Inconclusive("the receiver has the root of its host", reason="no-other-address")
    item.delivery = elsewhere


# --- strangers -----------------------------------------------------------------------------------


def _strangers(story: Story, count: int, part: str, pace: float | None) -> None:
    within = named(_PARTS, part, "part of a request")
    story.target.require_life()
    try:
        strangers = Strangers(
            story.it.delivery, count, within=within, pace=pace, verify=story.target.sender.verify
        )
    except OSError as error:
        raise Inconclusive(
            f"no {count} connections beside ours came about ({type(error).__name__})",
            reason="no-connection",
        ) from None
    story.strangers.append(story.leaving.enter_context(strangers))


@when(
    parsers.re(r"(?P<count>\d+) strangers send (?P<part>.+) a byte at a time$"),
    converters={"count": int},
)
def _crawl(story: Story, count: int, part: str) -> None:
    _strangers(story, count, part, _CRAWL)


@when(parsers.re(r"(?P<count>\d+) strangers stop within (?P<part>.+)$"), converters={"count": int})
def _stop(story: Story, count: int, part: str) -> None:
    _strangers(story, count, part, None)


@then("the receiver gives the strangers up within the budget")
def _given_up(story: Story) -> None:
    budget = story.target.settings.budget
    # The sender's own grace: to see that the receiver is late, and not that the machine is.
    patience = story.target.sender.timeout
    end = time.monotonic() + patience
    with waiting("the receiver to give up on requests that never become whole", patience):
        left = sum(some.left(max(end - time.monotonic(), 0.0)) for some in story.strangers)
    if left:
        raise Violation(
            f"{left} requests that never became whole are still waited for",
            expected=f"them to be given up within {budget:g} s",
            reason="held",
        )


# --- several on one connection -------------------------------------------------------------------


@when(
    parsers.re(
        r"they come on one connection(?P<how>, | without waiting, )(?P<first>signed \w+) and "
        r"(?P<second>signed \w+)$"
    )
)
def _on_one(story: Story, how: str, first: str, second: str) -> None:
    items = list(story.items.values())
    story.target.require_life()
    for item, signed in zip(items, (first, second), strict=True):
        story.target.note(item.delivery)
        if signed == "signed wrongly":
            _forge(story, item)
    deliveries = [item.delivery for item in items]
    made = connections.in_a_row(deliveries, waiting="without" not in how, **story.target.line)
    for item, attempt in zip(items, made, strict=True):
        story.remember(item, [attempt])
    story.target.look_for_life(made)


def _forge(story: Story, item: Item) -> None:
    material = signatures.Material(item.lawful.body, story.target.secret, story.target.chance)
    item.delivery = item.delivery.with_header(HEADER, material.other())


@then("each of them is answered as it is signed")
def _its_due(story: Story) -> None:
    for item in story.items.values():
        if item.delivery == item.lawful:
            answers.acknowledged(item.last)
        else:
            item.denied = True
            answers.refused(item.last)


# --- what comes of it ----------------------------------------------------------------------------


@then("the receiver gets over it within the budget")
def _gets_over(story: Story) -> None:
    surface.gets_over(story.it.last, story.target.settings.budget)


@then("the receiver turns it away or hangs up")
def _turned_away(story: Story) -> None:
    story.it.denied = True
    surface.turned_away(story.it.last)


@then(
    parsers.re(
        r"the receiver does not acknowledge it(?P<alone> where its own address refuses it)?$"
    )
)
def _not_acknowledged(story: Story, alone: str | None) -> None:
    item = story.it
    if alone is None:
        surface.not_acknowledged(item.last)
    elif item.last.acknowledged:
        at_home = dataclasses.replace(item.delivery, url=item.lawful.url)
        surface.acknowledged_alike(item.last, story.attempt(at_home))


@then("the receiver does not acknowledge it without acting on it")
def _not_acknowledged_and_lost(story: Story) -> None:
    item = story.it
    item.denied = not item.last.acknowledged
    if not item.denied:
        # Whoever takes deliveries at every address loses none of them.
        look = story.look_at([item.uid])
        effects.happened(look, trigger=item.trigger, uid=item.uid, occurrences=1)


#: The refusals that say how to send it instead (RFC 9110 sections 15.5.12 and 15.5.18).
_INSTEAD: Mapping[str, int] = {"asks for its length": 411, "declines to be asked": 417}


@then(parsers.re(r"the receiver acknowledges it or (?P<instead>.+)$"))
def _taken_or(story: Story, instead: str) -> None:
    surface.taken_or(story.it.last, named(_INSTEAD, instead, "refusal"))


@then("the answer is no page for people")
def _no_page(story: Story) -> None:
    surface.no_page(story.it.last)


# --- encryption ----------------------------------------------------------------------------------


@when("Cal.com delivers it over plain http")
def _plain_http(story: Story) -> None:
    item = story.it
    parts = urlsplit(item.delivery.url)
    # Beside the usual port the usual port; beside another one nobody knows a better.
    port = parts.port or 80
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    url = parts._replace(scheme="http", netloc=f"{host}:{80 if port == 443 else port}").geturl()
    plain = dataclasses.replace(item.delivery, url=url)
    story.target.require_life()
    story.remember(item, [story.target.attempt_once(plain)])


@then("the receiver's certificate can be trusted")
def _trusted(story: Story) -> None:
    flaw = story.target.flaw
    if flaw is not None:
        raise Violation(
            flaw.sentence,
            expected="a certificate that Node's fetch accepts",
            reason=flaw.reason,
        )
