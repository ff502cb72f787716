"""
Attempts by the hundred thousand: bookings that the mock Cal.com made, told under other names.

Each has a uid and a booking id that none had before, is of the time when it is sent, and is signed
anew.  Composing one takes microseconds, so the load generator does it as it goes.
"""

from __future__ import annotations

import datetime as dt
import hmac
import json
from random import Random

from mock_calcom import delivery, headers, signature, times
from mock_calcom.delivery import Delivery, Subscription
from mock_calcom.ids import Ids
from mock_calcom.life import Calendar
from mock_calcom.people import People
from mock_calcom.profiles import DEFAULT

#: So many bookings are made; their people and times repeat.
_MADE = 40

#: Booking ids start here, and all have as many digits.
_FIRST = 1_000_000_000

#: Spreads numbers over 64 bits; odd, so that no two meet.
_ODD = 0x9E3779B97F4A7C15

_UID, _NUMBER, _AT = b"%(uid)b", b"%(number)b", b"%(at)b"


class Attempts:
    """
    Requests, each a delivery of BOOKING_CREATED that was never sent before, ready for the wire.

    Args:
        url: where they are sent.
        secret: what they are signed with.
        start: which attempt is the first; no two with the same number may reach one receiver.
    """

    def __init__(self, url: str, secret: str, *, start: int = 0) -> None:
        self._secret = secret.encode()
        self._made = start
        subscription = Subscription(url, secret, profile=DEFAULT)
        calendar = Calendar(People(1), Ids(Random(1)), DEFAULT)  # noqa: S311 - test data
        now = dt.datetime.now(dt.UTC)
        self._models = [
            _model(delivery.compose(calendar.book(now)[0], subscription)) for _ in range(_MADE)
        ]

    def next(self) -> bytes:
        """The next request."""
        head, body = self._models[self._made % _MADE]
        number = _FIRST + self._made
        self._made += 1
        at = times.iso(dt.datetime.now(dt.UTC)).encode()
        told = body % {b"uid": _uid(number), b"number": b"%d" % number, b"at": at}
        return head % hmac.digest(self._secret, told, "sha256").hex().encode() + told


def _uid(number: int) -> bytes:
    """As long as a uid of Cal.com, unique as *number* is, and like it in no order."""
    return b"%022x" % (number * _ODD % 2**64)


def _model(made: Delivery) -> tuple[bytes, bytes]:
    """The head of *made* with a place for the signature, and its body with places for names."""
    document = json.loads(made.body)
    payload, at = document["payload"], str(document["createdAt"]).encode()
    uid, number = str(payload["uid"]).encode(), str(payload["bookingId"]).encode()
    field = b'"bookingId":'
    body = made.body.replace(b"%", b"%%").replace(uid, _UID)
    body = body.replace(field + number, field + _NUMBER).replace(at, _AT, 1)
    length = len(body % {b"uid": uid, b"number": b"%d" % _FIRST, b"at": at})
    block = dict(headers.block(made)) | {"content-length": str(length)}
    lines = [(name, value.replace("%", "%%")) for name, value in block.items()]
    signed = [(name, "%b" if name == signature.HEADER else value) for name, value in lines]
    return headers.head(made, signed), body
