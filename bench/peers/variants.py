"""
The reference receiver with one part changed: what that part costs.

    python bench/peers/variants.py forgetful|single --port N

`forgetful` answers 202 without storing anything, `single` commits each delivery by itself.  All
else is the reference receiver's own, down to the log line of each delivery.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence

from reference_impl import serving
from reference_impl.app import Parts
from reference_impl.inbox import Entry, Inbox
from reference_impl.settings import Settings


class Forgetful(Inbox):
    """Takes everything for new and keeps nothing."""

    def start(self) -> None:
        """Start nothing: nothing is written."""

    async def accept(self, entry: Entry) -> bool:  # noqa: ARG002 - that is the point
        """New, whatever it is."""
        return True


class Single(Inbox):
    """Commits each delivery in a transaction of its own."""

    most = 1


VARIANTS: Mapping[str, Callable[..., Inbox]] = {"forgetful": Forgetful, "single": Single}


def main(words: Sequence[str]) -> None:
    """Serve the variant that *words* name until SIGTERM; nobody works on what it takes."""
    name, _, port = words
    serving.serve(
        Settings.from_environment(),
        Parts(inbox=VARIANTS[name]),
        port=int(port),
        worker=False,
    )


if __name__ == "__main__":
    main(sys.argv[1:])
