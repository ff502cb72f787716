"""
A PostgreSQL server for one round: made in an empty folder, on the servers' core, and removed.

Root may not run one, so root becomes the user that Debian makes for it.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.receiving import machine
from bench.receiving.servers import Server, free_port, started

#: Who runs it when we are root.
_USER = "postgres"


def missing() -> str:
    """Why no PostgreSQL can be run here; empty when one can."""
    if machine.postgresql() is None:
        return "PostgreSQL's server is not installed (Debian: apt-get install postgresql)"
    if importlib.util.find_spec("psycopg") is None:
        return "psycopg is not installed"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(_USER)
        except KeyError:
            return f"root may not run PostgreSQL, and there is no user {_USER}"
    return ""


def _as_its_user(*words: str) -> list[str]:
    return ["runuser", "-u", _USER, "--", *words] if os.geteuid() == 0 else list(words)


@contextlib.contextmanager
def running(folder: Path, cores: machine.Cores) -> Iterator[tuple[str, Server]]:
    """
    A new and empty database: its address as SQLAlchemy spells it, and the server.

    Raises:
        SetupError: if the server does not start.
        CalledProcessError: if the folder cannot be prepared.
    """
    programs = machine.postgresql()
    assert programs is not None
    data, port = folder / "postgres", free_port()
    data.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(data, _USER, _USER)
    subprocess.run(  # noqa: S603 - a program of the database
        _as_its_user(
            str(programs / "initdb"),
            *("--pgdata", str(data), "--username", "bench", "--auth", "trust", "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C"),
        ),
        check=True,
        capture_output=True,
        cwd="/",
    )
    # Its defaults, which sync each commit; only where it listens is ours.
    words = _as_its_user(
        str(programs / "postgres"),
        *("-D", str(data), "-p", str(port), "-c", "listen_addresses=127.0.0.1"),
        *("-c", f"unix_socket_directories={data}"),
    )
    (folder / "database").mkdir()
    with started(words, folder / "database", cores, port=port) as server:
        yield f"postgresql+psycopg://bench@127.0.0.1:{port}/postgres", server
