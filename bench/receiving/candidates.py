"""
Who is measured: the reference receiver, itself with one part changed, and receivers of others.

A candidate that this machine or this receiver cannot run is left out, and says why.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.receiving import postgres
from bench.receiving.machine import Cores
from bench.receiving.servers import PATH, SECRET, Server, free_port, started

_PEERS = Path(__file__).parent.parent / "peers"
_FASTIFY = _PEERS / "fastify"

#: What starts the reference receiver.
RECEIVER = (sys.executable, "-m", "reference_impl")


@dataclass(frozen=True)
class Place:
    """Where one round of a candidate happens."""

    folder: Path
    port: int

    @property
    def database(self) -> Path:
        """The file of its database, if it has one."""
        return self.folder / "receiver.db"


@dataclass(frozen=True)
class Candidate:
    """
    A receiver to measure.

    Args:
        key: how the command line names it.
        title: what the tables call it.
        words: the command that starts it.
        stores: whether it keeps what it accepts, in a table `webhook_events`.
        missing: why it cannot be run here; empty when it can.
    """

    key: str
    title: str
    words: Callable[[Place], list[str]]
    stores: bool = True
    missing: Callable[[], str] = lambda: ""

    @contextlib.contextmanager
    def running(self, folder: Path, cores: Cores) -> Iterator[Server]:
        """
        It, listening, with an empty database in *folder*.

        Raises:
            SetupError: if it does not listen in time.
        """
        place = Place(folder, free_port())
        address = f"sqlite:///{place.database}"
        with started(
            self.words(place), folder, cores, port=place.port, environment=variables(address)
        ) as server:
            yield dataclasses.replace(server, database=address if self.stores else "")


@dataclass(frozen=True)
class OnPostgres(Candidate):
    """
    The reference receiver on a PostgreSQL that shares its core.

    Args:
        apart: the database has another core, as one on another machine has.
    """

    apart: bool = False

    @contextlib.contextmanager
    def running(self, folder: Path, cores: Cores) -> Iterator[Server]:
        """
        It, listening, with an empty database.

        Raises:
            SetupError: if it or the database does not listen in time.
        """
        place = Place(folder, free_port())
        with (
            postgres.running(folder, cores.apart() if self.apart else cores) as (
                address,
                database,
            ),
            started(
                self.words(place), folder, cores, port=place.port, environment=variables(address)
            ) as server,
        ):
            yield Server(server.url, server.started, address, beside=database.started)


@dataclass(frozen=True)
class OnOurTables(Candidate):
    """A receiver of others that writes to the tables of the reference receiver, in a file."""

    @contextlib.contextmanager
    def running(self, folder: Path, cores: Cores) -> Iterator[Server]:
        """
        It, listening, with a database that the reference receiver has made.

        Raises:
            CalledProcessError: if that cannot be made.
            SetupError: if it does not listen in time.
        """
        address = f"sqlite:///{Place(folder, 0).database}"
        subprocess.run(  # noqa: S603 - our own command
            [*RECEIVER, "migrate"],
            env=os.environ | variables(address),
            check=True,
            capture_output=True,
        )
        with super().running(folder, cores) as server:
            yield server


def variables(database: str) -> dict[str, str]:
    """The environment of a receiver with that *database*."""
    return {"CALCOM_WEBHOOK_SECRET": SECRET, "DATABASE_URL": database}


def _receiver(*options: str) -> Callable[[Place], list[str]]:
    return lambda place: [*RECEIVER, "serve", "--port", str(place.port), *options]


def _variant(name: str) -> Callable[[Place], list[str]]:
    script = str(_PEERS / "variants.py")
    return lambda place: [sys.executable, script, name, "--port", str(place.port)]


def _fastify(mode: str) -> Callable[[Place], list[str]]:
    script = str(_FASTIFY / "server.js")
    return lambda place: ["node", script, mode, str(place.port), str(place.database)]


def _no_fastify() -> str:
    if shutil.which("node") is None:
        return "Node is not installed"
    if not (_FASTIFY / "node_modules" / "better-sqlite3").is_dir():
        return "its packages are not installed (make bench-peers)"
    return ""


def _no_postgres() -> str:
    if reason := postgres.missing():
        return reason
    # Nobody listens there, so a receiver that knows PostgreSQL says so, and another refuses it.
    environment = os.environ | variables("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with contextlib.suppress(subprocess.TimeoutExpired):
        tried = subprocess.run(  # noqa: S603 - our own command
            [*RECEIVER, "serve", "--port", "0"],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        said = tried.stderr.strip().removeprefix("reference-receiver: ")
        if said.startswith("DATABASE_URL"):
            return f"the receiver refuses it: {said}"
    return ""


def _webhook(place: Place) -> list[str]:
    """
    The `webhook` of Debian: it verifies, runs a program and stores nothing.

    It answers when the program has ended.  By default it would answer before that, and be seconds
    behind with its programs.
    """
    prefix, _, name = PATH.strip("/").rpartition("/")
    rule = {
        "type": "payload-hmac-sha256",
        "secret": SECRET,
        "parameter": {"source": "header", "name": "X-Cal-Signature-256"},
    }
    hook = {
        "id": name,
        "execute-command": "/bin/true",
        "include-command-output-in-response": True,
        "success-http-response-code": 202,
        "trigger-rule": {"match": rule},
    }
    hooks = place.folder / "hooks.json"
    hooks.write_text(json.dumps([hook]), encoding="utf-8")
    return [
        *("webhook", "-hooks", str(hooks), "-ip", "127.0.0.1", "-port", str(place.port)),
        *("-urlprefix", prefix),
    ]


def _no_webhook() -> str:
    if shutil.which("webhook") is None:
        return "webhook is not installed (Debian: apt-get install webhook)"
    return ""


def _trivial(place: Place) -> list[str]:
    return [sys.executable, str(_PEERS / "trivial.py"), str(place.port)]


#: The server that shows what the load generator can do.
CEILING = Candidate("ceiling", "trivial server, no work at all", _trivial, stores=False)

REFERENCE = Candidate("sqlite", "reference, SQLite", _receiver("--no-worker"))

_ALL = (
    REFERENCE,
    Candidate("working", "reference, SQLite, worker beside", _receiver()),
    OnPostgres(
        "postgres",
        "reference, PostgreSQL",
        _receiver("--no-worker"),
        missing=_no_postgres,
    ),
    OnPostgres(
        "postgres-apart",
        "reference, PostgreSQL on another core",
        _receiver("--no-worker"),
        missing=_no_postgres,
        apart=True,
    ),
    Candidate("forgetful", "reference, stores nothing", _variant("forgetful"), stores=False),
    Candidate("single", "reference, a commit each", _variant("single")),
    Candidate("webhook", "webhook (Go), runs /bin/true", _webhook, False, _no_webhook),
    Candidate("node", "Fastify, a commit each", _fastify("single"), missing=_no_fastify),
    Candidate("node-group", "Fastify, group commit", _fastify("group"), missing=_no_fastify),
    OnOurTables(
        "node-alike",
        "Fastify, group commit, writes alike",
        _fastify("alike"),
        missing=_no_fastify,
    ),
)

CANDIDATES: Mapping[str, Candidate] = {each.key: each for each in (*_ALL, CEILING)}
