"""
A process that stands in for one that a zygote forks: `python stand_in.py ADDRESS ARGUMENT...`.

Whoever starts, ends and kills it does so to that process, which has its environment and output.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys


def main():
    """Stand in for a process with our arguments, until it ends."""
    address, *arguments = sys.argv[1:]
    # What comes before we know whom to pass it on to has to wait.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    orders = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    orders.connect(f"\0{address}")
    # Ours is the only end that can be written to: it is closed when we die, however that may be.
    life, _ = os.pipe()
    order = {"arguments": arguments, "environment": dict(os.environ)}
    socket.send_fds(orders, [json.dumps(order).encode()], [1, 2, life])
    number = json.loads(orders.recv(64))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(number, signal.SIGTERM))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    return json.loads(orders.recv(64))


if __name__ == "__main__":
    sys.exit(main())
