"""
Lives of bookings, as the mock Cal.com plays them, with how each booking stands after each step.

A booking is created, moved up to twice and perhaps called off.  Cal.com gives a moved booking a new
uid, so trigger and uid name one occurrence.
"""

import datetime as dt
from dataclasses import dataclass
from random import Random

from mock_calcom.delivery import Delivery, Subscription, compose
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT
from tests.crash.history import digest

_MINUTE = dt.timedelta(minutes=1)
_BEGIN = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Step:
    """One delivery of a life."""

    delivery: Delivery
    #: What the history says of it.
    record: dict

    @property
    def digest(self):
        return self.record["digest"]


class Lives:
    """Plays one life after the other; *number* keeps several players' lives apart."""

    def __init__(self, seed, number, secret):
        self._chance = Random(f"{seed} lives {number}")
        self._calendar = Calendar(People(self._chance.randrange(2**31)), Ids(self._chance), DEFAULT)
        self._subscription = Subscription("http://127.0.0.1", secret)
        self._number = number * 1_000_000

    def play(self):
        """The steps of the next life, in the order in which they happen."""
        self._number += 1
        at = _BEGIN + self._number % 1_000_000 * _MINUTE
        told = self._calendar.book(at)
        for _ in range(self._chance.randint(0, 2)):
            at += _MINUTE
            booking = told[-1].booking
            told += self._calendar.reschedule(booking, at, self._calendar.free_slot(at))
        if self._chance.random() < 0.5:
            told += self._calendar.cancel(told[-1].booking, at + _MINUTE)
        return [self._step(number, occurrence) for number, occurrence in enumerate(told)]

    def _step(self, number, occurrence):
        delivery = compose(occurrence, self._subscription)
        booking = occurrence.booking
        return Step(
            delivery,
            {
                "digest": digest(delivery.body),
                "life": self._number,
                "number": number,
                "trigger": occurrence.trigger,
                "uid": occurrence.uid,
                "status": "cancelled" if booking.status == "CANCELLED" else "confirmed",
                "start": (booking.start - _EPOCH) // dt.timedelta(microseconds=1),
                "end": (booking.end - _EPOCH) // dt.timedelta(microseconds=1),
            },
        )
