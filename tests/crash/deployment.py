"""
A real deployment: web and worker processes of the receiver, started by their commands.

Every process is started again by the same command, on the same port, after it was killed.
"""

import signal
import subprocess
import sys
import threading
import time

from calcontract import reference
from tests.unit.reference_impl.process import environment

#: Seconds within which a process must say that it runs.
_START_SECONDS = 60.0

#: The receiver's own command.
RECEIVER = (sys.executable, "-m", "reference_impl")

#: What a process says once it takes deliveries, or works on them.
_READY = {"web": b"listening on ", "worker": b"Worker started"}


class NotStartedError(AssertionError):
    """A process did not come up, or not where it should be; its log says why."""


class Process:
    """One process of a deployment, by its *name* in the history."""

    def __init__(self, name, command, variables, folder, history):
        self.name = name
        self.command = command
        self.variables = variables
        self.log = folder / f"{name}.log"
        self.history = history
        self.popen = None
        self._offset = 0

    def start(self):
        """Start it by its command, without waiting for it."""
        self._offset = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self.popen = subprocess.Popen(
                self.command,
                env=self.variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.history.tell("started", process=self.name, pid=self.popen.pid)

    def said(self, words):
        """Whether it has said *words* since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._offset)
            return words in log.read()

    def wait(self, words=None):
        """
        Wait until it says *words*, or without any that it runs.

        Raises:
            NotStartedError: if it ends instead, or takes too long.
        """
        words = words or _READY[self.name.partition("-")[0]]
        deadline = time.monotonic() + _START_SECONDS
        while not self.said(words):
            if self.popen.poll() is not None or time.monotonic() > deadline:
                raise NotStartedError(f"{self.name} never said {words!r}: {self.tail()}")
            time.sleep(0.005)

    def restart(self):
        """Start it and wait until it runs."""
        self.start()
        self.wait()

    def stop_and_go(self, seconds):
        """Let it stand still for so long, wherever it is, and go on."""
        self.popen.send_signal(signal.SIGSTOP)
        self.history.tell("stopped", process=self.name, seconds=seconds)
        time.sleep(seconds)
        self.popen.send_signal(signal.SIGCONT)

    def tail(self):
        """The last that it wrote, for whoever has to find out."""
        return self.log.read_bytes()[-600:].decode(errors="replace")

    def kill(self):
        """
        SIGKILL, and nothing is left of it.

        Raises:
            NotStartedError: if it had ended by itself: nobody asked it to.
        """
        if self.popen.poll() is not None:
            raise NotStartedError(f"{self.name} had ended by itself: {self.tail()}")
        self.popen.kill()
        self.popen.wait()
        self.history.tell("killed", process=self.name, pid=self.popen.pid)

    def stop(self):
        """End it, gracefully if it can."""
        if self.popen is None or self.popen.poll() is not None:
            return
        self.popen.send_signal(signal.SIGCONT)
        self.popen.terminate()
        try:
            self.popen.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()


class Deployment:
    """
    So many web and worker processes on one database; with no workers, each web process works too.

    Args:
        folder: where the logs go.
        history: what is told of starts and kills.
        url: the database, as `DATABASE_URL` spells it.
        webs: how many processes receive.
        workers: how many processes work.
        web: the command that receives, up to its port.
        worker: the command that works.
        arguments: further arguments of the web processes.
        variables: further variables of all processes.
    """

    def __init__(
        self,
        folder,
        history,
        *,
        url,
        webs=1,
        workers=0,
        web=(*RECEIVER, "serve"),
        worker=(*RECEIVER, "worker"),
        arguments=(),
        **variables,
    ):
        self.url = url
        self.database = "SQLite" if url.startswith("sqlite:") else "PostgreSQL"
        self.history = history
        # Short, so that a lease nobody can free at once costs a run no minute.
        told = {"RECEIVER_LEASE": "5", "RECEIVER_BACKOFF": "0.5,1,2", "DATABASE_URL": url}
        told |= {"RECEIVER_POLL": "0.1", **variables}
        ports = [reference.free_port() for _ in range(webs)]
        alone = ("--no-worker",) if workers else ()
        self.addresses = [f"http://127.0.0.1:{port}" for port in ports]
        self.urls = [f"{address}/api/webhooks/calcom" for address in self.addresses]
        commands = {
            f"web-{number}": (*web, "--port", str(port), *alone, *arguments)
            for number, port in enumerate(ports)
        }
        commands |= {f"worker-{number}": worker for number in range(workers)}
        variables = environment(folder, **told)
        self.processes = [
            Process(name, command, variables, folder, history) for name, command in commands.items()
        ]

    def __enter__(self):
        try:
            for process in self.processes:
                process.start()
                # One after the other: the first one makes the tables.
                process.wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        threads = [threading.Thread(target=process.stop) for process in self.processes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def __getitem__(self, name):
        """The process called *name*."""
        return next(process for process in self.processes if process.name == name)

    def restart(self, *processes):
        """Start *processes*, or all, which were killed, and wait until they run."""
        chosen = processes or self.processes
        for process in chosen:
            process.start()
        for process in chosen:
            process.wait()

    def fallen(self):
        """The names of processes that ended and should run."""
        return [process.name for process in self.processes if process.popen.poll() is not None]
