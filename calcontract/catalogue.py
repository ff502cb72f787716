"""
The contract, read out of `features/`.

A Feature is a chapter, a Rule is a clause, an Example (or a row of an outline) is a check.  What
the house rules of the contract ask of the text is enforced here, so that a clause that breaks them
cannot be run at all.
"""

from __future__ import annotations

import ast
import difflib
import functools
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calcontract import gherkins
from calcontract.errors import CatalogueError, UsageError
from calcontract.resources import room
from calcontract.verdicts import Level

#: The receivers a clause speaks about: the guide's, or any receiver of the real Cal.com.
PROFILES = ("guide", "calcom")
#: What a check may need of a target beyond its URL and secret.
CAPABILITIES = ("probe", "states", "process", "secrets", "rotation", "log", "tls")
#: Tags that say how a check behaves, not what it needs.
MANNERS = ("slow", "disruptive", "last", "race", "alone")

_ID = re.compile(r"[a-z]{3}-\d{3}")
_WORD = re.compile(r"[\w-]+")
#: What neither is a word nor holds words together in a selection.
_ODD = re.compile(r"[^\w\s()-]")
#: A chapter and the number of a clause, however they are written.
_NUMBERED = re.compile(r"([a-z]{3})[-_ ]?0*(\d{1,3})")
_OPERATORS = frozenset({"and", "or", "not", "True", "False", "None"})
_KEYWORD = re.compile(r"\b(MUST|SHOULD|MAY)\b")


@dataclass(frozen=True)
class Check:
    """
    One example that can refute a clause.

    Args:
        title: what happens, in the present tense; unique in the whole contract.
        capabilities: what the target has to offer for it.
        rows: number of rows of an outline, 1 for a plain example.
    """

    title: str
    capabilities: frozenset[str]
    manners: frozenset[str]
    rows: int
    line: int


@dataclass(frozen=True)
class Clause:
    """One normative sentence, with where it comes from, why it is there and how to obey it."""

    id: str
    level: Level
    profiles: frozenset[str]
    text: str
    source: str
    why: str
    fix: str
    chapter: str
    checks: tuple[Check, ...]
    file: str
    line: int


def _hint(word: str, known: Collection[str]) -> str:
    """Which of the *known* names *word* was to be, if that can be guessed."""
    lower = word.lower()
    near = difflib.get_close_matches(lower, known, n=1)
    if numbered := _NUMBERED.fullmatch(lower):
        # Of all that look like it, the clause of this number.
        exact = f"{numbered[1]}-{int(numbered[2]):03d}"
        near = [exact] if exact in known else near
    return f"did you mean {near[0]!r}?" if near else "list them with `calcontract clauses`"


@dataclass(frozen=True)
class Chapter:
    """One feature file: a short name such as `sig`, a title, and its clauses."""

    name: str
    title: str
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class Contract:
    """All chapters, in the order of their files."""

    chapters: tuple[Chapter, ...]

    def clauses(self) -> Iterator[Clause]:
        """Every clause, in the order of the text."""
        for chapter in self.chapters:
            yield from chapter.clauses

    def clause(self, clause_id: str) -> Clause:
        """
        The clause called *clause_id*, in any case.

        Raises:
            UsageError: if there is none; the message names the nearest id.
        """
        clause_id = clause_id.lower()
        if clause_id in self._known:
            return self._known[clause_id]
        if clause_id in {chapter.name for chapter in self.chapters}:
            raise UsageError(
                f"{clause_id!r} is a chapter and no clause",
                hint=f"list it with `calcontract clauses --chapter {clause_id}`",
            )
        raise UsageError(f"there is no clause {clause_id!r}", hint=_hint(clause_id, self._known))

    def first_of(self, tags: Iterable[str]) -> Clause | None:
        """The clause that the first of *tags* names which names one at all."""
        return next((self._known[tag] for tag in tags if tag in self._known), None)

    @functools.cached_property
    def _known(self) -> dict[str, Clause]:
        return {clause.id: clause for clause in self.clauses()}

    def selection(self, *given: str) -> str:
        """
        The marker expression, as pytest reads it, for what any of the expressions *given* selects.

        Their words may be in any case: levels are told in capitals, and typed as they are told.

        Raises:
            UsageError: if a word is none of the contract's, and then the message names the nearest;
                or if there is something else between words than pytest's operators.
        """
        expressions = [self._expression(each) for each in given if each]
        if len(expressions) == 1:
            return expressions[0]
        return " or ".join(f"({each})" for each in expressions)

    def _expression(self, select: str) -> str:
        """*select* with each word as pytest knows it."""
        if odd := _ODD.search(select):
            raise UsageError(
                f"{odd[0]!r} joins no clauses, chapters or levels",
                hint="write 'sig or ack', 'idm and must', 'not dur'",
            )
        known = [name for name, _ in self.markers()]

        def found(match: re.Match[str]) -> str:
            word = match[0]
            for spelled in (word, word.lower()):
                if spelled in _OPERATORS or spelled in known:
                    return spelled
            raise UsageError(
                f"there is no clause, chapter or level {word!r}", hint=_hint(word, known)
            )

        expression = _WORD.sub(found, " ".join(select.split()))
        if not _is_joined(expression):
            raise UsageError(
                f"the words of {select!r} are not joined to one selection",
                hint="write 'sig or ack', 'idm and must', 'not dur', and close what is opened",
            )
        return expression

    def markers(self) -> Iterator[tuple[str, str]]:
        """Every tag of the contract with its meaning, for pytest's strict markers."""
        for chapter in self.chapters:
            yield chapter.name, f"chapter: {chapter.title}"
        for clause in self.clauses():
            yield clause.id, clause.text
        for level in Level:
            yield level.value, f"level of a clause: {level.value.upper()}"
        for profile in PROFILES:
            yield profile, f"profile of a clause: {profile}"
        for capability in CAPABILITIES:
            yield f"needs-{capability}", f"needs the capability: {capability}"
        yield "slow", "takes more than a few seconds"
        yield "disruptive", "disturbs the target for others; allowed on loopback or when asked for"
        yield "last", "runs after everything else"
        yield "race", "depends on who comes first; tried several times"
        yield "alone", "looks at what other checks change as well; never runs beside them"


#: What a selection is made of; Python's grammar, of which pytest's is a part, knows more.
_JOINTS = (
    *(ast.Expression, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop),
    *(ast.Name, ast.Constant, ast.Load),
)


def _is_joined(expression: str) -> bool:
    """Whether the known words of *expression* stand as "and", "or", "not" and brackets ask for."""
    plain = _WORD.sub(lambda word: word[0] if word[0] in _OPERATORS else "word", expression)
    try:
        tree = ast.parse(plain, mode="eval")
    except (SyntaxError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, _JOINTS) for node in ast.walk(tree))


def load(folder: Path | None = None) -> Contract:
    """
    The contract in *folder*, or in this installation.

    Raises:
        CatalogueError: if a feature file cannot be read or breaks a house rule.
    """
    return _installed() if folder is None else _read(folder)


@functools.cache
def _installed() -> Contract:
    # Read once, although each profile of a command asks for it: parsing takes a tenth of a second.
    return _read(room("features"))


def _read(folder: Path) -> Contract:
    chapters = tuple(_chapter(path) for path in sorted(folder.glob("*.feature")))
    if not chapters:
        raise CatalogueError(f"no feature files in {folder}")
    contract = Contract(chapters)
    _unique("chapter", [chapter.name for chapter in chapters])
    _unique("clause id", [clause.id for clause in contract.clauses()])
    _unique(
        "check title",
        [check.title for clause in contract.clauses() for check in clause.checks],
    )
    return contract


def _chapter(path: Path) -> Chapter:
    try:
        feature: Any = gherkins.parsed(path.read_text(encoding="utf-8")).get("feature")
    except Exception as error:  # the parser has no common base for what it raises
        raise CatalogueError(f"{path.name} is not valid Gherkin: {error}") from error
    if not feature:
        raise CatalogueError(f"{path.name} holds no Feature")
    names = _tags(feature)
    if len(names) != 1:
        raise CatalogueError(f"{path.name}: a feature has exactly one tag, its chapter's name")
    clauses = []
    for child in feature["children"]:
        if "scenario" in child:
            raise CatalogueError(f"{path.name}: every example stands under a Rule")
        if "rule" in child:
            clauses.append(_clause(child["rule"], names[0], path.name))
    return Chapter(names[0], feature["name"], tuple(clauses))


def _clause(rule: Any, chapter: str, file: str) -> Clause:
    where = f"{file}:{rule['location']['line']}"
    tags = _tags(rule)
    ids = [tag for tag in tags if _ID.fullmatch(tag)]
    levels = [tag for tag in tags if tag in tuple(Level)]
    profiles = [tag for tag in tags if tag in PROFILES]
    others = set(tags) - set(ids) - set(levels) - set(profiles)
    if len(ids) != 1 or len(levels) != 1 or not profiles or others:
        raise CatalogueError(
            f"{where}: a Rule has one id, one level, its profiles and no other tag (found {tags})"
        )
    if not ids[0].startswith(f"{chapter}-"):
        raise CatalogueError(f"{where}: clause {ids[0]} stands in chapter {chapter}")
    level = Level(levels[0])
    keywords = set(_KEYWORD.findall(rule["name"]))
    # Hardening asks in the words of a SHOULD: RFC 2119 knows no fourth word.
    wanted = "SHOULD" if level is Level.HARDENING else level.value.upper()
    if keywords != {wanted}:
        raise CatalogueError(f"{where}: {ids[0]} is tagged @{level} but its text says {keywords}")
    notes = _notes(rule["description"])
    missing = {word for word in ("Source", "Why", "Fix") if not notes.get(word)}
    if missing:
        raise CatalogueError(f"{where}: {ids[0]} does not say its {', '.join(sorted(missing))}")
    checks = tuple(
        _check(child["scenario"], where) for child in rule["children"] if "scenario" in child
    )
    if not checks:
        raise CatalogueError(f"{where}: {ids[0]} holds no check")
    return Clause(
        id=ids[0],
        level=level,
        profiles=frozenset(profiles),
        text=rule["name"],
        source=notes["Source"],
        why=notes["Why"],
        fix=notes["Fix"],
        chapter=chapter,
        checks=checks,
        file=file,
        line=rule["location"]["line"],
    )


def _check(scenario: Any, where: str) -> Check:
    tags = _tags(scenario)
    capabilities = frozenset(tag.removeprefix("needs-") for tag in tags if tag.startswith("needs-"))
    manners = frozenset(tags) & frozenset(MANNERS)
    known = {*MANNERS, *(f"needs-{capability}" for capability in CAPABILITIES)}
    unknown = [tag for tag in tags if tag not in known]
    if unknown:
        raise CatalogueError(f"{where}: unknown tag {unknown} on {scenario['name']!r}")
    # pytest-bdd does not hand tags on Examples tables on, so they would silently do nothing.
    if any(table["tags"] for table in scenario["examples"]):
        raise CatalogueError(f"{where}: no tags on the Examples of {scenario['name']!r}")
    rows = sum(len(table.get("tableBody") or ()) for table in scenario["examples"])
    if scenario["examples"] and not rows:
        raise CatalogueError(f"{where}: the outline {scenario['name']!r} has no row")
    return Check(
        title=scenario["name"],
        capabilities=capabilities,
        manners=manners,
        rows=rows or 1,
        line=scenario["location"]["line"],
    )


def _tags(node: Any) -> list[str]:
    return [tag["name"].removeprefix("@") for tag in node["tags"]]


def _notes(description: str) -> dict[str, str]:
    """The `Word: sentence` paragraphs of a Rule's description; a line may go on on the next."""
    notes: dict[str, str] = {}
    current = None
    for line in description.splitlines():
        word, colon, rest = line.strip().partition(":")
        if colon and word in {"Source", "Why", "Fix"}:
            current = word
            notes[word] = rest.strip()
        elif current and line.strip():
            notes[current] += f" {line.strip()}"
    return notes


def _unique(what: str, names: Sequence[str]) -> None:
    # pytest-bdd keeps scenarios in a dict by title: a repeated title would vanish unseen.
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise CatalogueError(f"{what} used twice: {', '.join(map(repr, twice))}")
