"""What is printed, and where nothing can be."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def written(program: str, code: int) -> Iterator[None]:
    """
    End *program* with *code* and a sentence where its output cannot be written.

    Python would end it with 1 and a traceback, and 1 may say something else.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except OSError as problem:
        if problem.errno != errno.ENOSPC:
            raise
        # What is still held would fail once more when the interpreter ends.
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        sys.stderr.write(f"{program}: nothing more can be written: {problem.strerror}\n")
        sys.exit(code)
