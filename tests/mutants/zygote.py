"""
Processes that begin with everything imported: `python zygote.py MODULE` forks them.

Importing takes a fifth of a run of the gate, and there are hundreds.  What is forked is otherwise a
process like any other, with arguments, environment, output and exit code of its own.

It is forked for whoever holds a `Zygote`, or for a `stand_in.py` that was started with the zygote's
address: that passes a SIGTERM on, and takes it with itself when it is killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
from pathlib import Path

#: More than any order takes, in bytes: arguments and a whole environment.
_ORDER = 1 << 20


class Zygote:
    """
    Forks processes that run `main` of a module beside this one.

    Args:
        module: its name.
    """

    def __init__(self, module):
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._channel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _ORDER)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, module], stdin=theirs, stdout=subprocess.DEVNULL
            )
        #: Where it takes orders of a `stand_in.py`.
        self.address = self._channel.recv(_ORDER).decode()

    def fork(self, arguments, environment, output, errors):
        """Start a process with these; its number."""
        order = json.dumps({"arguments": arguments, "environment": environment}).encode()
        socket.send_fds(self._channel, [order], [output.fileno(), errors.fileno()])
        return json.loads(self._channel.recv(_ORDER))

    def wait(self, number, seconds):
        """The exit code of the process of that *number*, killed if it does not end in time."""
        self._channel.settimeout(seconds)
        try:
            self._channel.send(json.dumps({"wait": number}).encode())
            code = self._channel.recv(_ORDER)
        except TimeoutError:
            os.kill(number, signal.SIGKILL)
            self._channel.settimeout(None)
            code = self._channel.recv(_ORDER)
        self._channel.settimeout(None)
        return json.loads(code)

    def close(self):
        """End it and whatever it has forked."""
        self._channel.close()
        self._process.wait()


class Nursery:
    """
    Forks processes that run *main* until nobody gives orders any more.

    Args:
        channel: a socket to whoever holds the zygote.
        main: what they run.
    """

    def __init__(self, channel, main):
        self.channel = channel
        self.main = main
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # A free address of the kernel's choice, which no file stands for.
        self.listener.bind("")
        self.listener.listen()
        #: Those that were forked for the holder, and those for a stand-in by what tells its end.
        self.alive = set()
        self.watched = {}

    def serve(self):
        """Fork and wait, as ordered."""
        self.channel.send(self.listener.getsockname()[1:])
        while True:
            ready, _, _ = select.select([self.channel, self.listener, *self.watched], [], [])
            for one in ready:
                if one is self.listener:
                    self.stand_in()
                elif one is not self.channel:
                    self.bury(one)
                elif not self.obey():
                    self.end()
                    return

    def obey(self):
        """Do what the holder orders: whether he is there still."""
        message, files, _, _ = socket.recv_fds(self.channel, _ORDER, 2)
        if not message:
            return False
        order = json.loads(message)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            self.alive.discard(order["wait"])
            self.channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
            return True
        number = self.fork(order, files)
        self.alive.add(number)
        self.channel.send(json.dumps(number).encode())
        return True

    def stand_in(self):
        """Fork a process for a stand-in, which is told its number and in the end its exit code."""
        connection, _ = self.listener.accept()
        message, files, _, _ = socket.recv_fds(connection, _ORDER, 3)
        if not message:
            # It was killed before it could say what it stands in for.
            connection.close()
            return
        number = self.fork(json.loads(message), files)
        with contextlib.suppress(ConnectionError):
            connection.send(json.dumps(number).encode())
        self.watched[os.pidfd_open(number)] = (number, connection)

    def bury(self, ended):
        """Tell a stand-in how its process ended."""
        number, connection = self.watched.pop(ended)
        os.close(ended)
        _, status = os.waitpid(number, 0)
        # That its stand-in is gone as well is how it usually ends.
        with connection, contextlib.suppress(ConnectionError):
            connection.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())

    def fork(self, order, files):
        """Start what is ordered with these files: its number."""
        number = os.fork()
        if not number:
            self.channel.close()
            self.listener.close()
            for ended, (_, connection) in self.watched.items():
                os.close(ended)
                connection.close()
            become(order["arguments"], order["environment"], files)
            self.main()
            sys.exit()
        for file in files:
            os.close(file)
        return number

    def end(self):
        """End whatever runs still."""
        for number in self.alive | {number for number, _ in self.watched.values()}:
            os.kill(number, signal.SIGKILL)


def become(arguments, environment, files):
    """Let this process be one that was started with these; a third file is its stand-in's life."""
    for number, file in enumerate(files[:2], 1):
        os.dup2(file, number)
        os.close(file)
    if files[2:]:
        die_with(files[2])
    sys.argv = arguments
    os.environ.clear()
    os.environ.update(environment)


def die_with(pipe):
    """Have the kernel kill this process, as by `kill -9`, once nobody holds the *pipe* any more."""
    fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(pipe, fcntl.F_SETSIG, signal.SIGKILL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
    if select.select([pipe], [], [], 0)[0]:
        # It came to its end before we listened for it.
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    entry = importlib.import_module(sys.argv[1]).main
    orders = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    # What is there already is garbage in no child.
    gc.collect()
    gc.freeze()
    Nursery(orders, entry).serve()
