"""
Notices to the administrators about dead letters (guide, "Notify administrators").

A notice is a row first, in the transaction that buries the delivery, and sent after it: an
unreachable mail server loses no notice and holds nothing up.

There is a row for each dead letter, and a message for each incident: the first dead letter is told
at once, and those that follow within `RECEIVER_NOTIFY_SECONDS` are summarised in one message at
the end of that time.  A trouble that lasts is told once in that time, however much it breaks.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from reference_impl import logs
from reference_impl.store import rows
from reference_impl.tables import notices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store

#: Dead letters that a message names one by one, and triggers that it counts one by one.
_NAMED = 10

#: Seconds until a message is sent again that no service took.
_AGAIN_SECONDS = 60.0

#: Most rows that one statement marks as sent.
_BATCH = 500


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

    def start(self) -> None:
        """Send what a former process left unsent."""
        self._stopped = False
        self.tell()

    def tell(self) -> None:
        """Send what is not sent yet, soon; without any administrator configured, nothing."""
        if self._urls:
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
            if self._stopped:
                return
            try:
                with self._store.alone("notices") as alone:
                    # Whoever is at it may have looked before the latest one was there.
                    wait = self._send() if alone else _AGAIN_SECONDS
            except Exception as problem:  # noqa: BLE001 - a notice must not stop the work
                logs.logger().error("Notice not sent", reason=logs.describe(problem))
                wait = _AGAIN_SECONDS
            if wait is not None:
                self.later(wait)

    def _send(self) -> float | None:
        """Send one message if it is time: the seconds until the next look, if there is one."""
        now = self._clock.now()
        with self._store.read() as connection:
            last = connection.scalar(select(func.max(notices.c.sent_at)))
            unsent = rows(
                connection,
                select(notices).where(notices.c.sent_at.is_(None)).order_by(notices.c.id),
            )
        if not unsent:
            return None
        quiet = self._seconds if last is None else (now - last) / 1_000_000
        # A last time that is still to come is that of a clock which was set right since.
        if 0 <= quiet < self._seconds:
            return self._seconds - quiet
        if not self.deliver(*message(unsent)):
            logs.logger().error("Notice not sent", deadLetters=len(unsent))
            return _AGAIN_SECONDS
        ids = [notice["id"] for notice in unsent]
        for start in range(0, len(ids), _BATCH):
            told = notices.c.id.in_(ids[start : start + _BATCH])
            with self._store.write() as connection:
                connection.execute(update(notices).where(told).values(sent_at=now))
        return None

    def later(self, seconds: float) -> None:
        """Look again in *seconds*."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(seconds, self.send)
        self._timer.daemon = True
        self._timer.start()

    def deliver(self, title: str, body: str) -> bool:
        """Hand one message to Apprise: whether every administrator's service took it."""
        # Loaded only when needed: it takes a fifth of a second.
        import apprise  # noqa: PLC0415

        administrators = apprise.Apprise()
        for url in self._urls:
            administrators.add(url)
        return bool(
            administrators.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
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
