"""The machine that is measured on: its cores and who gets which, its programs, its disk."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Where Debian keeps a PostgreSQL server, newest version last.
_DEBIAN = "/usr/lib/postgresql"

_APPEND = 4096


@dataclass(frozen=True)
class Cores:
    """
    Which core the servers run on, which the load, and which a database that is to have another.

    The load's may be the same as either, if there are not enough of them.
    """

    server: int
    load: int
    database: int

    @classmethod
    def of_this_machine(cls) -> Cores:
        """The first core that this process may use, the last, and the second."""
        allowed = sorted(os.sched_getaffinity(0))
        return cls(allowed[0], allowed[-1], allowed[min(1, len(allowed) - 1)])

    def apart(self) -> Cores:
        """The same, for a database server that has a core of its own."""
        return dataclasses.replace(self, server=self.database)

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Whatever is started meanwhile runs on the servers' core, with all its threads."""
        os.sched_setaffinity(0, {self.server})
        try:
            yield
        finally:
            os.sched_setaffinity(0, {self.load})


@dataclass(frozen=True)
class Disk:
    """Where the databases lie."""

    filesystem: str
    is_memory: bool

    @classmethod
    def under(cls, folder: Path) -> Disk:
        """The disk that holds *folder*."""
        held = [
            part
            for part in psutil.disk_partitions(all=True)
            if folder.resolve().is_relative_to(part.mountpoint)
        ]
        kind = max(held, key=lambda part: len(part.mountpoint)).fstype if held else "unknown"
        return cls(kind, kind in {"tmpfs", "ramfs"})


def syncs_a_second(folder: Path, seconds: float) -> float:
    """How many appends of 4 KiB, each followed by `fdatasync`, the disk under *folder* takes."""
    name = folder / "appended"
    block = os.urandom(_APPEND)
    count = 0
    with name.open("wb", buffering=0) as file:
        began = time.perf_counter()
        while time.perf_counter() < began + seconds:
            file.write(block)
            os.fdatasync(file.fileno())
            count += 1
        took = time.perf_counter() - began
    name.unlink()
    return count / took


def postgresql() -> Path | None:
    """The folder with PostgreSQL's own programs, the newest there is."""
    on_path = shutil.which("postgres")
    if on_path is not None:
        return Path(on_path).parent
    versions = sorted(Path(_DEBIAN).glob("*/bin/postgres"), key=lambda path: path.parts[-3])
    return versions[-1].parent if versions else None


def _said(*words: str) -> str:
    """The first line that a program prints; that there is none of that name, if so."""
    if shutil.which(words[0]) is None:
        return "not there"
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=10)  # noqa: S603
    return (done.stdout.strip().splitlines() or ["unknown"])[0]


def described(cores: Cores, disk: Disk) -> list[str]:
    """What somebody else needs to know of this machine, line by line."""
    folder = postgresql()
    server = "not there" if folder is None else _said(str(folder / "postgres"), "--version")
    busy = os.getloadavg()[0]
    return [
        f"{os.cpu_count()} cores, server on {cores.server}, load on {cores.load}"
        f", a database apart on {cores.database}"
        + ("" if cores.server != cores.load else ": ALL ON ONE CORE"),
        f"load average {busy:.1f} before it began: {'idle' if busy < 0.3 else 'NOT IDLE'}",
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}",
        f"Node {_said('node', '--version')}",
        f"PostgreSQL: {server}",
        f"{platform.system()} {platform.release()}, databases on {disk.filesystem}"
        + (": MEMORY, NO DISK" if disk.is_memory else ""),
    ]
