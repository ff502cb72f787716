"""A server under measurement: started on the servers' core, watched, stopped."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import sqlalchemy

from bench.receiving.figures import Cpu
from bench.receiving.machine import Cores
from calcontract.process import Process
from calcontract.reference import PATH, free_port

#: What every candidate has for its secret.
SECRET = "0123456789abcdef0123456789abcdef"  # noqa: S105 - of servers that live for seconds


@dataclass(frozen=True)
class Server:
    """A server that listens, and the processes that make it up."""

    url: str
    #: Our own process and who it has started for this server.
    started: tuple[psutil.Process, ...]
    #: Its database, as SQLAlchemy spells it; empty if it keeps nothing.
    database: str = ""
    #: The processes of that database's server, if it has one.
    beside: tuple[psutil.Process, ...] = ()

    def last(self) -> int:
        """The id of the newest row of its table, 0 if there is none or it keeps nothing."""
        return self._asked("SELECT coalesce(max(id), 0) FROM webhook_events")

    def rows(self, after: int = 0) -> int:
        """How many rows of its table are newer than that id."""
        return self._asked("SELECT count(*) FROM webhook_events WHERE id > :after", after=after)

    def _asked(self, query: str, **values: int) -> int:
        if not self.database:
            return 0
        engine = sqlalchemy.create_engine(self.database, poolclass=sqlalchemy.NullPool)
        with engine.connect() as connection:
            return int(connection.scalar(sqlalchemy.text(query), values) or 0)

    def cpu(self) -> Cpu:
        """Seconds of CPU that its processes have used, and those of its database's server."""
        return Cpu(_used(self.started), _used(self.beside))

    def memory(self) -> int:
        """Bytes of memory that its processes hold (RSS)."""
        held = 0
        for each in _alive(self.started):
            with contextlib.suppress(psutil.NoSuchProcess):
                held += each.memory_info().rss
        return held


def _alive(started: Sequence[psutil.Process]) -> list[psutil.Process]:
    found = [each for each in started if each.is_running()]
    for each in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            found += each.children(recursive=True)
    return list(dict.fromkeys(found))


def _used(started: Sequence[psutil.Process]) -> float:
    used = 0.0
    for each in _alive(started):
        with contextlib.suppress(psutil.NoSuchProcess):
            spent = each.cpu_times()
            used += spent.user + spent.system + spent.children_user + spent.children_system
    return used


@contextlib.contextmanager
def started(
    words: Sequence[str],
    folder: Path,
    cores: Cores,
    *,
    port: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """
    A server that *words* start, on the servers' core; what it prints is kept in *folder*.

    Raises:
        SetupError: if it does not listen in time; the message ends with its last words.
    """
    url = f"http://127.0.0.1:{port}{PATH}"
    process = Process(
        shlex.join(words), url, log=folder / "server.log", environment=environment or {}
    )
    ourselves = psutil.Process()
    before = set(ourselves.children())
    with contextlib.ExitStack() as stack:
        with cores.serving():
            stack.enter_context(process.running())
        yield Server(url, tuple(set(ourselves.children()) - before))


__all__ = ["PATH", "SECRET", "Server", "free_port", "started"]
