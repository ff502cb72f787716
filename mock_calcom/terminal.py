"""What is printed, and where nothing can be."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from mock_calcom.secrecy import MASK

_STDOUT, _STDERR = 1, 2


class _Patient(io.FileIO):
    """Standard output that goes nowhere once nobody reads it, as behind `| head`."""

    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            _print_nowhere()
            return memoryview(data).nbytes


class _Masked(io.TextIOWrapper):
    """A stream on which no secret is written that this process knows."""

    def write(self, text: str, /) -> int:
        super().write(MASK.hidden(text))
        return len(text)


def _print_nowhere() -> None:
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), _STDOUT)


@contextlib.contextmanager
def told() -> Iterator[Callable[[bytes], None]]:
    """
    What writes to standard error as it is now, whatever is put in its place later.

    It goes past Python's streams, one of which may be in the middle of a line, and is silent where
    nothing can be written.
    """
    try:
        number = os.dup(_STDERR)
    except OSError:
        number = os.open(os.devnull, os.O_WRONLY)
    # A terminal shows the key that was pressed, or a line that moves: what is under it comes anew.
    before = b"\r\x1b[2K" if os.isatty(number) else b""

    def write(line: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(number, before + line + b"\n")

    try:
        yield write
    finally:
        os.close(number)


def _mask_errors() -> None:
    """Let no secret be written to standard error, whoever does it."""
    if sys.stderr is not None:
        sys.stderr = _Masked(
            sys.stderr.buffer,
            encoding=sys.stderr.encoding,
            errors=sys.stderr.errors,
            line_buffering=True,
        )


@contextlib.contextmanager
def written(program: str, code: int) -> Iterator[None]:
    """
    Let *program* end with its own exit code, whatever becomes of its output, and print no secret.

    Whoever reads no further, or closed it from the start, changes nothing.  Where it cannot be
    written, as on a full disk, the program ends with *code* and a sentence: Python would end it
    with 1, which says something else.
    """
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - to the end
    else:
        sys.stdout.flush()
        patient = cast("io.RawIOBase", _Patient(_STDOUT, "w", closefd=False))
        sys.stdout = _Masked(
            io.BufferedWriter(patient),
            encoding=sys.stdout.encoding,
            # Some terminals cannot print what people are called: a question mark will do.
            errors="replace",
            line_buffering=sys.stdout.isatty(),
        )
    _mask_errors()
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            raise
        # What is still held would fail once more when the interpreter ends.
        _print_nowhere()
        sys.stderr.write(f"{program}: nothing more can be written: {problem.strerror}\n")
        sys.exit(code)
