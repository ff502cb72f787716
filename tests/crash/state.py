"""
The final state as plain SQL reads it: no module of the receiver stands between.

`DATABASE_URL` is spelled as the receiver takes it: an SQLite file, or PostgreSQL through psycopg.
"""

import contextlib
import sqlite3
import time

from tests.crash.checker import Appointment, State
from tests.crash.history import digest

_INBOX = (
    "SELECT body, state FROM webhook_events"
    " LEFT JOIN webhook_bodies ON webhook_bodies.id = webhook_events.id ORDER BY webhook_events.id"
)
_EFFECTS = "SELECT kind, uid FROM effects ORDER BY id"
_APPOINTMENTS = "SELECT uid, status, start_time, end_time FROM appointments ORDER BY id"
_UNFINISHED = "SELECT count(*) FROM webhook_events WHERE state IN ('waiting', 'processing')"

#: Seconds after which what is not over is taken for lost.
PATIENCE = 40.0


@contextlib.contextmanager
def connected(url):
    """A connection of our own that only reads."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        opened = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)
    else:
        import psycopg

        opened = psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1))
    with contextlib.closing(opened):
        yield opened


def query(url, statement):
    """The rows of *statement*."""
    with connected(url) as connection:
        return connection.execute(statement).fetchall()


def read(url):
    """The state there is now."""
    with connected(url) as connection:
        return State(
            inbox=tuple(
                (digest(bytes(body or b"")), state) for body, state in connection.execute(_INBOX)
            ),
            effects=tuple(map(tuple, connection.execute(_EFFECTS).fetchall())),
            appointments=tuple(
                Appointment(*row) for row in connection.execute(_APPOINTMENTS).fetchall()
            ),
        )


def settled(url, patience=PATIENCE):
    """Whether everything in the inbox is over, waited for as long as *patience* lasts."""
    return becomes(url, _UNFINISHED, [(0,)], patience)


def becomes(url, statement, wanted, patience=PATIENCE):
    """Whether the rows of *statement* are *wanted*, waited for as long as *patience* lasts."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if query(url, statement) == wanted:
            return True
        time.sleep(0.02)
    return False
