"""
The door of the reference receiver: its command, and `python -m reference_impl`.

Only what is light is imported here, and no `typing`: until `main` is begun, an interrupt is
Python's own, with a traceback.
"""

from __future__ import annotations

import os
import signal

_STDERR = 2
_INTERRUPTED = 130


def _leave(_number: int, _frame: object) -> None:
    """
    End the process as it is.

    The database undoes a transaction that is broken off, as after SIGKILL.  An exception would show
    what was being loaded, or be lost in a library that catches all.
    """
    os.write(_STDERR, b"reference-receiver: interrupted\n")
    os._exit(_INTERRUPTED)


def main() -> None:
    """Run the command that the process was started with; what serves ends gracefully by itself."""
    # A background job of a shell has its interrupts ignored, and is to go on.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _leave)
    # It takes half a second, in which somebody may think better of it.
    from reference_impl import commands  # noqa: PLC0415 - see above

    commands.main()


if __name__ == "__main__":
    main()
