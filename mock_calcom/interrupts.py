"""
An interrupt while a command is still being loaded: it ends there and then, and quietly.

Only what is light is imported here, and no `typing`, so that this stands before what is heavy takes
its time.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator

#: What a shell makes of an interrupt.
INTERRUPTED = 130


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """
    Let an interrupt inside end the process at once: nothing was begun that had to be ended.

    Raised in the middle of an import, it may come out of it as anything, or not at all.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is signal.SIG_IGN:
        # So it is in the background of a script, and so it stays.
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _leave(_number: int, _frame: object) -> None:
    os._exit(INTERRUPTED)
