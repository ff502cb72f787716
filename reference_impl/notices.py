"""
Notices to the administrators about dead letters (guide, "Notify administrators").

A notice is a row first, in the transaction that buries the delivery, and sent after it: an
unreachable mail server loses no notice and holds nothing up.

There is a row for each dead letter, and a message for each incident: the first dead letter is told
at once, and those that follow within `RECEIVER_NOTIFY_SECONDS` are summarised in one message at
the end of that time, but for those that somebody replayed or gave up until then.  A trouble that
lasts is told once in that time, however much it breaks and however many processes work: who sends
has claimed the turn to send in the store before.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, exists, func, select, update

from reference_impl import logs
from reference_impl.clock import SKEW
from reference_impl.settings import BadSettingsError
from reference_impl.store import insert_new, rows
from reference_impl.tables import notice_turns, notices, webhook_events

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store

#: Dead letters that a message names one by one, and triggers that it counts one by one.
_NAMED = 10

#: Seconds until a message is sent again that no service took.
_AGAIN_SECONDS = 60.0

#: Seconds a process has the turn to send.  Should it end meanwhile, another sends after them.
_TURN_SECONDS = 300.0

#: Most rows that one statement marks as sent.
_BATCH = 500

#: In microseconds.
_SECOND = 1_000_000

_events = webhook_events.c

#: Whether the delivery of a notice is the dead letter still that it tells of: not replayed, given
#: up, or buried again since, which has a notice of its own.
_STANDS = exists().where(
    _events.webhook_id == notices.c.webhook_id,
    _events.state == "dead",
    _events.finished_at <= notices.c.at,
)

#: What the administrators are still to be told.
UNSENT: ColumnElement[bool] = notices.c.sent_at.is_(None) & _STANDS

_UNSENT = select(notices).where(UNSENT)


class Notifier:
    """Sends the notices that were not sent yet, through Apprise, on a thread of its own."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._urls = settings.notify
        self._seconds = settings.notify_seconds
        self._store = store
        self._clock = clock
        self._sending = threading.Lock()
        self._timer: threading.Timer | None = None
        self._stopped = False
        self._waiting = False

    def start(self) -> None:
        """Send what a former process left unsent."""
        self._stopped = False
        self.tell()

    def tell(self) -> None:
        """Send what is not sent yet, soon; without any administrator configured, nothing."""
        # One that waits for its turn sees whatever is entered until then: a flood needs no second.
        if self._urls and not self._waiting:
            self._waiting = True
            threading.Thread(target=self.send, name="notices", daemon=True).start()

    def stop(self, seconds: float = 0.0) -> None:
        """Send nothing more, but let a message under way end within *seconds*."""
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        if self._sending.acquire(timeout=seconds):
            self._sending.release()

    def send(self) -> None:
        """Send what is not sent yet, unless it is too early; what fails is sent again later."""
        with self._sending:
            self._waiting = False
            if self._stopped:
                return
            try:
                wait = self._send()
            except Exception as problem:  # noqa: BLE001 - a notice must not stop the work
                logs.logger().error("Notice not sent", reason=logs.describe(problem))
                wait = _AGAIN_SECONDS
            if wait is not None:
                self.later(wait)

    def _send(self) -> float | None:
        """Send one message if it is time: the seconds until the next look, if there is one."""
        with self._store.read() as connection:
            if connection.scalar(_UNSENT.limit(1)) is None:
                return None
        now = self._clock.now()
        until = now + round(_TURN_SECONDS * _SECOND)
        unsent, wait = self._turn(now, until)
        if not unsent:
            return wait
        if not self.deliver(*message(unsent)):
            logs.logger().error("Notice not sent", deadLetters=len(unsent))
            # Kept for that long, so that other processes do not try at the same time.
            self._end_turn(until, now + round(_AGAIN_SECONDS * _SECOND))
            return _AGAIN_SECONDS
        ids = [notice["id"] for notice in unsent]
        for start in range(0, len(ids), _BATCH):
            told = notices.c.id.in_(ids[start : start + _BATCH])
            with self._store.write() as connection:
                connection.execute(update(notices).where(told).values(sent_at=now))
        self._end_turn(until, now)
        return None

    def _turn(self, now: int, until: int) -> tuple[list[dict[str, Any]], float | None]:
        """Claim the turn to send, until *until*: what is to be sent, or the seconds to wait."""
        turns = notice_turns.c
        # An end that lies too far ahead is that of a clock which was set right since.
        free = (turns.until <= now) | (turns.until > until + SKEW)
        # Nothing is lost with a claim: without it the notices simply are still unsent.
        with self._store.write(durable=False) as connection:
            connection.execute(insert_new(notice_turns), {"id": 1, "until": 0})
            # Claimed first, so that what is read next is as the last who had the turn left it.
            if not connection.execute(
                update(notice_turns).where(free).values(until=until)
            ).rowcount:
                taken = connection.scalar(select(turns.until)) or now
                return [], (taken - now) / _SECOND
            wait = self._quiet(connection, now)
            unsent = rows(connection, _UNSENT.order_by(notices.c.id)) if wait is None else []
            if not unsent:
                connection.execute(update(notice_turns).values(until=now))
        return unsent, wait

    def _quiet(self, connection: Connection, now: int) -> float | None:
        """The seconds in which no message may be sent yet."""
        last = connection.scalar(select(func.max(notices.c.sent_at)))
        quiet = self._seconds if last is None else (now - last) / _SECOND
        # A last time that is still to come is that of a clock which was set right since.
        return self._seconds - quiet if -SKEW / _SECOND <= quiet < self._seconds else None

    def _end_turn(self, until: int, end: int) -> None:
        """Let the turn that was claimed until *until* end at *end*, unless another has it now."""
        mine = notice_turns.c.until == until
        with self._store.write(durable=False) as connection:
            connection.execute(update(notice_turns).where(mine).values(until=end))

    def later(self, seconds: float) -> None:
        """Look again in *seconds*."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self.send)
        self._timer.daemon = True
        self._timer.start()

    def deliver(self, title: str, body: str) -> bool:
        """
        Hand one message to Apprise: whether any administrator's service took it.

        One service that is down must not have the others tell the same again every minute.
        """
        # Loaded only when needed: it takes a fifth of a second.
        import apprise  # noqa: PLC0415

        took = 0
        for url in self._urls:
            service = apprise.Apprise()
            service.add(url)
            took += bool(
                service.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
            )
        if took < len(self._urls):
            missed = len(self._urls) - took
            logs.logger().error("Notice missed by services", services=missed, took=took)
        return took > 0


def check_services(urls: Sequence[str]) -> None:
    """
    See that Apprise knows what each of *urls* is.

    Raises:
        BadSettingsError: if it does not: no administrator would ever hear of anything.
    """
    if not urls:
        return
    import apprise  # noqa: PLC0415 - as above

    for place, url in enumerate(urls, 1):
        if not apprise.Apprise().add(url):
            # By its place among them: it may hold credentials.
            raise BadSettingsError(
                f"RECEIVER_NOTIFY cannot be used: address {place} of {len(urls)} "
                "is none that Apprise knows, as mailtos://user:password@mail.example"
            )


def message(unsent: Sequence[dict[str, Any]]) -> tuple[str, str]:
    """
    The title and the body of the message about the notices *unsent*.

    What a sender chose stands in it without characters that could end a line or a header.
    """
    if len(unsent) == 1:
        title = f"Cal.com webhook failed: {logs.plain(unsent[0]['event_type'])}"
        return title, _line(unsent[0])
    triggers = Counter(logs.plain(notice["event_type"]) for notice in unsent)
    counted = [f"{count} {trigger}" for trigger, count in triggers.most_common(_NAMED)]
    lines = [", ".join(counted), *map(_line, unsent[:_NAMED])]
    if len(unsent) > _NAMED:
        lines.append(f"and {len(unsent) - _NAMED} more")
    return f"Cal.com webhooks failed: {len(unsent)} dead letters", "\n".join(lines)


def _line(notice: dict[str, Any]) -> str:
    return f"Delivery {notice['webhook_id']} is a dead letter: {logs.plain(notice['reason'])}"
