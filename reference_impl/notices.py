"""
Notices to the administrators about dead letters (guide, "Notify administrators").

A notice is a row first, in the transaction that buries the delivery, and sent after it: an
unreachable mail server loses no notice and holds nothing up.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from reference_impl import logs
from reference_impl.store import rows
from reference_impl.tables import notices

if TYPE_CHECKING:
    from reference_impl.clock import Clock
    from reference_impl.settings import Settings
    from reference_impl.store import Store


class Notifier:
    """Sends the notices that were not sent yet, through Apprise, on a thread of its own."""

    def __init__(self, settings: Settings, store: Store, clock: Clock) -> None:
        self._urls = settings.notify
        self._store = store
        self._clock = clock
        self._sending = threading.Lock()

    def tell(self) -> None:
        """Send what is not sent yet, soon; without any administrator configured, nothing."""
        if self._urls:
            threading.Thread(target=self.send, name="notices", daemon=True).start()

    def send(self) -> None:
        """Send what is not sent yet; what fails stays for the next time."""
        with self._sending:
            try:
                with self._store.read() as connection:
                    unsent = rows(connection, select(notices).where(notices.c.sent_at.is_(None)))
                for notice in unsent:
                    title = f"Cal.com webhook failed: {logs.short(notice['event_type'])}"
                    body = f"Delivery {notice['webhook_id']} is a dead letter: {notice['reason']}"
                    if self.deliver(title, body):
                        with self._store.write() as connection:
                            sent = update(notices).where(notices.c.id == notice["id"])
                            connection.execute(sent.values(sent_at=self._clock.now()))
                    else:
                        logs.logger().error("Notice not sent", webhookId=notice["webhook_id"])
            except Exception as problem:  # noqa: BLE001 - a notice must not stop the work
                logs.logger().error("Notice not sent", reason=logs.describe(problem))

    def deliver(self, title: str, body: str) -> bool:
        """Hand one notice to Apprise: whether every administrator's service took it."""
        # Loaded only when needed: it takes a fifth of a second.
        import apprise  # noqa: PLC0415

        administrators = apprise.Apprise()
        for url in self._urls:
            administrators.add(url)
        return bool(administrators.notify(title=title, body=body))
