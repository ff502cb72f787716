"""A run over several profiles: one after the other, and what it ends with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from calcontract.errors import Exit

#: What a run of one profile may end with, the worst first.
_WORST_FIRST = (
    Exit.INTERRUPTED,
    Exit.SUITE_FAILED,
    Exit.USAGE,
    Exit.SETUP,
    Exit.VIOLATES,
    Exit.NOT_VERIFIED,
    Exit.CONFORMS,
)


def in_turn(profiles: Sequence[str], run: Callable[[str], Exit]) -> dict[str, Exit]:
    """
    How *run* ended for each of *profiles*; none is begun after one that was interrupted.

    Raises:
        KeyboardInterrupt: if there is nothing to tell of any.
    """
    codes: dict[str, Exit] = {}
    for name in profiles:
        try:
            codes[name] = run(name)
        except KeyboardInterrupt:
            if not codes:
                raise
            # What was told of those before it stands.
            codes[name] = Exit.INTERRUPTED
        if codes[name] is Exit.INTERRUPTED:
            break
    return codes


def worst(codes: Mapping[str, Exit]) -> Exit:
    """The worst of *codes*, with which the run over all profiles ends."""
    return next(code for code in _WORST_FIRST if code in codes.values())


def told(codes: Mapping[str, Exit], profiles: Sequence[str]) -> str:
    """The exit code of a run over *profiles* in words, with where it comes from."""
    each = ", ".join(f"{name} {code:d}" for name, code in codes.items())
    unbegun = ", ".join(name for name in profiles if name not in codes)
    line = f"{worst(codes):d}, the worst of {each}"
    return f"{line}; not begun: {unbegun}" if unbegun else line
