"""
One check as it unfolds: what happened in Cal.com, what was sent of it, what was answered.

The steps speak to a `Story`; it knows no clause and judges nothing.  Beside every delivery it keeps
the lawful twin: the same delivery with its fault removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import itertools
import json
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from calcontract.deliveries import Item
from calcontract.errors import Blocked, CatalogueError, Inconclusive, NotApplicable, Violation
from calcontract.listener import Listener
from calcontract.probes import Look
from calcontract.stimuli import bodies, signatures
from calcontract.target import Target, Transport
from calcontract.waiting import waiting
from mock_calcom import delivery as deliveries
from mock_calcom.bookings import Booking
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.life import Calendar
from mock_calcom.occurrences import Occurrence
from mock_calcom.people import OneGuest
from mock_calcom.profiles import PROFILES
from mock_calcom.sender import Attempt
from mock_calcom.signature import HEADER, sign
from mock_calcom.strangers import Strangers

#: Events of a story happened this long ago and this far apart: never in the future, and so fresh
#: that a receiver with a window over `createdAt` is accused of that by its own clause alone.
_SINCE = dt.timedelta(seconds=60)
_APART = dt.timedelta(seconds=2)
#: Over so many seconds the beginnings of consecutive stories are spread.
_SPREAD = 90

#: Waited for between two tries of a receiver that does not say when it tries next, in seconds
#: (guide, $backoff).
LONGEST_WAIT = 900.0

#: How far a reschedule moves a booking.
_MOVE = dt.timedelta(days=1, minutes=45)


class Story:
    """
    One check in progress.

    Args:
        target: the receiver.
        about_effects: whether it looks at effects, which no unhandled trigger event has to have.
    """

    def __init__(self, target: Target, *, about_effects: bool = False) -> None:
        self.target = target
        self.about_effects = about_effects
        self.begin()

    def begin(self) -> None:
        """Nothing has happened yet; what a try before this one did belongs to other bookings."""
        target = self.target
        self.calendar = Calendar(target.people, target.ids, target.subscription.profile)
        self.items: dict[str, Item] = {}
        self.sent: list[Item] = []
        #: Every attempt of the check, in order; the last one is what a failure report shows.
        self.attempts: list[Attempt] = []
        self.before: Look | None = None
        self.subscription: Subscription = target.subscription
        self.bystander: tuple[Item, Look] | None = None
        #: The deliveries of several bookings, each booking's in the order in which they are sent.
        self.orders: list[list[Item]] = []
        #: The number of the appointment of ours that a booking of this check is for.
        self.appointment: str | None = None
        #: The uids of the bookings whose processing was told to fail.
        self.failing: set[str] = set()
        #: How long the processing of "it" was told to take, in seconds.
        self.processing_seconds = 0.0
        #: Whether the processing was told to pause.
        self.paused = False
        #: Whether the receiver's process was killed in this check.
        self.killed = False
        #: The place in the receiver's log from which on it is read.
        self.log_place = 0
        #: Words that nobody wrote but this check.
        self.words = ""
        #: The secret that replaces the receiver's in this check.
        self.new_secret = secrets.token_hex(16)
        #: Whether the receiver listens after it was started otherwise.
        self.listens = True
        #: The title that was written into the delivery, and what listens at an address in it.
        self.title = ""
        self.listener: Listener | None = None
        #: What strangers were answered who sent many requests at once.
        self.flood: list[Attempt] = []
        #: Connections of strangers that were opened beside ours.
        self.strangers: list[Strangers] = []
        #: What has to be let go of when the check is over.
        self.leaving = contextlib.ExitStack()
        # Some bodies hold nothing of their own but createdAt, and the guide's has whole seconds:
        # two checks of one second would send the same bytes, and the later one a redelivery.
        number = next(target.stories)
        apart = dt.timedelta(seconds=number % _SPREAD)
        # Cal.com's own has milliseconds: there no two are alike.
        fraction = number % 1000 * 1000
        self._clock = dt.datetime.now(dt.UTC).replace(microsecond=fraction) - _SINCE - apart
        self._step = _APART

    # --- what happens in Cal.com -----------------------------------------------------------------

    def use_sender(self, name: str) -> None:
        """
        Let the rest of the story be sent by the sender profile *name*.

        Raises:
            CatalogueError: if there is no such sender.
        """
        if name not in PROFILES:
            raise CatalogueError(f"no sender is called {name!r}")
        self.subscription = dataclasses.replace(self.subscription, profile=PROFILES[name])
        self.calendar = Calendar(self.target.people, self.target.ids, PROFILES[name])

    def now(self) -> dt.datetime:
        """The instant of the next event: not long ago, and later than all before it."""
        self._clock += self._step
        return self._clock

    @contextlib.contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Let what happens inside happen at the same time as what comes after it."""
        clock = self._clock
        yield
        self._clock = clock

    def same_guest(self) -> None:
        """From here on every booking is made by the same person."""
        self.calendar.people = OneGuest(self.target.people)

    def stand_still(self) -> None:
        """From here on every event happens within the same millisecond."""
        self.now()
        self._step = dt.timedelta(0)

    def tell(
        self, name: str, occurrence: Occurrence, created_at: dt.datetime | None = None
    ) -> Item:
        """
        Compose the delivery of *occurrence* and keep it under *name*.

        Raises:
            NotApplicable: if the check is about effects and the target is declared to have none
                of this trigger.
        """
        if self.about_effects and not self.target.handles(occurrence.trigger):
            raise NotApplicable(
                f"the receiver is declared not to handle {occurrence.trigger}",
                reason="not-handled",
            )
        composed = deliveries.compose(occurrence, self.subscription, created_at=created_at)
        return self.keep(Item(name, occurrence, composed, composed))

    def keep(self, item: Item) -> Item:
        """Keep *item* under its name; it becomes what "it" means."""
        self.items[item.name] = item
        return item

    def beside(self, name: str) -> Item:
        """The delivery of a new booking, kept under *name*; what "it" means stays as it was."""
        meant = self.it
        item = self.tell(name, self.calendar.book(self.now())[0])
        self.items[meant.name] = self.items.pop(meant.name)
        return item

    def later(self, booking: Booking) -> dt.datetime:
        """The time to which *booking* is moved next."""
        return booking.start + _MOVE

    @property
    def it(self) -> Item:
        """
        The delivery told of last.

        Raises:
            CatalogueError: if there is none yet.
        """
        if not self.items:
            raise CatalogueError("the check speaks of a delivery before there is one")
        return next(reversed(self.items.values()))

    def named(self, name: str) -> Item:
        """
        The delivery called *name*, or the last one for "it".

        Raises:
            CatalogueError: if there is none of that name.
        """
        if name == "it":
            return self.it
        if name not in self.items:
            raise CatalogueError(f"no delivery of this check is called {name!r}")
        return self.items[name]

    # --- respelling and spoiling -----------------------------------------------------------------

    def resign(self, item: Item, body: bytes) -> None:
        """Give *item* another body, signed as it is: nothing is spoiled by that."""
        item.lawful = item.delivery = self._signed(item.lawful, body)

    def spoil(self, item: Item, body: bytes) -> None:
        """Give *item* as it is sent another body, signed as it is; the twin keeps its own."""
        item.delivery = self._signed(item.delivery, body)

    def _signed(self, delivery: Delivery, body: bytes) -> Delivery:
        return delivery.with_body(body).with_header(HEADER, sign(body, self.target.secret))

    def rewrite(
        self, item: Item, change: Callable[[dict[str, Any]], dict[str, Any]], *, lawful: bool
    ) -> None:
        """Change the parsed envelope of *item* and sign the result."""
        body = bodies.compact(change(json.loads(item.delivery.body)))
        (self.resign if lawful else self.spoil)(item, body)

    def material(self, item: Item) -> signatures.Material:
        """What a signature of *item* can be made of."""
        return signatures.Material(item.delivery.body, self.target.secret, self.target.chance)

    # --- sending ---------------------------------------------------------------------------------

    def send(self, item: Item, transport: Transport | None = None) -> Attempt:
        """One attempt at *item*, remembered."""
        attempt = self.attempt(item.delivery, transport)
        self.remember(item, [attempt])
        return attempt

    def attempt(self, delivery: Delivery, transport: Transport | None = None) -> Attempt:
        """
        One attempt at *delivery*, which belongs to no item.

        Raises:
            NotVerified: if the receiver died before.
        """
        self.target.require_life()
        return self.target.attempt(delivery, transport)

    def volley(self, items: Sequence[Item]) -> None:
        """All *items* at the same instant."""
        self.target.require_life()
        for item in items:
            self.target.note(item.delivery)
        with waiting(f"answers to {len(items)} deliveries", self.target.sender.timeout):
            attempts = self.target.sender.volley([item.delivery for item in items])
        for item, attempt in zip(items, attempts, strict=True):
            self.remember(item, [attempt])
        self.target.look_for_life(attempts)

    def remember(self, item: Item, attempts: Sequence[Attempt]) -> None:
        """Keep *attempts* at *item* for judges and reports."""
        item.attempts.extend(attempts)
        if item.occurrence is not None and item.delivery.uid:
            self.target.sent.told(item.trigger, item.delivery.uid, item.delivery.body)
        self.attempts.extend(attempts)
        if item not in self.sent:
            self.sent.append(item)

    def control(self) -> None:
        """
        Send the lawful twin of every delivery whose refusal was asserted.

        Raises:
            Blocked: if a twin is not acknowledged: then the refusal proves nothing.
        """
        denied = [item for item in self.sent if item.denied]
        if denied:
            # A receiver that was started otherwise is itself the fault.
            self.target.revive()
        for item in denied:
            if any(one.acknowledged and one.delivery == item.lawful for one in item.attempts):
                # It went through before: once more it would be a redelivery, another matter.
                continue
            attempt = self.attempt(item.lawful)
            if not attempt.acknowledged:
                self.attempts.append(attempt)
                shown = attempt.answer.status if attempt.answer else attempt.problem
                raise Blocked(
                    f"the same delivery without its fault was not acknowledged either ({shown})",
                    reason="twin-not-acknowledged"
                    if attempt.answer
                    else f"no-answer-{attempt.problem}",
                )

    def let_go(self) -> None:
        """Let go of connections, and let what was held up be processed, for those after it."""
        self.leaving.close()
        if self.paused:
            self.target.set_state("worker resumes")
        for uid in self.failing:
            self.target.set_state("processing fails", uid=uid, times=0)
        if self.failing:
            self.target.advance(LONGEST_WAIT + 1)

    def method_of(self, attempt: Attempt) -> str:
        """The method that *attempt* was sent with."""
        return next((item.method for item in self.sent if attempt in item.attempts), "POST")

    def spoiled(self, attempt: Attempt) -> bool:
        """Whether *attempt* carried something that differs from its lawful twin."""
        items = [item for item in self.sent if attempt in item.attempts]
        return bool(items) and all(item.lawful != attempt.delivery for item in items)

    def taken_before(self, attempt: Attempt) -> bool:
        """Whether what *attempt* carried had been acknowledged by then."""
        earlier = itertools.takewhile(lambda other: other is not attempt, self.attempts)
        return any(one.acknowledged and one.delivery == attempt.delivery for one in earlier)

    def bodies(self) -> list[bytes]:
        """Every body of the check, as it is lawful and as it is sent."""
        items = [*self.items.values(), *self.sent]
        return [body for item in items for body in (item.lawful.body, item.delivery.body)]

    # --- looking ---------------------------------------------------------------------------------

    def uids(self) -> list[str]:
        """The uids of every booking of the story, without the bystander's."""
        return sorted({item.delivery.uid for item in self.items.values() if item.delivery.uid})

    def look(self) -> Look:
        """What the receiver holds about the story's bookings, once it has come to rest."""
        return self.look_at(self.uids())

    def look_at(self, uids: Sequence[str]) -> Look:
        """
        What the receiver holds about the bookings *uids*, once it has come to rest.

        Raises:
            Violation: if it was killed and started again, and never finishes what it had begun.
            Inconclusive: if it does not come to rest otherwise.
        """
        try:
            return self.target.look(uids, self.appointment)
        except Inconclusive as stop:
            if not self.killed:
                raise
            raise Violation(
                stop.sentence,
                expected="what a dead process has left to be taken over",
                reason="stuck-after-restart",
            ) from None

    def look_before(self) -> None:
        """Remember what the receiver holds now, to compare with later."""
        self.before = self.target.look(self.uids(), self.appointment)

    @property
    def history(self) -> bool:
        """
        Whether appointments that are over may stand beside the one that is asked for.

        The guide changes the one it has.  Cal.com itself keeps the booking that was rescheduled,
        as cancelled, and so may who follows it.
        """
        return self.target.settings.profile == "calcom"

    def occurrences(self, item: Item) -> int:
        """How many occurrences of *item*'s trigger happened to its booking and were sent."""
        return len(
            {
                id(other.occurrence)
                for other in self.sent
                if other.trigger == item.trigger and other.delivery.uid == item.delivery.uid
            }
        )
