"""Standard output, which somebody may have closed or stopped reading."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

_STDOUT = 1


class _Unread(io.FileIO):
    """Standard output whose reader may go: the rest is dropped, and the command goes on."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            drop()
            return memoryview(data).nbytes


def drop() -> None:
    """Drop whatever is printed from here on, what is held still included."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), _STDOUT)


@contextlib.contextmanager
def unread() -> Iterator[None]:
    """
    Let nobody's reading decide how a command ends.

    Raises:
        OSError: if what is printed cannot be written, as on a full disk.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
    else:
        sys.stdout.flush()
        raw = cast("io.RawIOBase", _Unread(_STDOUT, "w", closefd=False))
        sys.stdout = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=sys.stdout.encoding,
            errors=sys.stdout.errors,
            line_buffering=sys.stdout.isatty(),
        )
    try:
        yield
    finally:
        sys.stdout.flush()
