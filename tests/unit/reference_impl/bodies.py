"""Builders of this room's tests: valid by default, spoiled by keyword."""

import hashlib
import hmac
import json

from reference_impl import envelope
from reference_impl.clock import Clock
from reference_impl.facts import Reader

SECRET = "whsec_of_the_unit_tests_and_nobody_else"
NOON = 1_767_268_800_000_000  # 2026-01-01T12:00:00Z
MINUTE = 60_000_000


class FixedClock(Clock):
    """A clock that moves only when told to."""

    def now(self):
        return NOON + self._offset


def spelled(minute):
    """The envelope's spelling of so many minutes after noon."""
    return f"2026-01-01T{12 + minute // 60:02d}:{minute % 60:02d}:00.000Z"


def an_envelope(trigger="BOOKING_CREATED", uid="uid-1", minute=0, **payload):
    """A body of Cal.com, as a dict; a payload field set to `...` is left out."""
    fields = {
        "uid": uid or ...,
        "bookingId": sum(str(uid or "").encode()),
        "title": "Intro call",
        "startTime": "2026-02-01T09:00:00Z",
        "endTime": "2026-02-01T09:30:00Z",
        "attendees": [{"email": "guest@client.example", "name": "Guest", "timeZone": "UTC"}],
        "metadata": {},
        **payload,
    }
    fields = {name: value for name, value in fields.items() if value is not ...}
    dated = {} if minute is None else {"createdAt": spelled(minute)}
    return {"triggerEvent": trigger, **dated, "payload": fields}


def a_body(*args, **kwargs):
    return json.dumps(an_envelope(*args, **kwargs)).encode()


def a_fact(*args, received_at=NOON, **kwargs):
    """The fact that such a body tells."""
    return Reader().read(envelope.read(a_body(*args, **kwargs)), received_at)


def sign(body, secret=SECRET):
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body, secret=SECRET):
    """The header fields of a signed delivery, as ASGI gives them."""
    return [(b"x-cal-signature-256", sign(body, secret).encode())]
