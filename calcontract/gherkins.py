"""
Feature files, parsed once in a process, though two read them: the catalogue and pytest-bdd.

Parsing the contract takes as long as starting Python several times over.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
from collections.abc import Iterator
from typing import Any

from gherkin.parser import Parser

_reader: Any = importlib.import_module("pytest_bdd.gherkin_parser")


@functools.cache
def parsed(text: str) -> Any:
    """
    The document that *text* is, in the parser's own types, which know no Rule; not to be changed.

    Raises:
        CompositeParserException: if it is no Gherkin.
    """
    return Parser().parse(text)


class _Remembering:
    """In the place of pytest-bdd's parser: what was parsed before is not parsed again."""

    parse = staticmethod(parsed)


@contextlib.contextmanager
def shared() -> Iterator[None]:
    """Let pytest-bdd have what the catalogue has parsed already."""
    usual = _reader.Parser
    _reader.Parser = _Remembering
    try:
        yield
    finally:
        _reader.Parser = usual
