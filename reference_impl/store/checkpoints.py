"""
Checkpoints of SQLite's log, beside those who write to it.

A commit adds pages to the end of the log and waits for the disk once.  A checkpoint copies
hundreds of them into the file and waits twice more: whoever commits is not to do that as well.
SQLite's own checkpoints, by whoever finds the log long, are the net below.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Rows that were written since the last checkpoint: some hundred pages of the log.
_ROWS = 200

#: Seconds without a checkpoint after one that failed; whoever writes finds out for himself why.
_PAUSE = 1.0


class Checkpoints:
    """Has a thread write the log of the database at *path* back, as it grows."""

    def __init__(self, path: Path) -> None:
        # Of a file that is there: nothing is to be made anew by whoever copies.
        self._uri = f"{path.absolute().as_uri()}?mode=rw"
        self._rows = 0
        self._due = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, if that is not done."""
        if self._thread is None:
            self._stopping.clear()
            self._thread = threading.Thread(target=self._run, name="checkpoints", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread, if there is one."""
        if self._thread is not None:
            self._stopping.set()
            self._due.set()
            self._thread.join()
            self._thread = None

    def written(self, rows: int) -> None:
        """Take note that so many *rows* were committed."""
        # Counted by whoever writes, alone as he is; to miss some at a checkpoint does no harm.
        self._rows += rows
        if self._rows >= _ROWS:
            self._due.set()

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while self._due.wait() and not self._stopping.is_set():
            self._due.clear()
            self._rows = 0
            try:
                if connection is None:
                    connection = sqlite3.connect(self._uri, uri=True, isolation_level=None)
                # Passive: copies what it can without anybody having to wait for it.
                copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
                if copied[1] < 0:
                    # It has seen the file before there was a log, and would not look again.
                    connection.close()
                    connection = None
            except sqlite3.Error:
                self._stopping.wait(_PAUSE)
        if connection is not None:
            connection.close()
