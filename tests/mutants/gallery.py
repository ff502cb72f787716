"""
Receivers that are wrong in exactly one way, and how they are run.

A mutant is a class below one of the reference receiver's parts; its docstring says how it is wrong,
and `@breaks` names every clause that has to notice, with the reason code it has to give.  The gate
in `test_mutants.py` asserts equality: these clauses, for these reasons, and no others.  The two
dialects show some bugs differently (a reschedule is a new uid in one of them only): what breaks in
one profile alone is named as `guide=` or `calcom=`.

    @breaks("sig-010", reasons={"status-401"}, part="receiver")
    class VerifiesReserialisedJson(Receiver):
        '''Signs what a JSON library makes of the body, not the body.'''
"""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

HERE = Path(__file__).parent

#: Every file of mutants is called so.
FILES = "m_*.py"


@dataclass(frozen=True)
class Mutant:
    """One entry of the gallery."""

    name: str
    doc: str
    #: The parts of `reference_impl.app.Parts` that it replaces; "settings" is its settings.
    parts: dict[str, Callable[..., Any]]
    #: Clauses that have to fail in both profiles.
    breaks: frozenset[str]
    #: Reason codes that those failures may give.
    reasons: frozenset[str]
    #: Whether the run has to stop before any clause is judged (a cheater that smoke sees).
    stops: bool = False
    #: Extra environment of the receiver's process.
    environment: dict[str, str] = field(default_factory=dict)
    #: Extra arguments of `calcontract check`.
    arguments: tuple[str, ...] = ()
    #: Outcomes other than failure that its clauses may have, such as "blocked".
    unverified: frozenset[str] = frozenset()
    #: Clauses that have to fail as well, in one profile.
    only: dict[str, frozenset[str]] = field(default_factory=dict)
    #: `CALCONTRACT_*` variables of the run.
    told: dict[str, str] = field(default_factory=dict)
    #: Whether the suite has to start and kill it for the bug to show.
    process: bool = False
    #: Clauses that a race may break as well: they need not fail, and may.
    perhaps: frozenset[str] = frozenset()
    #: The kind of certificate it shows over TLS; plain http if it is none.
    tls: str | None = None

    def broken_in(self, profile: str) -> frozenset[str]:
        """The clauses that have to fail in *profile*, if it speaks of them."""
        return self.breaks | self.only.get(profile, frozenset())


GALLERY: dict[str, Mutant] = {}


def breaks(
    *clauses: str,
    part: str,
    reasons: set[str] = frozenset(),
    unverified: set[str] = frozenset(),
    stops: bool = False,
    environment: dict[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    beside: dict[str, type] | None = None,
    guide: set[str] = frozenset(),
    calcom: set[str] = frozenset(),
    process: bool = False,
    perhaps: set[str] = frozenset(),
    told: dict[str, str] | None = None,
    tls: str | None = None,
) -> Callable[[type], type]:
    """
    Enter a class into the gallery as a mutant of *part* that breaks *clauses*.

    Args:
        clauses: ids of the clauses that have to fail.
        part: the name of the part of `Parts` that the class replaces.
        reasons: the reason codes that the failures may give.
        unverified: ids of clauses that end blocked, inconclusive or not verified because of it.
        stops: whether smoke has to stop the run instead.
        environment: settings of the receiver's process.
        arguments: further arguments of `calcontract check`.
        beside: other parts that have to be replaced for the bug to show, by their names.
        guide: ids of clauses that have to fail as well in the profile `guide`.
        calcom: ids of clauses that have to fail as well in the profile `calcom`.
        process: whether the suite has to start and kill the receiver for the bug to show.
        perhaps: ids of clauses that fail as well when a race goes that way.
        told: `CALCONTRACT_*` variables of the run, such as what the receiver declares.
        tls: the kind of certificate it shows over TLS, as `tests/certificates.py` makes it.
    """

    def enter(cls: type) -> type:
        assert cls.__doc__, f"{cls.__name__} does not say how it is wrong"
        assert cls.__name__ not in GALLERY, f"{cls.__name__} is entered twice"
        assert clauses or guide or calcom or stops, f"{cls.__name__} breaks nothing"
        for broken in (cls, *(beside or {}).values()):
            _notice_hits(broken)
        GALLERY[cls.__name__] = Mutant(
            name=cls.__name__,
            doc=" ".join(cls.__doc__.split()),
            parts={part: cls, **(beside or {})},
            breaks=frozenset(clauses),
            reasons=frozenset(reasons),
            unverified=frozenset(unverified),
            stops=stops,
            environment=environment or {},
            arguments=arguments,
            only={"guide": frozenset(guide), "calcom": frozenset(calcom)},
            process=process,
            perhaps=frozenset(perhaps),
            told=told or {},
            tls=tls,
        )
        return cls

    return enter


def _notice_hits(cls: type) -> None:
    """Let every method that *cls* itself defines leave a mark when it runs."""
    for name, member in list(vars(cls).items()):
        if callable(member) and not isinstance(member, type | staticmethod | classmethod):
            setattr(cls, name, _noticed(member))


def _noticed(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        mark = os.environ.get("MUTANT_HIT")
        if mark and not _seen:
            _seen.add(mark)
            Path(mark).touch()
        return method(*args, **kwargs)

    return call


_seen: set[str] = set()


def load() -> dict[str, Mutant]:
    """Every mutant of every file."""
    sys.modules.setdefault("gallery", sys.modules[__name__])
    for path in sorted(HERE.glob(FILES)):
        _import(path)
    return GALLERY


def _import(path: Path) -> ModuleType:
    name = f"mutants_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
