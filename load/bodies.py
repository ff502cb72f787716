"""
Deliveries by the thousand: a few lives played by the mock Cal.com, told again under other names.

Playing a life costs a millisecond, which at 500 a second is half a core; putting other uids and
booking ids into its bytes and signing them costs some twenty microseconds.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from random import Random

from mock_calcom import delivery, headers
from mock_calcom.delivery import Subscription
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT, PROFILES
from mock_calcom.signature import HEADER, sign

#: So many lives are played; their people and times repeat, their uids never.
_PLAYED = 40

#: Where a payload names a booking.
_NAMES = ("uid", "bookingId", "calcomBookingId", "rescheduleUid", "rescheduleId")

#: A client writes these itself.
_NOT_OURS = frozenset({"host", "content-length"})


class _Life:
    """
    The bytes of one booking's deliveries, cut where its names stand.

    Args:
        told: the body of each step, before and after it was rescheduled.
    """

    def __init__(self, told: Mapping[tuple[int, bool], bytes]) -> None:
        payloads = [json.loads(body)["payload"] for body in told.values()]
        found = [payload.get(key) for payload in payloads for key in _NAMES]
        #: Uids and booking ids, each once.
        self.names = list(dict.fromkeys(name for name in found if name))
        known = [str(name).encode() for name in self.names]
        # No digit or letter beside it: a booking id may be part of another number.
        either = b"|".join(re.escape(name) for name in known)
        cut = re.compile(rb"(?<![0-9A-Za-z])(" + either + rb")(?![0-9A-Za-z])")
        self._pieces = {step: cut.split(body) for step, body in told.items()}
        self._places = {
            step: [(at, known.index(pieces[at])) for at in range(1, len(pieces), 2)]
            for step, pieces in self._pieces.items()
        }

    def body(self, step: tuple[int, bool], names: Sequence[bytes]) -> bytes:
        """The bytes of *step* with *names* for the old ones."""
        pieces = self._pieces[step].copy()
        for at, which in self._places[step]:
            pieces[at] = names[which]
        return b"".join(pieces)


class Bodies:
    """
    What is sent: bodies by life and step, and their headers.

    Args:
        url: the receiver's address.
        secret: to sign with.
        profile: guide or calcom.
        seed: of people and times; uids and ids are new in every run.
    """

    def __init__(self, url: str, secret: str, *, profile: str, seed: int) -> None:
        dialect = PROFILES["guide"] if profile == "guide" else DEFAULT
        self._secret = secret
        self._subscription = Subscription(url, secret, profile=dialect)
        self._chance = Random()  # noqa: S311 - names of test bookings, no secret
        self._names: dict[int, tuple[bytes, ...]] = {}
        self._ids = Ids(self._chance)
        calendar = Calendar(People(seed), Ids(Random(seed)), dialect)  # noqa: S311 - test data
        self._lives = [self._played(calendar) for _ in range(_PLAYED)]
        model = delivery.from_body(b"{}", self._subscription)
        self._headers = {
            name: value for name, value in headers.block(model) if name not in _NOT_OURS
        }

    def _played(self, calendar: Calendar) -> _Life:
        """One life: created, rescheduled, and cancelled before and after that."""
        now = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(minutes=30)
        minute = dt.timedelta(minutes=1)
        (created,) = calendar.book(now)
        booking = created.booking
        assert booking is not None
        (moved,) = calendar.reschedule(booking, now + minute, booking.start + dt.timedelta(days=1))
        assert moved.booking is not None
        (cancelled,) = calendar.cancel(booking, now + 2 * minute)
        (cancelled_later,) = calendar.cancel(moved.booking, now + 2 * minute)
        steps = {
            (0, False): created,
            (1, False): moved,
            (2, False): cancelled,
            (2, True): cancelled_later,
        }
        return _Life(
            {
                step: delivery.compose(occurrence, self._subscription).body
                for step, occurrence in steps.items()
            }
        )

    def body(self, life: int, step: int, *, moved: bool) -> bytes:
        """The bytes of that step; the same ones whenever they are asked for."""
        played = self._lives[life % _PLAYED]
        names = self._names.get(life)
        if names is None:
            names = self._names[life] = tuple(
                str(self._ids.booking_id() if isinstance(old, int) else self._ids.uid()).encode()
                for old in played.names
            )
        return played.body((step, moved), names)

    def headers(self, body: bytes) -> dict[str, str]:
        """The header block of a delivery of *body*, signed."""
        return {**self._headers, HEADER: sign(body, self._secret)}
