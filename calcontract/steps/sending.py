"""When: Cal.com delivers, and how the network treats it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping

from pytest_bdd import parsers, when

from calcontract.deliveries import Item
from calcontract.errors import CatalogueError, Inconclusive
from calcontract.stimuli import named
from calcontract.story import Story
from calcontract.target import Line, Transport
from mock_calcom import faults, wire
from mock_calcom.delivery import Delivery
from mock_calcom.sender import Attempt

#: What a delivery of a life is called in a feature file.
_NAME = (
    r"(?:it|created with a seat|created|requested|confirmed|rejected|rescheduled again|"
    r"rescheduled once more|rescheduled back|rescheduled|cancelled without a reason|cancelled|"
    r"payment initiated|paid for|paid|joined by another guest|left by a guest|"
    r"moved for a guest|"
    r"called off by the host|asked to move)"
)

_EMPTY = "nothing"

#: The pause after an answer that was not waited for, in seconds: no sender comes again at once,
#: and copies that arrive together are tried elsewhere.
_BEFORE_ANOTHER = 0.3


def _plain(story: Story, item: Item) -> Transport:
    """The transport of an ordinary attempt: exact header bytes, and the item's own method."""
    return functools.partial(wire.exact, **story.target.line, method=item.method)


def _deliver(story: Story, item: Item) -> None:
    odd = item.method != "POST" or item.delivery is not item.lawful
    # Spoiled headers may hold bytes that an HTTP library refuses to send.
    story.send(item, _plain(story, item) if odd else None)


def _settle(story: Story) -> None:
    """Let one delivery be processed before the next: the order of arrival is what is tried."""
    if story.target.probe is not None:
        story.look()


def _one_after_another(story: Story, items: list[Item]) -> None:
    for number, item in enumerate(items):
        _deliver(story, item)
        if number < len(items) - 1:
            _settle(story)


@when(parsers.re(rf"Cal\.com delivers (?P<names>{_NAME}(?:, {_NAME})*|nothing)$"))
def _in_order(story: Story, names: str) -> None:
    if names != _EMPTY:
        _one_after_another(story, [story.named(name) for name in names.split(", ")])


@when(parsers.re(rf"Cal\.com redelivers (?P<name>{_NAME})$"))
def _again(story: Story, name: str) -> None:
    _settle(story)
    if story.target.probe is not None:
        story.look_before()
    _deliver(story, story.named(name))


@when(
    parsers.re(rf"Cal\.com delivers (?P<name>{_NAME}) (?P<times>\d+) times in a row$"),
    converters={"times": int},
)
def _in_a_row(story: Story, name: str, times: int) -> None:
    _one_after_another(story, [story.named(name)] * times)


@when(
    parsers.re(rf"Cal\.com delivers (?P<name>{_NAME}) (?P<times>\d+) times at the same instant$"),
    converters={"times": int},
)
def _at_once(story: Story, name: str, times: int) -> None:
    _settle(story)
    story.volley([story.named(name)] * times)
    _tolerate_losers(story, times)


@when("Cal.com delivers them")
def _them(story: Story) -> None:
    _one_after_another(story, list(story.items.values()))


@when("Cal.com delivers them at the same instant")
def _them_at_once(story: Story) -> None:
    items = list(story.items.values())
    story.volley(items)
    for item in items:
        # A burst may be throttled or turned away for a moment: Cal.com comes again.
        if not item.last.acknowledged:
            _deliver(story, item)


def _tolerate_losers(story: Story, times: int) -> None:
    """
    Come again where all of several simultaneous copies were turned away for the moment.

    409, 429 or 503 to the losers of a race is retryable and right, as long as one copy gets in.
    """
    if not any(attempt.acknowledged for attempt in story.attempts[-times:]):
        _deliver(story, story.it)


@when(parsers.re(rf"Cal\.com delivers (?P<name>{_NAME}) and goes away before the answer$"))
def _goes_away(story: Story, name: str) -> None:
    _settle(story)
    item = story.named(name)
    story.target.require_life()
    story.target.note(item.delivery)
    attempt = wire.abandoned(item.delivery, **story.target.line)
    story.remember(item, [attempt])
    story.target.look_for_life([attempt])
    time.sleep(_BEFORE_ANOTHER)


def _inside_a_character(body: bytes) -> int:
    """A place in *body* between two bytes of one character."""
    for place, byte in enumerate(body):
        if byte >= 0xC0:
            return place + 1
    raise CatalogueError("the body has no character of several bytes to cut")


def _cut(where: Callable[[bytes], int]) -> Callable[[Delivery, Line], Attempt]:
    def send(delivery: Delivery, line: Line) -> Attempt:
        return wire.torn(delivery, cut=where(delivery.body), pause=0.02, **line)

    return send


_TRANSPORTS: Mapping[str, Callable[[Delivery, Line], Attempt]] = {
    "in two segments cut inside a character": _cut(_inside_a_character),
    "in two segments cut after its headers": _cut(lambda _: 0),
    "in many small segments": lambda delivery, line: wire.slow(
        delivery, step=64, pause=0.0005, **line
    ),
    "slowly": lambda delivery, line: wire.slow(
        delivery, step=max(len(delivery.body) // 8, 1), pause=0.02, **line
    ),
}


@when(parsers.re(r"Cal\.com delivers it (?P<how>in two segments .+|in many .+|slowly)$"))
def _oddly(story: Story, how: str) -> None:
    transport = named(_TRANSPORTS, how, "transport")
    story.send(story.it, lambda delivery: transport(delivery, story.target.line))


@when(
    parsers.re(
        rf"another subscription reports (?P<name>{_NAME}) (?P<later>\d+) milliseconds later$"
    ),
    converters={"later": int},
)
def _reported_again(story: Story, name: str, later: int) -> None:
    _settle(story)
    item = story.named(name)
    if item.occurrence is None:
        raise CatalogueError("only an occurrence can be reported again")
    again = faults.duplicate(item.occurrence, story.subscription, ms=later)
    double = Item(f"{name} reported again", item.occurrence, again, again)
    _deliver(story, double)
    item.attempts.append(double.last)


@when(parsers.re(r"(?P<count>\d+) other bookings are made$"), converters={"count": int})
def _others(story: Story, count: int) -> None:
    at = story.now()
    for _ in range(count):
        occurrence = story.calendar.book(at)[0]
        composed = faults.duplicate(occurrence, story.subscription, ms=0)
        attempt = story.attempt(composed)
        if not attempt.acknowledged:
            raise Inconclusive("the other bookings were not acknowledged", reason="others-refused")
