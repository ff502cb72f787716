"""
The history of a run: what happened, was sent, was answered and was killed, as JSON lines.

Every record says `what` it tells of and when (`at`, seconds since 1970):

    happened   a delivery exists: its digest, the booking's life it belongs to and its place there,
               its trigger and uid, and how the booking stands after it
    sent       an attempt at it begins
    answered   an attempt at it ended: its status, or the problem in place of one
    given up   nobody will send it again, whether or not it was taken
    killed     a process got SIGKILL
"""

import hashlib
import json
import threading
import time
from collections import Counter


def digest(body):
    """What makes two deliveries the same delivery: the SHA-256 of the body."""
    return hashlib.sha256(body).hexdigest()


class History:
    """Records from any thread; written to *path* at once, so that a run cut short leaves them."""

    def __init__(self, path):
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        self.records = []
        self.acknowledged = set()
        self.counts = Counter()

    def tell(self, what, **fields):
        """Add one record."""
        record = {"what": what, "at": time.time(), **fields}
        with self._lock:
            self.records.append(record)
            self.counts[what] += 1
            if what == "answered" and is_acknowledgement(fields["status"]):
                self.acknowledged.add(fields["digest"])
            self._file.write(json.dumps(record) + "\n")
            self._file.flush()

    def answers(self, since=0):
        """How often each status, or problem in place of one, came since that many records."""
        with self._lock:
            later = self.records[since:]
        told = [one for one in later if one["what"] == "answered"]
        return Counter(one["status"] or one["problem"] for one in told)

    def wait(self, amount, seconds):
        """Wait until *amount* more deliveries are acknowledged, or for that long: whether so."""
        before = len(self.acknowledged)
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < before + amount:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.002)
        return True

    def close(self):
        self._file.close()


def is_acknowledgement(status):
    """Whether a sender takes that status for a promise."""
    return status is not None and 200 <= status < 300


def read(path):
    """The records in *path*."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
