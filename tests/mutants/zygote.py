"""
Processes that begin with everything imported: `python zygote.py MODULE` forks them.

Importing takes a fifth of a run of the gate, and there are hundreds.  What is forked is otherwise a
process like any other, with arguments, environment, output and exit code of its own.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
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


def serve(channel, main):
    """Fork processes that run *main* until nobody gives orders any more."""
    alive = set()
    while True:
        message, files, _, _ = socket.recv_fds(channel, _ORDER, 2)
        if not message:
            break
        order = json.loads(message)
        if "wait" in order:
            _, status = os.waitpid(order["wait"], 0)
            alive.discard(order["wait"])
            channel.send(json.dumps(os.waitstatus_to_exitcode(status)).encode())
            continue
        number = os.fork()
        if not number:
            channel.close()
            become(order["arguments"], order["environment"], files)
            main()
            return
        for file in files:
            os.close(file)
        alive.add(number)
        channel.send(json.dumps(number).encode())
    for number in alive:
        os.kill(number, signal.SIGKILL)


def become(arguments, environment, files):
    """Let this process be one that was started with these."""
    for number, file in enumerate(files, 1):
        os.dup2(file, number)
        os.close(file)
    sys.argv = arguments
    os.environ.clear()
    os.environ.update(environment)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    entry = importlib.import_module(sys.argv[1]).main
    orders = socket.socket(fileno=os.dup(0))
    with Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
    # What is there already is garbage in no child.
    gc.collect()
    gc.freeze()
    serve(orders, entry)
