"""
A PostgreSQL server for the tests, and a fresh database for each of them.

It is the one that `TEST_POSTGRESQL_URL` names, whose role may make databases; else one that is
started here, with Debian's binaries or with those of the wheel pgserver, and stopped at the end.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

#: Where Debian has them, the newest version first.
DEBIAN = Path("/usr/lib/postgresql")

#: Seconds until a server has to answer.
PATIENCE = 30.0

#: What makes a server fast whose data nobody needs tomorrow.
HASTE = {
    "fsync": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "16MB",
    "listen_addresses": "",
    # Whoever promises durability has to ask for it himself.
    "synchronous_commit": "off",
}


class NoServerError(Exception):
    """There is no server to be had; the message says what was tried."""


class Databases:
    """Makes databases on the server at *url*, as copies of one whose tables are made."""

    def __init__(self, url):
        self._url = url
        self._numbers = itertools.count()
        self._template = None

    @contextlib.contextmanager
    def fresh(self):
        """The URL of a database that is dropped afterwards, with the tables of the receiver."""
        if self._template is None:
            from reference_impl.store import open_store

            url = self._make("template1")
            store = open_store(url)
            store.create()
            store.close()
            self._template = name_of(url)
        with self._dropped(self._make(self._template)) as url:
            yield url

    @contextlib.contextmanager
    def empty(self):
        """The URL of a database without tables that is dropped afterwards."""
        with self._dropped(self._make("template1")) as url:
            yield url

    def close(self):
        """Drop what is left."""
        if self._template is not None:
            self._execute(f'DROP DATABASE "{self._template}" WITH (FORCE)')

    def interrupt(self, url):
        """End every connection to the database at *url*, as a restart of the server does."""
        self._execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{name_of(url)}'"
        )

    @contextlib.contextmanager
    def _dropped(self, url):
        try:
            yield url
        finally:
            self._execute(f'DROP DATABASE "{name_of(url)}" WITH (FORCE)')

    def _make(self, template):
        name = f"receiver_{os.getpid()}_{next(self._numbers)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement):
        import psycopg

        url = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement)


def name_of(url):
    """The name of the database at *url*."""
    from sqlalchemy import make_url

    return make_url(url).database


@contextlib.contextmanager
def databases():
    """
    The databases of a server that runs.

    Raises:
        NoServerError: if none can be had.
    """
    from sqlalchemy import make_url

    given = os.environ.get("TEST_POSTGRESQL_URL")
    with contextlib.ExitStack() as stack:
        url = make_url(given) if given else stack.enter_context(server())
        made = Databases(url.set(drivername="postgresql+psycopg"))
        try:
            yield made
        finally:
            made.close()


@contextlib.contextmanager
def server():
    """The URL of a server of our own, reached by a socket in its folder."""
    from sqlalchemy import URL

    folder = binaries()
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    user = unprivileged()
    try:
        if user is not None:
            shutil.chown(home, user.pw_name, user.pw_gid)
            if not folder.is_relative_to(DEBIAN):
                # Root's own environment may be out of others' reach.
                folder = copied(folder, home / "program")
        data = home / "data"
        options = {
            "user": None if user is None else user.pw_uid,
            "group": None if user is None else user.pw_gid,
            "extra_groups": None if user is None else [],
            "cwd": home,
            "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(home)},
            "stdin": subprocess.DEVNULL,
        }
        words = ["--pgdata", str(data), "--username", "receiver", "--auth", "trust", "--no-sync"]
        made = subprocess.run(
            [str(folder / "initdb"), *words, "--encoding", "UTF8"],
            **options,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        if made.returncode:
            raise NoServerError(f"initdb of {folder} failed: {made.stderr.strip()}")
        settings = [word for pair in HASTE.items() for word in ("-c", "=".join(pair))]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [str(folder / "postgres"), "-D", str(data), "-k", str(home), *settings],
                **options,
                stdout=log,
                stderr=log,
            )
        try:
            url = URL.create(
                "postgresql", "receiver", database="postgres", query={"host": str(home)}
            )
            wait_for(url, process, home / "log")
            yield url
        finally:
            # Immediately: nothing of it is needed any more.
            process.send_signal(subprocess.signal.SIGQUIT)
            process.wait(timeout=PATIENCE)
    finally:
        shutil.rmtree(home)


def copied(folder, place):
    """*folder* of the wheel, copied to *place* with the libraries that it looks for beside it."""
    site = folder.parents[2]
    for name in (folder.parent.relative_to(site), Path("pgserver.libs")):
        shutil.copytree(site / name, place / name, symlinks=True)
    return place / folder.relative_to(site)


def wait_for(url, process, log):
    """Return once the server at *url* answers."""
    import psycopg

    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            psycopg.connect(url.render_as_string()).close()
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NoServerError(f"no server came up: {log.read_text()[-2000:]}") from None
            time.sleep(0.02)
        else:
            return


def binaries():
    """
    The folder of the server's programs.

    Raises:
        NoServerError: if there is none.
    """
    found = sorted(DEBIAN.glob("*/bin/postgres"), key=lambda path: -float(path.parts[-3]))
    if found:
        return found[0].parent
    wheel = importlib.util.find_spec("pgserver")
    if wheel is not None and wheel.origin is not None:
        folder = Path(wheel.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    raise NoServerError(
        f"TEST_POSTGRESQL_URL is not set, there is no server in {DEBIAN} (Debian's package "
        "postgresql), and the wheel pgserver is not installed (extra dev, before Python 3.13)"
    )


def unprivileged():
    """The user that a server of ours runs as; `None` is ourselves, who must not be root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise NoServerError("PostgreSQL refuses to run as root, and there is no user to run it as")
