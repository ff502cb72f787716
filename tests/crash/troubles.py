"""
Troubles of a store: contexts in which an SQLite file cannot be written, or is not there.

Each lasts until some attempts were refused (`last`), and says afterwards whether it was met as it
has to be: every attempt answered within its time, with 202 or 503 (`judge`).
"""

import contextlib
import os
import resource
import shutil
import sqlite3
import subprocess
import time
from pathlib import Path

#: How many attempts have to be refused for a trouble to have shown, and how long that may take.
_REFUSALS, _PATIENCE = 8, 30.0


class Trouble:
    """What is common to all of them."""

    def __str__(self):
        return " ".join(self.__doc__.split()).rstrip(".").lower()

    def __enter__(self):
        raise NotImplementedError

    def __exit__(self, *_):
        raise NotImplementedError

    def last(self, history):
        """Return when there has been enough of it."""
        before, deadline = len(history.records), time.monotonic() + _PATIENCE
        while history.answers(before)[503] < _REFUSALS and time.monotonic() < deadline:
            time.sleep(0.05)

    def judge(self, during):
        """Judge the answers *during* it, by status or problem."""
        assert during[503] >= _REFUSALS, "the trouble never showed"
        assert set(during) <= {202, 503}, "an attempt got no answer, or a wrong one"


class Locked(Trouble):
    """Another process holds the file's lock."""

    def __init__(self, path):
        self._path = path

    def __enter__(self):
        self._other = sqlite3.connect(self._path, isolation_level=None, timeout=20)
        self._other.execute("BEGIN EXCLUSIVE")

    def __exit__(self, *_):
        self._other.execute("ROLLBACK")
        self._other.close()


class Full(Trouble):
    """The disk is full."""

    def __init__(self, folder):
        self._filler = folder / "filler"

    def __enter__(self):
        with self._filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))

    def __exit__(self, *_):
        self._filler.unlink()


class Limited(Trouble):
    """No file of the process may grow."""

    def __init__(self, popen):
        self._pid = popen.pid

    def __enter__(self):
        self._former = resource.prlimit(self._pid, resource.RLIMIT_FSIZE)
        # No write beyond the first byte of any file, its log on stderr among them.
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (1, self._former[1]))

    def __exit__(self, *_):
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._former)


class Gone(Trouble):
    """The file and its log are somewhere else."""

    def __init__(self, path):
        self._files = [Path(f"{path}{end}") for end in ("", "-wal", "-shm")]

    def __enter__(self):
        for file in self._files:
            file.rename(f"{file}.moved")

    def __exit__(self, *_):
        for file in self._files:
            file.unlink(missing_ok=True)
            Path(f"{file}.moved").rename(file)


class ReadOnly(Trouble):
    """The file may not be written, and the process starts while that is so."""

    #: What keeps root from writing what nobody may write.
    unprivileged = ("setpriv", "--bounding-set", "-dac_override") if os.getuid() == 0 else ()

    def __init__(self, path, process):
        self._files = [Path(f"{path}{end}") for end in ("", "-wal", "-shm")]
        self._process = process

    def __enter__(self):
        for file in self._files:
            file.chmod(0o444)

    def last(self, history):
        # It has the file open, so it may go on with it.
        history.wait(20, 2.0)
        self._process.kill()
        self._process.start()
        # It may pass: whoever keeps the service running tries again (docs/operating.md).
        assert self._process.popen.wait(timeout=60) == 75, self._process.tail()
        assert self._process.said(b"the store cannot be used")
        assert self._process.said(b"have to be writable for who runs this")

    def __exit__(self, *_):
        for file in self._files:
            if file.exists():
                file.chmod(0o644)
        # As whatever keeps the service running would, sooner or later.
        self._process.restart()

    def judge(self, during):
        wrong = {status for status in during if isinstance(status, int)} - {202, 503}
        assert not wrong, f"an attempt got a wrong answer: {wrong}"


@contextlib.contextmanager
def small_disk(folder, megabytes):
    """
    A disk of a few *megabytes* mounted on *folder*: whether it could be mounted.

    Only a disk of its own is honestly full (ENOSPC); mounting takes root.
    """
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    mounted = (
        bool(shutil.which("mount"))
        and not subprocess.run(command, capture_output=True, check=False).returncode
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
