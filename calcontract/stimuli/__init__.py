"""
What the checks send: the values behind the words that the feature files use.

Pure tables and functions, one module per thing that can be spoiled or respelled.  A word that a
table does not know is a mistake in a feature file and raises `CatalogueError`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from calcontract.errors import CatalogueError

_T = TypeVar("_T")


def named(table: Mapping[str, _T], word: str, what: str) -> _T:
    """
    The entry of *table* that a feature file calls *word*.

    Raises:
        CatalogueError: if there is none.
    """
    try:
        return table[word]
    except KeyError:
        raise CatalogueError(f"no {what} is called {word!r}") from None
