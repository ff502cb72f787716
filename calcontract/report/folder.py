"""The folder that the reports of a run are written to."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

from calcontract.errors import UsageError


def unwritable(folder: Path, error: OSError) -> UsageError:
    """What is told about a *folder* that *error* keeps us from writing to."""
    return UsageError(
        f"the report cannot be written to {str(folder)!r} ({error.strerror})",
        hint="name a folder that you may write to with --report",
    )


def require_folder(folder: Path) -> None:
    """
    Make sure that *folder* can be made and written to, and leave everything as it was.

    A run that comes to no end, for whatever reason, leaves no empty folder where reports were
    asked for.

    Raises:
        UsageError: if it cannot.
    """
    made: list[Path] = []
    try:
        made = [each for each in (folder, *folder.parents) if not each.exists()]
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise unwritable(folder, error) from None
    finally:
        # Another run may have put something there meanwhile.
        with contextlib.suppress(OSError):
            for each in made:
                each.rmdir()
