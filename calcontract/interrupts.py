"""
What an interrupt does to a run: it ends waiting at once, and leaves nothing half done.

Raised just anywhere, it would leave half-done things behind in pytest's work or a library's, be
taken for a failure of the check, or lose a receiver that was just being started.  So the first
interrupt cuts short only what is `open_to` it, and is otherwise remembered until the run comes to a
place at which it can end (`asked`).  Another one ends the process at once.

Signals belong to the process, and so does what is remembered here.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from mock_calcom import terminal

#: The signals that ask a run to stop.
_ASKING = (signal.SIGINT, signal.SIGTERM)

_SAID = b"calcontract: interrupted; finishing up (once more ends it at once)"


class Cut(KeyboardInterrupt):
    """What is under way is to end, because somebody has asked the run to stop."""


@dataclass
class _State:
    """
    What this process was asked.

    Args:
        asked: whether it is to stop.
        insisted: whether it is to stop at once.
        opened: how many sections that may be cut short are under way, one in the other.
        held: how many that may not be cut short all the same.
        signals: those that asked.
    """

    asked: bool = False
    insisted: bool = False
    opened: int = 0
    held: int = 0
    signals: set[int] = field(default_factory=set)

    def ask(self) -> None:
        """Ask it to stop, once it can."""
        self.asked = True
        if self.opened and not self.held:
            raise Cut

    def insist(self) -> None:
        """Ask it to stop at once."""
        self.asked = self.insisted = True
        raise KeyboardInterrupt


_state = _State()


def asked() -> bool:
    """Whether somebody has asked to stop: nothing new is begun."""
    return _state.asked


def insisted() -> bool:
    """Whether somebody has asked for it twice: nothing is waited for."""
    return _state.insisted


def note() -> None:
    """Remember that somebody has asked to stop, of whom others took notice."""
    _state.asked = True


@contextlib.contextmanager
def heeded() -> Iterator[None]:
    """Heed interrupts as said above, and say so at the first."""
    _forget()
    with terminal.told() as tell:

        def heed(_number: int, _frame: object) -> None:
            if _state.asked:
                _state.insist()
            tell(_SAID)
            _state.ask()

        before = {number: signal.signal(number, heed) for number in _ASKING}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def also_by_sigterm() -> Iterator[None]:
    """
    Let SIGTERM do inside what Ctrl-C does in a Python program, where nobody has seen to it yet.

    By itself it would end the process there and then, and leave behind what that has started.
    """
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _forget() -> None:
    _state.asked = _state.insisted = False
    _state.signals.clear()


@contextlib.contextmanager
def kept_from_children() -> Iterator[None]:
    """Start processes inside that know of no interrupt of the terminal until they `obey`."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def obey() -> None:
    """
    Let this process, a worker, stop when its controller asks for it: once, or twice for at once.

    It asks with SIGTERM.  The terminal's SIGINT, and that by which a worker ends itself when its
    controller is no more, may come beside it, and never mean more than to stop.
    """

    def heed(number: int, _frame: object) -> None:
        again = number == signal.SIGTERM and number in _state.signals
        _state.signals.add(number)
        if again:
            _state.insist()
        if not _state.asked:
            _state.ask()

    for number in _ASKING:
        signal.signal(number, heed)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


@contextlib.contextmanager
def open_to() -> Iterator[None]:
    """
    Let what is inside be cut short by an interrupt.

    Raises:
        Cut: if somebody asks to stop meanwhile, or has done so.
    """
    _state.opened += 1
    try:
        if _state.asked:
            raise Cut
        yield
    finally:
        _state.opened -= 1


@contextlib.contextmanager
def held() -> Iterator[None]:
    """
    Let what is inside come to its end first: half of it would be worse than a moment's waiting.

    Raises:
        Cut: at the end, if somebody has asked to stop meanwhile, and what is around is open to it.
    """
    _state.held += 1
    before = _state.asked
    try:
        yield
    finally:
        _state.held -= 1
    if _state.asked and not before:
        _state.ask()
