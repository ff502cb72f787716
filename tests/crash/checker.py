"""
What a run came to: acknowledgements on one side, the final state on the other.

Pure, and a stranger to the receiver: it knows the records of `history` and three tables as plain
SQL reads them (`state`), and nothing of how the one became the other.

What is promised: a delivery that was acknowledged is in the inbox once, done, and took effect once.
One that was sent and never acknowledged took effect once or not at all.  Nothing else is there.
An appointment stands as its booking stood after the last of its occurrences that took effect.

What a history keeps to: of the deliveries of one booking only the last may be given up, or nobody
could say what follows from the others.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from tests.crash.history import is_acknowledgement

#: What the effect of each trigger is called.
KINDS = {
    "BOOKING_CREATED": "created",
    "BOOKING_RESCHEDULED": "rescheduled",
    "BOOKING_CANCELLED": "cancelled",
}

#: Answers that say: not taken, come again.
_LATER = frozenset({429, 503})


@dataclass(frozen=True)
class Appointment:
    """How an appointment stands; times in microseconds since 1970."""

    uid: str
    status: str
    start: int
    end: int


@dataclass(frozen=True)
class State:
    """The final state: inbox rows as (digest of the body, state), effects as (kind, uid)."""

    inbox: tuple = ()
    effects: tuple = ()
    appointments: tuple = ()


@dataclass(frozen=True)
class Finding:
    """One broken promise."""

    #: "lost", "doubled", "ghost", "unfinished", "wrong state", "not taken" or "answer".
    kind: str
    subject: str
    sentence: str

    def __str__(self):
        return f"{self.kind}: {self.subject} {self.sentence}"


@dataclass
class _Delivery:
    """What the senders know of one delivery."""

    digest: str
    life: int
    number: int
    effect: tuple
    after: Appointment
    sent: int = 0
    acknowledged: bool = False
    given_up: bool = False
    answers: list = field(default_factory=list)


def check(records, state):
    """The findings against *state*; none if it keeps what *records* were promised."""
    deliveries = _deliveries(records)
    return [
        *_answers(deliveries.values()),
        *_inbox(deliveries, Counter(key for key, _ in state.inbox), state.inbox),
        *_effects(deliveries.values(), Counter(state.effects)),
        *_appointments(deliveries.values(), Counter(state.effects), state.appointments),
    ]


def _deliveries(records):
    known = {}
    for record in records:
        what = record["what"]
        if what == "happened":
            after = Appointment(record["uid"], record["status"], record["start"], record["end"])
            known[record["digest"]] = _Delivery(
                record["digest"],
                record["life"],
                record["number"],
                (KINDS[record["trigger"]], record["uid"]),
                after,
            )
        elif what == "sent":
            known[record["digest"]].sent += 1
        elif what == "given up":
            known[record["digest"]].given_up = True
        elif what == "answered":
            delivery = known[record["digest"]]
            delivery.answers.append((record["status"], record.get("retry_after")))
            delivery.acknowledged |= is_acknowledgement(record["status"])
    return known


def _answers(deliveries):
    for delivery in deliveries:
        name = delivery.digest[:12]
        for status, retry_after in delivery.answers:
            if status is None or is_acknowledgement(status):
                continue
            if status not in _LATER:
                yield Finding("answer", name, f"was answered {status}, and nothing was wrong")
            elif not retry_after:
                yield Finding("answer", name, f"was answered {status} without Retry-After")
        if delivery.sent and not delivery.acknowledged and not delivery.given_up:
            yield Finding("not taken", name, f"was sent {delivery.sent} times and never taken")


def _inbox(deliveries, times, rows):
    for key, delivery in deliveries.items():
        if delivery.acknowledged and not times[key]:
            yield Finding("lost", key[:12], "was acknowledged and is not in the inbox")
        if times[key] > 1:
            yield Finding("doubled", key[:12], f"is in the inbox {times[key]} times")
    for key, state in rows:
        if key not in deliveries or not deliveries[key].sent:
            yield Finding("ghost", key[:12], "is in the inbox, and nobody sent it")
        elif state != "done":
            yield Finding("unfinished", key[:12], f"is {state} when all should be over")


def _effects(deliveries, times):
    promised, possible = Counter(), Counter()
    for delivery in deliveries:
        promised[delivery.effect] += delivery.acknowledged
        possible[delivery.effect] += delivery.sent > 0
    for effect in {*promised, *times}:
        subject, found = " of ".join(effect), times[effect]
        if found < promised[effect]:
            sentence = f"was acknowledged {promised[effect]} times and took effect {found} times"
            yield Finding("lost", subject, sentence)
        elif found and not possible[effect]:
            yield Finding("ghost", subject, "took effect, and nobody sent it")
        elif found > possible[effect]:
            sentence = f"took effect {found} times, and {possible[effect]} were sent"
            yield Finding("doubled", subject, sentence)


def _appointments(deliveries, effects, appointments):
    lives, members = defaultdict(list), Counter()
    for delivery in deliveries:
        lives[delivery.life].append(delivery)
        members[delivery.effect] += 1
    homes = {one.after.uid: life for life, those in lives.items() for one in those}
    found = defaultdict(list)
    for appointment in appointments:
        if appointment.uid in homes:
            found[homes[appointment.uid]].append(appointment)
        else:
            yield Finding("ghost", f"appointment {appointment.uid}", "is of a booking nobody made")
    for life, those in lives.items():
        took = [
            one
            for one in sorted(those, key=lambda one: one.number)
            if one.acknowledged or (one.sent and effects[one.effect] == members[one.effect])
        ]
        wanted = [took[-1].after] if took else []
        if found[life] != wanted:
            sentence = f"is {_told(found[life])} and should be {_told(wanted)}"
            yield Finding("wrong state", f"life {life}", sentence)


def _told(appointments):
    return " and ".join(
        f"{one.status} {one.start}-{one.end} as {one.uid}" for one in appointments
    ) or ("nowhere")
