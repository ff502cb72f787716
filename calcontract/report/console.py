"""Where a run is printed, whether or not somebody reads it to its end."""

from __future__ import annotations

import os
import sys

from rich.console import Console


class Patient(Console):
    """Prints as long as somebody reads, and lets the run go on when nobody does any more."""

    def on_broken_pipe(self) -> None:
        """Print to nobody from here on: the exit code is the verdict's still."""
        nobody = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nobody, sys.stdout.fileno())
        os.close(nobody)
