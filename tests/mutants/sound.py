"""
Receivers that differ from the reference receiver and are as sound: none of them may be accused.

What sound receivers do differently is their own business in the profile calcom: statuses, the
triggers they act on, the words of their probe, what a cancellation leaves behind.  Each says in its
docstring how it differs, and in `told` what its `calcontract.toml` declares, if anything.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import delete, select, text
from starlette.routing import Router

from reference_impl import answers, signature
from reference_impl.answers import Answer
from reference_impl.book import Book
from reference_impl.door import Door
from reference_impl.envelope import InvalidPayloadError
from reference_impl.gathering import StoreUnavailableError
from reference_impl.handlers import Handlers
from reference_impl.receiver import Receiver
from reference_impl.settings import Settings
from reference_impl.tables import webhook_bodies, webhook_events
from reference_impl.testing import ProviderStates
from reference_impl.worker import Worker


@dataclass(frozen=True)
class Sound:
    """One entry: the parts it is made of, and what the run is told of it."""

    doc: str
    parts: dict[str, Callable[..., Any]]
    #: `CALCONTRACT_*` variables of the run.
    told: Mapping[str, str] = field(default_factory=dict)
    #: SHOULD clauses from which it deviates, which is no violation.
    deviates: frozenset[str] = frozenset()
    #: Whether it differs in how it is started and with what: then the suite starts it.
    process: bool = False


SOUND: dict[str, Sound] = {}


def sound(
    *,
    told: Mapping[str, Any] | None = None,
    deviates: set[str] = frozenset(),
    process: bool = False,
    **parts: type,
) -> Callable[[type], type]:
    """Enter a class as a sound receiver; it plays the part that *parts* name with None."""

    def enter(cls: type) -> type:
        played = {part: other or cls for part, other in parts.items()}
        variables = {
            f"CALCONTRACT_{name.upper()}": json.dumps(value) for name, value in (told or {}).items()
        }
        doc = " ".join(cls.__doc__.split())
        SOUND[cls.__name__] = Sound(doc, played, variables, frozenset(deviates), process)
        return cls

    return enter


class _Statuses(Receiver):
    def accepted(self, entry):
        return Answer(200, b"OK", b"text/plain")

    def duplicate(self, entry):
        super().duplicate(entry)
        return Answer(204, b"")

    def refused(self, refusal):
        super().refused(refusal)
        return Answer(403, b"forbidden", b"text/plain")

    def invalid(self, problem):
        super().invalid(problem)
        return Answer(422, b"")


@sound(receiver=None)
class AnswersWithOtherStatuses(_Statuses):
    """Says 200, 204, 403 and 422 where the guide says 202, 202, 401 and 400."""


@sound(
    receiver=None,
    told={"statuses": {"acknowledge": [200, 204], "refuse": [403, 405, 413, 422]}},
)
class AnswersAsItHasPromised(_Statuses):
    """Says 200, 204, 403 and 422, and has promised these."""


_SOME = {"BOOKING_CREATED": ["created"], "BOOKING_CANCELLED": []}


@sound(handlers=None, told={"triggers": _SOME})
class ActsOnTwoTriggers(Handlers):
    """Acts on new and cancelled bookings, and leaves the rest alone."""

    def handles(self, trigger):
        return trigger in _SOME


class CopyUnderWayError(Exception):
    """Another copy of the delivery is just being stored."""


@sound(receiver=None)
class SendsTheLosersAway(Receiver):
    """Answers 409 to the copies of a delivery while another copy of it is being stored."""

    def __init__(self, *parts, **more):
        super().__init__(*parts, **more)
        self.storing = set()

    async def accept(self, entry):
        if entry.webhook_id in self.storing:
            raise CopyUnderWayError
        self.storing.add(entry.webhook_id)
        try:
            return await super().accept(entry)
        finally:
            self.storing.discard(entry.webhook_id)

    async def judge(self, client, headers, body):
        try:
            return await super().judge(client, headers, body)
        except CopyUnderWayError:
            return Answer(409, b"")


@sound(receiver=None, deviates={"idm-012"})
class SendsRedeliveriesAway(Receiver):
    """Answers 409 to what it has taken before."""

    def duplicate(self, entry):
        super().duplicate(entry)
        return Answer(409, b"")


@sound(receiver=None, process=True)
class SendsRedeliveriesAwayUnderAnySecret(SendsRedeliveriesAway):
    """Answers 409 to what it has taken before, also under the secret that came after."""


@sound(states=None)
class WaitsForTheDecision(ProviderStates):
    """Makes no appointment of a mere request, and tells of it among its effects alone."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        seen["appointments"] = [one for one in seen["appointments"] if one["status"] != "requested"]
        return seen


@sound(receiver=None, deviates={"ack-010"})
class WorksWithinTheRequest(Receiver):
    """Answers when the delivery is processed: 503 if that failed, and then it keeps nothing."""

    async def accept(self, entry):
        new = await super().accept(entry)
        if new and not await asyncio.to_thread(self.succeeds, entry):
            raise StoreUnavailableError("it could not be processed")
        return new

    def succeeds(self, entry):
        events = webhook_events.c
        mine = events.webhook_id == entry.webhook_id
        state, due_at = "waiting", 0
        while state == "processing" or (state == "waiting" and due_at <= self.clock.now()):
            time.sleep(0.005)
            with self.inbox._store.read() as connection:
                state, due_at = connection.execute(
                    select(events.state, events.due_at).where(mine)
                ).one()
        if state == "waiting":
            with self.inbox._store.write() as connection:
                body = webhook_bodies.c.id.in_(select(events.id).where(mine))
                connection.execute(delete(webhook_bodies).where(body))
                connection.execute(delete(webhook_events).where(mine))
        return state != "waiting"


@sound(states=None, receiver=WorksWithinTheRequest, deviates={"ack-010"})
class HasNoWorkerToPause(ProviderStates):
    """Works within the request: knows no state of a worker, and no clock that retries wait for."""

    def __init__(self, machine):
        super().__init__(machine)
        for state in ("worker pauses", "worker resumes", "clock advances"):
            del self._states[state]


@sound(states=None, receiver=WorksWithinTheRequest, process=True)
class HasNoWorkerToPauseWhenItIsKilled(HasNoWorkerToPause):
    """Works within the request, knows no state of a worker, and may be killed."""


@sound(receiver=None, deviates={"tol-015"})
class RefusesWhatIsADayOld(Receiver):
    """Refuses what happened more than a day ago, or lies more than ten minutes ahead."""

    def read(self, body):
        envelope = super().read(body)
        now = time.time_ns() // 1000
        if not now - 86_400_000_000 < (envelope.created_at or now) < now + 600_000_000:
            raise InvalidPayloadError("createdAt is too far away")
        return envelope


@sound(receiver=None)
class InsistsOnTheBareForm(Receiver):
    """Refuses the prefix sha256=, and signatures in any header but the one that Cal.com sends."""

    def signature_in(self, headers):
        only = [(name, value) for name, value in headers if name == signature.HEADERS[0]]
        return super().signature_in(only)

    def accepted_signatures(self, body):
        return [signature.digest(body, secret) for secret in self.secrets()]


@sound(receiver=None)
class TakesUpperCase(Receiver):
    """Does not mind the case of a signature's digits."""

    def matches(self, given, accepted):
        return super().matches(given.lower(), accepted)


@sound(receiver=None, deviates={"env-005"})
class BreaksAtNull(Receiver):
    """Answers 500 to the JSON body `null`, as nearly everybody does."""

    def invalid(self, problem):
        answer = super().invalid(problem)
        return answer if self.body != b"null" else answers.FAILED

    def read(self, body):
        self.body = body
        return super().read(body)


@sound(door=None)
class TakesDeliveriesAtEveryAddress(Door):
    """Listens on a host of its own, and looks at no path: a function behind a gateway has none."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        Router.not_found = self


@sound(book=None)
class RemovesWhatIsOver(Book):
    """Keeps no appointment that is cancelled or rejected."""

    def settle(self, connection, known, homes, at):
        after = super().settle(connection, known, homes, at)
        connection.execute(
            text("DELETE FROM appointments WHERE status IN ('cancelled', 'rejected') AND NOT ours")
        )
        return after


@sound(book=None, process=True)
class RemovesWhatIsOverWhenItIsKilled(RemovesWhatIsOver):
    """Keeps no appointment that is cancelled or rejected, and may be killed."""


@sound(states=None)
class ShowsNoDeliveries(ProviderStates):
    """Shows of its inbox only how much of it is pending."""

    def _look(self, uids, ids):
        return {**super()._look(uids, ids), "deliveries": []}


@sound(states=None)
class KeepsWhatWasRescheduled(ProviderStates):
    """Keeps the booking that was rescheduled beside the new one, as cancelled, as Cal.com does."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        for one in list(seen["appointments"]):
            if one["rescheduleUid"] not in {None, one["uid"]}:
                before = {"id": f"{one['id']}-before", "uid": one["rescheduleUid"]}
                seen["appointments"].insert(0, {**one, **before, "status": "cancelled"})
        return seen


@sound(states=None)
class KeepsARowForEachGuest(ProviderStates):
    """Keeps an appointment of its own for each guest, and no common one for those of a slot."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        seen["appointments"] = [
            {**one, "id": f"{one['id']}-{guest}", "attendees": [guest]}
            for one in seen["appointments"]
            for guest in one["attendees"] or ["nobody"]
        ]
        return seen


@sound(states=None)
class ShowsTimesAlone(ProviderStates):
    """Shows of an appointment when it is and how it stands, and nothing else."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        for one in seen["appointments"]:
            one |= {"title": None, "bookingId": None, "attendees": []}
        return seen


_EFFECTS = {"created": "termin", "rescheduled": "verlegt", "cancelled": "storniert"}
_STATES = {"confirmed": "fest", "cancelled": "frei"}


@sound(
    states=None,
    told={
        "triggers": {
            "BOOKING_CREATED": ["termin"],
            "BOOKING_REQUESTED": [],
            "BOOKING_RESCHEDULED": ["verlegt"],
            "BOOKING_CANCELLED": ["storniert"],
            "BOOKING_REJECTED": [],
            "BOOKING_PAYMENT_INITIATED": [],
            "BOOKING_PAID": [],
            "FORM_SUBMITTED": [],
        },
        "appointments": {"words": {"fest": "confirmed", "frei": "cancelled"}},
    },
)
class HasWordsOfItsOwn(ProviderStates):
    """Calls effects and states of appointments by words of its own."""

    def _look(self, uids, ids):
        seen = super()._look(uids, ids)
        for item in seen["appointments"]:
            item["status"] = _STATES.get(item["status"], item["status"])
        for item in seen["effects"]:
            item["kind"] = _EFFECTS.get(item["kind"], item["kind"])
        return seen


class _PlainLog:
    """Lines of plain text, with whatever somebody else wrote in quotes and escaped."""

    def info(self, event, **values):
        pairs = " ".join(f"{name}={value!r}" for name, value in values.items())
        sys.stderr.write(f"{event} {pairs}\n")

    warning = info

    def error(self, event, **values):
        self.info(f"ERROR {event}", **values)


class _PlainWorker(Worker):
    """Works, and says so in plain text."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.log = _PlainLog()


@sound(receiver=None, worker=_PlainWorker)
class LogsPlainText(Receiver):
    """Logs lines of plain text where others log JSON."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.log = _PlainLog()


@sound(settings=None, process=True)
class ListensWithoutASecret(Settings):
    """Starts without a secret, and refuses every delivery until it has one."""

    def check(self):
        return self


@sound(receiver=None, process=True)
class TrimsItsSecret(Receiver):
    """Takes white space around its secret for none."""

    def secrets(self):
        return tuple(secret.strip() for secret in super().secrets())
