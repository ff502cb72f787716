"""
A look at effects: what the receiver holds about some bookings.

Pure data.  How a look is taken is the business of the modules beside this one; what it shows is
described for receivers of any language in `schemas/probe.openapi.json`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from calcontract.handling import Words

#: The statuses of an appointment that somebody still has to keep.
LIVE = frozenset({"scheduled", "requested", "confirmed"})


def instant(text: str | None) -> dt.datetime | None:
    """
    The instant that *text* names (RFC 3339), or nothing for nothing.

    What a receiver has stored and is no time names nothing either: that it was stored is a matter
    for the clauses, not for the probe.
    """
    try:
        return None if text is None else dt.datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


@dataclass(frozen=True)
class Appointment:
    """One appointment in the receiver's world."""

    id: str
    uid: str | None
    booking_id: int | None
    status: str
    start: dt.datetime | None
    end: dt.datetime | None
    cancellation_reason: str | None
    attendees: Sequence[str]
    title: str | None = None

    @property
    def live(self) -> bool:
        """Whether somebody still has to keep it."""
        return self.status in LIVE


@dataclass(frozen=True)
class Record:
    """One delivery as the receiver's inbox knows it."""

    id: str
    trigger: str
    uid: str | None
    state: str
    tries: int
    next_try_seconds: float | None

    @property
    def under_way(self) -> bool:
        """Whether it is being processed, or due to be; one that waits for a later try is not."""
        due = self.next_try_seconds is None or self.next_try_seconds <= 0
        return self.state == "processing" or (self.state == "waiting" and due)


@dataclass(frozen=True)
class Effect:
    """One lasting change, recorded once per occurrence."""

    kind: str
    uid: str | None


@dataclass(frozen=True)
class Look:
    """What one look showed: all that belongs to the uids asked for, and the grand totals."""

    appointments: Sequence[Appointment] = ()
    records: Sequence[Record] = ()
    effects: Sequence[Effect] = ()
    notices: Sequence[Mapping[str, Any]] = ()
    #: Acknowledged deliveries whose processing is due or under way.
    pending: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)
    #: Whether the receiver keeps appointments; if not, their absence says nothing.
    keeps_appointments: bool = True

    @property
    def under_way(self) -> int:
        """Number of deliveries shown here that are still being processed or due."""
        return sum(record.under_way for record in self.records)

    @classmethod
    def of(cls, document: Mapping[str, Any], words: Words | None = None) -> Look:
        """
        The look that *document* describes, in the shape of `schemas/probe.openapi.json`.

        Args:
            document: what the probe answered.
            words: a translation of the probe's words into ours, if it has its own.

        Raises:
            KeyError, TypeError, ValueError: if it has another shape.
        """
        words = words or Words()
        return cls(
            appointments=tuple(
                Appointment(
                    id=str(item["id"]),
                    uid=item.get("uid"),
                    booking_id=item.get("bookingId"),
                    status=words.states.get(item["status"], item["status"]),
                    start=instant(item.get("startTime")),
                    end=instant(item.get("endTime")),
                    cancellation_reason=item.get("cancellationReason"),
                    attendees=tuple(item.get("attendees") or ()),
                    title=item.get("title"),
                )
                for item in document["appointments"]
            ),
            records=tuple(
                Record(
                    id=str(item["id"]),
                    trigger=item["trigger"],
                    uid=item.get("uid"),
                    state=item["state"],
                    tries=int(item["tries"]),
                    next_try_seconds=item.get("nextTrySeconds"),
                )
                for item in document["deliveries"]
            ),
            effects=tuple(
                Effect(words.effects.get(item["kind"], item["kind"]), item.get("uid"))
                for item in document["effects"]
            ),
            notices=tuple(document["notices"]),
            pending=int(document["pending"]),
            totals={name: int(count) for name, count in document["totals"].items()},
            keeps_appointments=words.appointments,
        )


class Probe(Protocol):
    """Takes looks; never changes anything."""

    def look(self, uids: Sequence[str] = (), appointment: str | None = None) -> Look:
        """
        What the receiver holds about the bookings called *uids* and one *appointment*.

        Raises:
            CapabilityError: if the probe cannot be read.
        """
        ...
