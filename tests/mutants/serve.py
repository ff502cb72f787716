"""
Serve one mutant, or a sound receiver.

`python tests/mutants/serve.py NAME [--port N]` prints where it listens.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import gallery
import sound

from reference_impl import serving
from reference_impl.app import Parts
from reference_impl.settings import Settings

PARTS = {name: entry.parts for name, entry in (gallery.load() | sound.SOUND).items()}


def main():
    """Serve the one that the command line names."""
    parts = dict(PARTS[sys.argv[1]])
    settings = parts.pop("settings", Settings)
    serving.serve(
        settings.from_environment(),
        host="127.0.0.1",
        port=int(sys.argv[3]) if sys.argv[2:] else 0,
        testing=True,
        parts=Parts(**parts),
    )


if __name__ == "__main__":
    main()
