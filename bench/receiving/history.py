"""
Many rows: whether a receiver that has accepted millions of deliveries accepts the next as fast.

The rows are written by SQL, past the receiver: done long ago and pruned, so without a payload.
Each was made a second after the one before, and their uids lie evenly over the whole range.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

from bench.receiving import figures
from bench.receiving.candidates import REFERENCE, Place
from bench.receiving.figures import Spread
from bench.receiving.rounds import Bench, progress, sound

#: What many is compared with.
FEW = 10_000

# Keys in rising order: indexes are appended to, which makes ten million rows in a minute or two.
_FILL = """
INSERT INTO webhook_events (webhook_id, event_type, uid, queue, booking, rank, state,
                            due_at, tries, interruptions, received_at, finished_at)
WITH RECURSIVE numbers (i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :rows),
rows (i, uid, second, at) AS (
    SELECT i, printf('%06d%015x0', 0, i * :step), :second + i, (:second + i) * 1000000 FROM numbers
)
SELECT strftime('%Y%m%d%H%M%S', second, 'unixepoch') || printf('000-%046x', i), 'BOOKING_CREATED',
       uid, 'webhooks', 'uid ' || uid, at, 'done', at, 1, 0, at, at
FROM rows
"""

#: The first of those deliveries, in seconds since 1970: in July 2025.
_SECOND = 1_752_000_000


def fill(database: Path, rows: int) -> None:
    """Put so many *rows* into the inbox in the file *database*, whose receiver is not running."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        # The receiver puts all of this back when it opens the file.
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        values = {"rows": rows, "step": 2**60 // rows, "second": _SECOND}
        connection.execute("BEGIN")
        connection.execute(_FILL, values)
        connection.execute("COMMIT")
    # Else the disk would still be busy with it while we measure.
    with database.open("rb") as file:
        os.fsync(file.fileno())


def latencies(bench: Bench, *, rows: int, rate: float, rounds: int) -> tuple[Spread, Spread]:
    """
    How long accepting takes at that *rate* with few rows, and with so many *rows*.

    Raises:
        MeasurementError: if an attempt was not answered 202, or one answered so is not stored.
        SetupError: if the receiver does not start.
    """
    measured: dict[int, list[Spread]] = {FEW: [], rows: []}
    with contextlib.ExitStack() as stack:
        folders = {count: stack.enter_context(bench.empty(f"rows-{count}")) for count in measured}
        for count, folder in folders.items():
            progress(f"filling an inbox with {count:,} rows")
            with REFERENCE.running(folder, bench.cores):
                """It makes its tables."""
            fill(Place(folder, 0).database, count)
        for number in range(rounds):
            for count in figures.rotated(list(measured), number):
                progress(f"round {number + 1} of {rounds}: {count:,} rows")
                measured[count].append(_accepting(bench, folders[count], rate, number))
    few, many = (figures.middle(spreads) for spreads in measured.values())
    return few, many


def _accepting(bench: Bench, folder: Path, rate: float, number: int) -> Spread:
    with REFERENCE.running(folder, bench.cores) as server:
        load = bench.pressure(server, number)
        load.press(rate=rate, seconds=bench.warm)
        before = server.last()
        outcome = load.press(rate=rate, seconds=bench.seconds)
        return Spread.of(sound(outcome, server, before).latencies)
